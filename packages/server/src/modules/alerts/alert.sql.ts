import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { AlertTable, Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';

/** An alert with the present names of its product and location. */
export type Alert = Omit<Selectable<AlertTable>, 'product_id' | 'location_id'> & { sku: string; location: string };

export interface AlertFilter {
  status?: Alert['status'] | undefined;
  type?: Alert['type'] | undefined;
  location?: string | undefined;
  sku?: string | undefined;
}

/** Ids are UUIDv7 of the database's time: their order is the order in which alerts opened. */
export function alertOrder(descending: boolean): ListOrder {
  return { columns: [{ ref: 'alert.id', kind: 'uuid' }], descending };
}

/** One page of alerts and one row more. */
export async function listAlerts(
  db: Kysely<Tables>,
  filter: AlertFilter,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<Alert[]> {
  let query = selectAlerts(db).where(rowsAfter(order, page.list, page.cursor));
  if (filter.status !== undefined) query = query.where('alert.status', '=', filter.status);
  if (filter.type !== undefined) query = query.where('alert.type', '=', filter.type);
  // By their keys, so that an index of the alerts is read: by name, the planner walks all alerts.
  if (filter.sku !== undefined) {
    query = query.where('alert.product_id', '=', db.selectFrom('product').select('id').where('sku', '=', filter.sku));
  }
  if (filter.location !== undefined) {
    const location = db.selectFrom('location').select('id').where('code', '=', filter.location);
    query = query.where('alert.location_id', '=', location);
  }
  return query
    .orderBy(inOrder(order))
    .limit(page.limit + 1)
    .execute();
}

export async function findAlert(db: Kysely<Tables>, id: string): Promise<Alert | undefined> {
  return selectAlerts(db).where('alert.id', '=', id).executeTakeFirst();
}

/** Locks in the order of ids, so that two callers with the same alerts wait for each other and never both at once. */
export async function lockAlerts(tx: Transaction<Tables>, ids: readonly string[]): Promise<Alert[]> {
  return selectAlerts(tx)
    .where('alert.id', '=', sql<string>`ANY(${ids}::uuid[])`)
    .orderBy('alert.id')
    .forUpdate('alert')
    .execute();
}

/** Rows that the caller has locked. */
export async function acknowledgeAlerts(
  tx: Transaction<Tables>,
  ids: readonly string[],
  actor: string,
  nowMs: number,
): Promise<void> {
  await tx
    .updateTable('alert')
    .set({ status: 'acknowledged', acknowledged_at: toRfc3339(nowMs), acknowledged_by: actor })
    .where('id', '=', sql<string>`ANY(${ids}::uuid[])`)
    .execute();
}

/** Resolves what is open at a location, on the alerts and on its levels, and answers the alerts as they are then. */
export async function resolveAlertsAt(tx: Transaction<Tables>, locationId: number, nowMs: number): Promise<Alert[]> {
  await tx
    .updateTable('level')
    .set({ open_alerts: 0 })
    .where('location_id', '=', locationId)
    .where('open_alerts', '<>', 0)
    .execute();
  return tx
    .updateTable('alert')
    .from('product')
    .from('location')
    .set({ status: 'resolved', resolved_at: toRfc3339(nowMs) })
    .whereRef('product.id', '=', 'alert.product_id')
    .whereRef('location.id', '=', 'alert.location_id')
    .where('alert.location_id', '=', locationId)
    .where('alert.status', '<>', 'resolved')
    .returning(ALERT_COLUMNS)
    .execute();
}

const ALERT_COLUMNS = [
  'alert.id',
  'alert.type',
  'alert.status',
  'alert.threshold',
  'alert.value',
  'alert.opened_at',
  'alert.acknowledged_at',
  'alert.acknowledged_by',
  'alert.resolved_at',
  'product.sku',
  'location.code as location',
] as const;

function selectAlerts(db: Kysely<Tables>) {
  return db
    .selectFrom('alert')
    .innerJoin('product', 'product.id', 'alert.product_id')
    .innerJoin('location', 'location.id', 'alert.location_id')
    .select(ALERT_COLUMNS);
}
