import { type LedgerEntryView, stockProblems } from '../../engine/index.ts';
import { boundMs } from '../../kernel/instant.ts';
import type { Page } from '../../kernel/page.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { readLedger } from './ledger.reads.sql.ts';
import type { LedgerQuery } from './ledger.schema.ts';
import { findLocationId, findProductId } from './ledger.streams.sql.ts';

/**
 * A page of the ledger of all products. A location that does not exist has no entries.
 *
 * @throws Problem `invalid_cursor`
 */
export async function pageOfLedger(database: Database, query: LedgerQuery): Promise<Page<LedgerEntryView>> {
  return readPage(database, query, undefined);
}

/**
 * A page of one product's ledger.
 *
 * @throws Problem `product_not_found`, `invalid_cursor`
 */
export async function pageOfProductLedger(
  database: Database,
  sku: string,
  query: LedgerQuery,
): Promise<Page<LedgerEntryView>> {
  const productId = await findProductId(database.kysely, sku);
  if (productId === null) throw new Problem(stockProblems.productNotFound, `No product has the sku ${sku}.`);
  return readPage(database, query, productId);
}

async function readPage(
  database: Database,
  query: LedgerQuery,
  productId: number | undefined,
): Promise<Page<LedgerEntryView>> {
  const { limit, cursor, sort = '-seq', from, to, location, ...filter } = query;
  const list = { route: 'ledger', productId, sort, from, to, location, ...filter };
  const locationId = location === undefined ? undefined : await findLocationId(database.kysely, location);
  if (locationId === null) return { items: [], nextCursor: null };
  return readLedger(database, {
    filter: { ...filter, productId, locationId },
    fromMs: from === undefined ? undefined : boundMs(from),
    toMs: to === undefined ? undefined : boundMs(to),
    descending: sort === '-seq',
    limit,
    cursor,
    list,
  });
}
