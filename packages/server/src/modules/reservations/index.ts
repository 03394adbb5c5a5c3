import type { Engine } from '../../engine/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { registerReservationsReads } from './reservation.read.routes.ts';
import { reservationRoutes } from './reservation.routes.ts';

export { ReservationSchema } from './reservation.schema.ts';

/** Claims on stock: made, changed, moved forward, and read. */
export function reservationsFeature(deps: { engine: Engine; database: Database }): Routes {
  return (app) => {
    reservationRoutes(app, deps.engine);
    registerReservationsReads(app, deps);
  };
}
