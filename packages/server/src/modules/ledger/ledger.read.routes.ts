import { stockProblems } from '../../engine/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { pageOfLedger, pageOfProductLedger } from './ledger.reads.ts';
import { LedgerPage, LedgerQuery, ProductLedgerPath } from './ledger.schema.ts';

const tags = ['Ledger'];
const read = { scope: 'read' } as const;

const SHORT_PAGES =
  'A page may hold fewer items than `limit`, or none, and still have a `nextCursor`: where a filter matches next to nothing in a very long ledger, each request looks through a part of it.';

export function registerLedgerReads(app: HttpServer, { database }: { database: Database }): void {
  app.route({
    method: 'GET',
    url: '/ledger',
    config: read,
    schema: {
      tags,
      operationId: 'listLedger',
      summary: 'List ledger entries of all products',
      description: `What happened, newest first. A filter that names an unknown location matches nothing. ${SHORT_PAGES}`,
      querystring: LedgerQuery,
      response: { 200: LedgerPage },
    },
    handler: (request) => pageOfLedger(database, request.query),
  });
  app.route({
    method: 'GET',
    url: '/inventory/:sku/ledger',
    config: read,
    schema: {
      tags,
      operationId: 'listProductLedger',
      summary: "List a product's ledger entries",
      description: `What happened to a product, newest first, under its present sku. ${SHORT_PAGES}`,
      params: ProductLedgerPath,
      querystring: LedgerQuery,
      response: { 200: LedgerPage, 404: Refusal(stockProblems.productNotFound) },
    },
    handler: (request) => pageOfProductLedger(database, request.params.sku, request.query),
  });
}
