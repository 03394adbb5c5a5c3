import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/queries.ts';
import type { Movement } from '../../live/live.rules.ts';

const PAGE_SIZE = 200;
const PAGES_MAX = 5;

export interface Movements {
  /** Newest first. */
  items: Movement[];
  /** Whether they are all of them since `from`. */
  isWhole: boolean;
}

interface Asked {
  sku: string;
  location?: string;
  from?: string;
}

/** A product's movements, up to a thousand; asked again when one is added. */
export function useMovements({ sku, location, from }: Asked, options: { enabled?: boolean } = {}) {
  const filters = { ...(location === undefined ? {} : { location }), ...(from === undefined ? {} : { from }) };
  return useQuery({
    // Below the key of the ledger, so that an event of this product makes it stale.
    queryKey: ['/api/v1/inventory/{sku}/ledger', { path: { sku }, query: filters }, 'all'],
    queryFn: ({ signal }) => loadMovements(sku, filters, signal),
    ...options,
  });
}

async function loadMovements(
  sku: string,
  filters: { location?: string; from?: string },
  signal: AbortSignal,
): Promise<Movements> {
  const items: Movement[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query: { limit: number; cursor?: string } = {
      ...filters,
      limit: PAGE_SIZE,
      ...(cursor === null ? {} : { cursor }),
    };
    const answer: { items: Movement[]; nextCursor: string | null } = await get(
      '/api/v1/inventory/{sku}/ledger',
      { path: { sku }, query },
      signal,
    );
    items.push(...answer.items);
    cursor = answer.nextCursor;
    if (cursor === null) return { items, isWhole: true };
  }
  return { items, isWhole: false };
}
