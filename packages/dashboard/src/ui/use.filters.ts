import { useCallback } from 'react';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';

export type Filters = Readonly<Record<string, string>>;

/** The query of the page's own address: filters, sort, what is open beside the list. A link to it shows the same. */
export function useFilters(): [Filters, (change: Record<string, string | null>) => void] {
  const filters = useSearch({ strict: false }) as Filters;
  const navigate = useNavigate();
  const change = useCallback(
    (changes: Record<string, string | null>) => {
      void navigate({
        to: '.',
        replace: true,
        resetScroll: false,
        search: (known: Filters) => {
          const next = Object.entries({ ...known, ...changes }).filter(([, value]) => value !== null && value !== '');
          return Object.fromEntries(next);
        },
      });
    },
    [navigate],
  );
  return [filters, change];
}

/**
 * Opens something beside the list, and closes it. To open it is a step: on a phone it covers the list, and who goes Back
 * from there wants to see the list, not the page before.
 */
export function useOpenStep(): [open: (key: string) => void, close: () => void] {
  const navigate = useNavigate();
  const [{ open }, change] = useFilters();
  const openStep = (key: string): void => {
    if (open !== undefined) return change({ open: key });
    const search = (known: Filters): Filters => ({ ...known, open: key });
    void navigate({ to: '.', resetScroll: false, search, state: { opens: true } as object });
  };
  const closeStep = (): void => {
    const step = history.state as { opens?: true } | null;
    if (step?.opens === true) history.back();
    else change({ open: null });
  };
  return [openStep, closeStep];
}

/** A part of the page's own path: `usePathPart('sku')` at `/$sku`. */
export function usePathPart(name: string): string {
  const parts = useParams({ strict: false }) as Record<string, string>;
  return parts[name] ?? '';
}

/** Those of the filters that a route takes, ready to be its query; others in the address are ignored. */
export function pick<Name extends string>(filters: Filters, names: readonly Name[]): { [Key in Name]?: string } {
  return Object.fromEntries(names.flatMap((name) => (filters[name] === undefined ? [] : [[name, filters[name]]]))) as {
    [Key in Name]?: string;
  };
}
