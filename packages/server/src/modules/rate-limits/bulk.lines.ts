/**
 * The lines of a bulk request: the items of its longest list, and of an item that has lines itself, those. A batch of a
 * hundred is as much work as a hundred requests.
 */
export function linesOf(body: unknown): number {
  let most = 1;
  for (const list of Object.values(isObject(body) ? body : {})) {
    if (Array.isArray(list))
      most = Math.max(
        most,
        list.reduce<number>((sum, item) => sum + linesOfItem(item), 0),
      );
  }
  return most;
}

function linesOfItem(item: unknown): number {
  const lines = isObject(item) ? item['lines'] : null;
  return Array.isArray(lines) ? Math.max(1, lines.length) : 1;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
