import type { Engine } from '../../engine/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { registerInventoryReads } from './inventory.read.routes.ts';
import { inventoryRoutes } from './inventory.routes.ts';
import type { StockAnswersDeps } from './stock.answers.ts';

export { LevelSchema } from './level.schema.ts';

export { RedisAnswers, type SharedAnswers } from './shared.answers.ts';
export { StockCache, type FollowedStream, type ReadCounts } from './stock.cache.ts';

/** Stock at each location: set right, configured, and read. */
export function inventoryFeature(deps: {
  engine: Engine;
  database: Database;
  currency: string;
  answers: StockAnswersDeps;
}): Routes {
  return (app) => {
    inventoryRoutes(app, deps.engine);
    registerInventoryReads(app, deps);
  };
}
