import type { Filters } from './use.filters.ts';

export interface View {
  name: string;
  filters: Record<string, string>;
}

/** What of the address is a view: not the row that is open. */
export function viewOf(filters: Filters): Record<string, string> {
  return Object.fromEntries(Object.entries(filters).filter(([name]) => name !== 'open' && name !== 'tab'));
}

export function isSameView(left: Record<string, string>, right: Record<string, string>): boolean {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => left[name] === right[name]);
}

/** What was kept on this machine, whatever has become of it. */
export function parseViews(text: string | null): View[] {
  try {
    const kept: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(kept)) return [];
    return kept.flatMap((view: { name?: unknown; filters?: unknown } | null) => {
      if (typeof view?.name !== 'string' || typeof view.filters !== 'object' || view.filters === null) return [];
      const filters = Object.entries(view.filters).map(([name, value]): [string, string] => [name, String(value)]);
      return [{ name: view.name, filters: Object.fromEntries(filters) }];
    });
  } catch {
    return [];
  }
}
