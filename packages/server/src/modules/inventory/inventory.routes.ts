import { stockProblems, type Engine } from '../../engine/index.ts';
import { problems } from '../../kernel/problem.ts';
import { ifMatchOf, metaOf, sendAnswer, type HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { AdjustAnswer, AdjustBody, AdjustmentsAnswer, AdjustmentsBody, LevelSettingsBody } from './adjust.schema.ts';
import { adjust, adjustMany } from './adjust.service.ts';
import { LevelPath, LevelSchema, StockPath } from './level.schema.ts';

const tags = ['Inventory'];
const stock = { scope: 'stock' } as const;
const unknownNames = Refusal(stockProblems.productNotFound, stockProblems.locationNotFound);
const adjustmentProblems = [
  stockProblems.insufficientStock,
  stockProblems.stockBelowPromised,
  stockProblems.quantityOutOfRange,
  stockProblems.versionConflict,
  stockProblems.productArchived,
  stockProblems.locationArchived,
];

export function inventoryRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'POST',
    url: '/inventory/:sku/adjust',
    config: stock,
    schema: {
      tags,
      operationId: 'adjustStock',
      summary: 'Set the units on hand right',
      description:
        'Receipts, returns, losses, counts. Taking more than is on hand is refused; going below what is promised needs `force`.',
      params: StockPath,
      body: AdjustBody,
      response: { 200: AdjustAnswer, 404: unknownNames, 409: Refusal(...adjustmentProblems) },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await adjust(engine, request.params.sku, request.body, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/adjustments',
    config: { ...stock, bodyLimit: 'bulk' },
    schema: {
      tags,
      operationId: 'adjustStockInBulk',
      summary: 'Adjust up to 10,000 levels',
      description:
        'In order, each on its own: 200 also when some were refused. With `atomic` (at most 1,000) all or none: a refusal is 409 with the index of the first refused item.',
      body: AdjustmentsBody,
      response: {
        200: AdjustmentsAnswer,
        // Of all or none, also what is 404 for one alone.
        409: Refusal(...adjustmentProblems, stockProblems.productNotFound, stockProblems.locationNotFound),
      },
    },
    handler: async (request, reply) => sendAnswer(reply, await adjustMany(engine, request.body, metaOf(request))),
  });
  app.route({
    method: 'PATCH',
    url: '/inventory/:sku/locations/:code',
    config: stock,
    schema: {
      tags,
      operationId: 'changeLevelSettings',
      summary: "Change a level's settings",
      description:
        "What is set becomes the level's own; null follows the product again. Where nothing changes, neither does the version.",
      params: LevelPath,
      body: LevelSettingsBody,
      response: {
        200: LevelSchema,
        404: unknownNames,
        409: Refusal(stockProblems.productArchived, stockProblems.locationArchived),
        412: Refusal(problems.preconditionFailed),
      },
    },
    handler: async (request, reply) => {
      const { sku, code } = request.params;
      const ifMatch = ifMatchOf(request);
      const command = { kind: 'levelSettings', sku, location: code, patch: request.body, ifMatch } as const;
      return sendAnswer(reply, await engine.submit(command, metaOf(request)));
    },
  });
}
