import { stockProblems, type LevelView } from '../../engine/index.ts';
import { systemClock } from '../../kernel/clock.ts';
import { createKept } from '../../kernel/kept.ts';
import type { Database } from '../../platform/database/index.ts';
import { etagOfBody, sendAnswer, wantsFresh, type HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { getAvailability, getLevel, getStock, getStockAt } from './inventory.reads.ts';
import { listLevels } from './level.list.sql.ts';
import { createLevelReader } from './level.reads.sql.ts';
import {
  AvailabilityAnswer,
  AvailabilityBody,
  LevelPage,
  LevelPath,
  LevelQuery,
  LevelReadQuery,
  LevelSchema,
  ProductStockSchema,
  StockPath,
  StockQuery,
  SummarySchema,
  type ProductStock,
} from './level.schema.ts';
import {
  askedAnswer,
  knownAnswer,
  type StockAnswer,
  type StockAnswersDeps,
  type StockQuestion,
} from './stock.answers.ts';
import { createStockReader } from './stock.reads.sql.ts';
import { readSummary } from './summary.reads.sql.ts';

const tags = ['Inventory'];
const read = { scope: 'read' } as const;

/** A summary that took 50 ms is shown for a second. */
const SUMMARY_KEEP_FACTOR = 20;

interface InventoryReadDeps {
  database: Database;
  /** ISO 4217, the installation's one currency. */
  currency: string;
  /** What is known of hot products. */
  answers: StockAnswersDeps;
}

export function registerInventoryReads(app: HttpServer, deps: InventoryReadDeps): void {
  levelRoutes(app, deps);
  stockRoutes(app, deps);
  overviewRoutes(app, deps);
}

function levelRoutes(app: HttpServer, { database, answers }: InventoryReadDeps): void {
  const readLevel = createLevelReader(database);
  app.route({
    method: 'GET',
    url: '/inventory/:sku/locations/:code',
    config: { ...read, conditional: true },
    schema: {
      tags,
      operationId: 'getLevel',
      summary: "Get a product's stock at one location",
      description:
        "One that nothing touched yet answers zeros, with version 0 and the product's own settings. At an inactive location nothing is available.",
      params: LevelPath,
      querystring: LevelReadQuery,
      response: { 200: LevelSchema, 404: Refusal(stockProblems.productNotFound, stockProblems.locationNotFound) },
    },
    handler: (request, reply) => {
      const { sku, code } = request.params;
      const fresh = request.query.fresh === true || wantsFresh(request);
      const load = (): Promise<LevelView> => getLevel(readLevel, { sku, code });
      return answerStock(reply, answers, {
        sku,
        question: code,
        fresh,
        load,
        etagOf: ({ version }, body) => etagOfBody(body, version),
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/inventory',
    config: read,
    schema: {
      tags,
      operationId: 'listLevels',
      summary: 'List stock levels across products',
      description:
        'Levels that were ever touched, by sku, then location. Archived products are left out. A filter that names an unknown location matches nothing.',
      querystring: LevelQuery,
      response: { 200: LevelPage },
    },
    handler: (request) => listLevels(database, request.query),
  });
}

function stockRoutes(app: HttpServer, { database, answers }: InventoryReadDeps): void {
  const readStock = createStockReader(database);
  app.route({
    method: 'GET',
    url: '/inventory/:sku',
    config: { ...read, conditional: true },
    schema: {
      tags,
      operationId: 'getStock',
      summary: "Get a product's stock at all locations",
      description:
        'Totals and levels. With `at`, on hand, reserved, committed and shortage are as they were then, from the ledger: zeros before the first movement; settings, `available`, `incoming` and `version` are null.',
      params: StockPath,
      querystring: StockQuery,
      response: { 200: ProductStockSchema, 404: Refusal(stockProblems.productNotFound) },
    },
    handler: (request, reply) => {
      const { sku } = request.params;
      const { at, fresh: isAsked } = request.query;
      if (at !== undefined) return getStockAt(database, sku, at);
      const fresh = isAsked === true || wantsFresh(request);
      const load = (): Promise<ProductStock> => getStock(readStock, sku);
      return answerStock(reply, answers, {
        sku,
        question: '',
        fresh,
        load,
        etagOf: (_stock, body) => etagOfBody(body),
      });
    },
  });
  app.route({
    method: 'POST',
    url: '/availability',
    config: read,
    schema: {
      tags,
      operationId: 'checkAvailability',
      summary: 'Ask whether lines can be had, reserving nothing',
      description:
        'Lines of one sku are judged together: those that name a location take theirs first, the others share what is left, over several locations where no single one has it all (a reservation does so with `sourcing.split`). Units of expired holds count as free. The lines may have 100,000 places together; those that name theirs have one.',
      body: AvailabilityBody,
      response: {
        200: AvailabilityAnswer,
        404: Refusal(stockProblems.productNotFound, stockProblems.locationNotFound),
      },
    },
    handler: (request) => getAvailability(database, request.body.lines),
  });
}

/** What is known is sent at once; else the database is asked. */
function answerStock<Value>(
  reply: Reply,
  answers: StockAnswersDeps,
  asked: StockQuestion<Value>,
): Promise<void> | undefined {
  const known = knownAnswer(answers, asked);
  if (known === null) return askedAnswer(answers, asked).then((answer) => sendStock(reply, answer));
  sendStock(reply, known);
  return undefined;
}

function sendStock(reply: Reply, { body, etag, age, cacheStatus }: StockAnswer): void {
  const headers = { etag, age: String(age), 'cache-status': cacheStatus };
  sendAnswer(reply, { status: 200, body, headers });
}

type Reply = Parameters<typeof sendAnswer>[0];

function overviewRoutes(app: HttpServer, { database, currency }: InventoryReadDeps): void {
  const summary = createKept({
    read: () => readSummary(database.kysely, currency),
    clock: systemClock,
    keepFactor: SUMMARY_KEEP_FACTOR,
  });
  app.route({
    method: 'GET',
    url: '/summary',
    config: read,
    schema: {
      tags,
      operationId: 'getSummary',
      summary: 'Get the numbers of the whole installation',
      description:
        'Sums over all stock, taken at `asOf`: a little behind, because they are kept for twenty times as long as taking them lasted. Archived products and locations are left out.',
      response: { 200: SummarySchema },
    },
    handler: () => summary(),
  });
}
