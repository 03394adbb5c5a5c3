import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { LocationTable, Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder, type OrderColumn } from '../../platform/database/keyset.ts';

export type Location = Selectable<LocationTable>;
export type LocationType = Location['type'];

/** What a caller may set of a location, every member given. */
export interface LocationFields {
  code: string;
  name: string;
  type: LocationType;
  address: string | Record<string, unknown> | null;
  lat: number | null;
  lng: number | null;
  priority: number;
  active: boolean;
}

/** Answers nothing where the code is taken; one that another transaction is taking at this moment is waited for. */
export async function insertLocation(
  tx: Transaction<Tables>,
  fields: LocationFields,
  nowMs: number,
): Promise<Location | undefined> {
  return tx
    .insertInto('location')
    .values({ ...toColumns(fields), created_at: toRfc3339(nowMs), updated_at: toRfc3339(nowMs) })
    .onConflict((conflict) => conflict.column('code').doNothing())
    .returningAll()
    .executeTakeFirst();
}

export async function updateLocation(
  tx: Transaction<Tables>,
  id: number,
  fields: LocationFields,
  nowMs: number,
): Promise<Location> {
  return tx
    .updateTable('location')
    .set({ ...toColumns(fields), version: sql<number>`version + 1`, updated_at: toRfc3339(nowMs) })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function archiveLocation(tx: Transaction<Tables>, id: number, nowMs: number): Promise<Location> {
  const now = toRfc3339(nowMs);
  return tx
    .updateTable('location')
    .set({ archived_at: now, updated_at: now, version: sql<number>`version + 1` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findLocation(db: Kysely<Tables>, code: string): Promise<Location | undefined> {
  return db.selectFrom('location').selectAll().where('code', '=', code).executeTakeFirst();
}

/** The location that had this code when its lock was asked for, if it still has it now that the lock is ours. */
export async function findLockedLocation(
  tx: Transaction<Tables>,
  id: number,
  code: string,
): Promise<Location | undefined> {
  return tx.selectFrom('location').selectAll().where('id', '=', id).where('code', '=', code).executeTakeFirst();
}

/** Whether another location, archived or not, has this code. */
export async function isCodeTaken(tx: Transaction<Tables>, code: string): Promise<boolean> {
  const row = await tx.selectFrom('location').select('id').where('code', '=', code).executeTakeFirst();
  return row !== undefined;
}

/** What the levels of a location still hold together. */
export async function stockAt(
  tx: Transaction<Tables>,
  locationId: number,
): Promise<{ levels: number; onHand: number; reserved: number; committed: number }> {
  return tx
    .selectFrom('level')
    .select((level) => [
      level.fn.countAll<number>().as('levels'),
      sql<number>`coalesce(sum(on_hand), 0)::bigint`.as('onHand'),
      sql<number>`coalesce(sum(reserved), 0)::bigint`.as('reserved'),
      sql<number>`coalesce(sum(committed), 0)::bigint`.as('committed'),
    ])
    .where('location_id', '=', locationId)
    .where(sql<boolean>`(on_hand <> 0 OR reserved <> 0 OR committed <> 0)`)
    .executeTakeFirstOrThrow();
}

export type LocationSortField = 'priority' | 'code' | 'name' | 'createdAt' | 'updatedAt';

const CODE: OrderColumn = { ref: 'location.code', kind: 'text' };

const ORDER_COLUMNS: Record<LocationSortField, readonly OrderColumn[]> = {
  priority: [{ ref: 'location.priority', kind: 'integer' }, CODE],
  code: [CODE],
  name: [{ ref: 'location.name', kind: 'text' }, CODE],
  createdAt: [{ ref: 'location.created_at', kind: 'time' }, CODE],
  updatedAt: [{ ref: 'location.updated_at', kind: 'time' }, CODE],
};

export function locationOrder(field: LocationSortField, descending: boolean): ListOrder {
  return { columns: ORDER_COLUMNS[field], descending };
}

/** Where a row stands in that order. */
export function locationPosition(field: LocationSortField, row: Location): (string | number)[] {
  switch (field) {
    case 'priority':
      return [row.priority, row.code];
    case 'code':
      return [row.code];
    case 'name':
      return [row.name, row.code];
    case 'createdAt':
      return [row.created_at, row.code];
    case 'updatedAt':
      return [row.updated_at, row.code];
  }
}

export interface LocationFilter {
  active?: boolean | undefined;
  type?: LocationType | undefined;
  archived: boolean;
}

/** One page of locations and one row more. */
export async function listLocations(
  db: Kysely<Tables>,
  filter: LocationFilter,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<Location[]> {
  let query = db
    .selectFrom('location')
    .selectAll()
    .where('archived_at', filter.archived ? 'is not' : 'is', null)
    .where(rowsAfter(order, page.list, page.cursor));
  if (filter.active !== undefined) query = query.where('active', '=', filter.active);
  if (filter.type !== undefined) query = query.where('type', '=', filter.type);
  return query
    .orderBy(inOrder(order))
    .limit(page.limit + 1)
    .execute();
}

function toColumns({ address, ...columns }: LocationFields) {
  return { ...columns, address: address === null ? null : JSON.stringify(address) };
}
