import type { Query, QueryClient, QueryFilters } from '@tanstack/react-query';

/** What is on its way and is to be asked for once more, until it is here. */
const onceMore = new WeakMap<Query, Promise<void>>();

/**
 * Asks anew for what is shown; what is not shown is asked for when it is. An answer that is on its way may have been read
 * before what made it stale: it is let come, so that something comes however long answers take, and asked for once more.
 */
export async function askAnew(client: QueryClient, filters: QueryFilters): Promise<void> {
  const onTheirWay = client.getQueryCache().findAll({ ...filters, fetchStatus: 'fetching' });
  await Promise.all([
    ...onTheirWay.map((query) => askOnceMore(client, query)),
    client.invalidateQueries(filters, { cancelRefetch: false }),
  ]);
}

function askOnceMore(client: QueryClient, query: Query): Promise<void> {
  const known = onceMore.get(query);
  if (known !== undefined) return known;
  const asked = landed(query).then(() => {
    onceMore.delete(query);
    return client.invalidateQueries({ queryKey: query.queryKey, exact: true }, { cancelRefetch: false });
  });
  onceMore.set(query, asked);
  return asked;
}

/** Of a query that is on its way, its `fetch` gives the end and asks for nothing. */
async function landed(query: Query): Promise<void> {
  await query.fetch().catch(() => undefined);
}
