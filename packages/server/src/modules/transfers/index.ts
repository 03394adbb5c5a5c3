import type { Engine } from '../../engine/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { registerTransfersReads } from './transfer.read.routes.ts';
import { transferRoutes } from './transfer.routes.ts';

export { TransferSchema } from './transfer.schema.ts';

/** Stock moved between locations. */
export function transfersFeature(deps: { engine: Engine; database: Database }): Routes {
  return (app) => {
    transferRoutes(app, deps.engine);
    registerTransfersReads(app, deps);
  };
}
