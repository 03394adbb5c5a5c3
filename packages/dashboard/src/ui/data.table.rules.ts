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

export function isTextField(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('input:not([type="checkbox"]), textarea, select') !== null;
}

export function isPressed(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('a, button') !== null;
}
