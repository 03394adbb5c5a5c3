/** Each time the list is drawn while rows are selected. */
const LOOKED_AT_MAX = 10_000;

/** First so, then the other way, then as the list comes. */
export function nextSort(sort: string | undefined, by: string): string | null {
  if (sort === by) return `-${by}`;
  return sort === `-${by}` ? null : by;
}

/** The first and the last from one to the other, whichever comes first. */
export function rangeBetween(from: number, to: number): [first: number, last: number] {
  return from < to ? [from, to] : [to, from];
}

/** What is selected once these rows were chosen: all of them too, or, where all of them were, none of them. */
export function toggled<Row>(
  selected: ReadonlyMap<string, Row>,
  touched: readonly Row[],
  keyOf: (row: Row) => string,
): ReadonlyMap<string, Row> {
  const next = new Map(selected);
  const isOn = !touched.every((row) => next.has(keyOf(row)));
  for (const row of touched) {
    if (isOn) next.set(keyOf(row), row);
    else next.delete(keyOf(row));
  }
  return next;
}

/** The selected rows as they are now, where they are here; else as they were when they were selected. */
export function asTheyAre<Row>(
  selected: ReadonlyMap<string, Row>,
  { count, rowAt }: { count: number; rowAt: (index: number) => Row | null },
  keyOf: (row: Row) => string,
): Row[] {
  const rows = new Map(selected);
  for (let index = 0; selected.size > 0 && index < Math.min(count, LOOKED_AT_MAX); index += 1) {
    const row = rowAt(index);
    if (row !== null && rows.has(keyOf(row))) rows.set(keyOf(row), row);
  }
  return [...rows.values()];
}

export function isTextField(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('input:not([type="checkbox"]), textarea, select') !== null;
}

export function isPressed(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('a, button') !== null;
}
