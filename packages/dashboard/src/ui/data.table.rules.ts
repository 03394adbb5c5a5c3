/** First so, then the other way, then as the list comes. */
export function nextSort(sort: string | undefined, by: string): string | null {
  if (sort === by) return `-${by}`;
  return sort === `-${by}` ? null : by;
}

/** All from one to the other, both included, whichever comes first. */
export function rangeBetween(from: number, to: number): number[] {
  const [first, last] = from < to ? [from, to] : [to, from];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

export function isTextField(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('input:not([type="checkbox"]), textarea, select') !== null;
}

export function isPressed(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('a, button') !== null;
}
