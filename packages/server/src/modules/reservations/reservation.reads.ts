import type { ReservationView } from '../../engine/index.ts';
import { boundMs } from '../../kernel/instant.ts';
import type { Page } from '../../kernel/page.ts';
import { readIdList } from '../../platform/database/id.scan.ts';
import type { Database } from '../../platform/database/index.ts';
import { chooseSource, findIds, selectReservations, toViews } from './reservation.reads.sql.ts';
import type { ReservationQuery } from './reservation.schema.ts';

/**
 * A page of reservations. A product or location that does not exist has none.
 *
 * @throws Problem `invalid_cursor`
 */
export async function pageOfReservations(database: Database, query: ReservationQuery): Promise<Page<ReservationView>> {
  const { limit, cursor, sort = '-createdAt', sku, location, expiringBefore, ...rest } = query;
  const { productId, locationId } = await findIds(database.kysely, { sku, location });
  if ((sku !== undefined && productId === null) || (location !== undefined && locationId === null)) {
    return { items: [], nextCursor: null };
  }
  const filter = {
    ...rest,
    productId: productId ?? undefined,
    locationId: locationId ?? undefined,
    expiringBeforeMs: expiringBefore === undefined ? undefined : boundMs(expiringBefore),
  };
  const source = await chooseSource(database.kysely, filter);
  return readIdList(database, {
    table: 'reservation',
    descending: sort === '-createdAt',
    limit,
    cursor,
    list: { route: 'reservations', sort, sku, location, expiringBefore, ...rest },
    select: (page) => selectReservations(source, filter, page),
    toItems: toViews,
  });
}
