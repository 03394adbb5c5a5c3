import type { ReservationView } from '../../engine/index.ts';
import { boundMs } from '../../kernel/instant.ts';
import type { Page } from '../../kernel/page.ts';
import { validationFailed } from '../../kernel/problem.ts';
import { readIdList } from '../../platform/database/id.scan.ts';
import type { Database } from '../../platform/database/index.ts';
import { readByExpiry } from './reservation.expiry.sql.ts';
import { chooseSource, findIds, selectReservations, toViews } from './reservation.reads.sql.ts';
import type { ReservationQuery } from './reservation.schema.ts';

const NEEDS_PENDING = 'by expiresAt is of pending ones: give status=pending, too';

/**
 * A page of reservations. A product or location that does not exist has none.
 *
 * @throws Problem `invalid_cursor`; `validation_failed` for the end of holds as the order of any but pending ones
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
  const list = { route: 'reservations', sort, sku, location, expiringBefore, ...rest };
  if (sort === 'expiresAt' || sort === '-expiresAt') {
    if (filter.status !== 'pending') throw validationFailed([{ path: 'sort', message: NEEDS_PENDING }]);
    return readByExpiry(database, { filter, descending: sort === '-expiresAt', limit, cursor, list });
  }
  const source = await chooseSource(database.kysely, filter);
  return readIdList(database, {
    table: 'reservation',
    descending: sort === '-createdAt',
    limit,
    cursor,
    list,
    select: (page) => selectReservations(source, filter, page),
    toItems: toViews,
  });
}
