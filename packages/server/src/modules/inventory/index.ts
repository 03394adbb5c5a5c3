import type { Engine } from '../../engine/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { registerInventoryReads } from './inventory.read.routes.ts';
import { inventoryRoutes } from './inventory.routes.ts';

/** Stock at each location: set right, configured, and read. */
export function inventoryFeature(deps: { engine: Engine; database: Database; currency: string }): Routes {
  return (app) => {
    inventoryRoutes(app, deps.engine);
    registerInventoryReads(app, deps);
  };
}
