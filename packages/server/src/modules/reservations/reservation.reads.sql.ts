import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import {
  reservationView,
  type LineView,
  type ReservationFacts,
  type ReservationStatus,
  type ReservationView,
} from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import { createGatherer, type Gatherer } from '../../platform/database/gather.ts';
import type { IdPage } from '../../platform/database/id.scan.ts';
import type { Database, Tables } from '../../platform/database/index.ts';

const ROUND_MAX = 200;

/** What {@link COLUMNS} selects: one row per line. */
interface ReservationRow extends ReservationFacts {
  now: number;
  lineNo: number | null;
  line: number;
  sku: string;
  location: string | null;
  quantity: number;
  requested: number;
  shipped: number;
  cancelled: number;
  attributes: Record<string, unknown> | null;
}

/**
 * The clock, read once per statement and by its conditions and its answer alike: a hold that was found as pending is
 * shown as pending. As a subquery it is also what an index can start from.
 */
const CLOCK = sql`clock AS MATERIALIZED (SELECT clock_timestamp() AS now)`;
const NOW = sql`(SELECT now FROM clock)`;

const COLUMNS = sql`
  ${NOW} AS now, reservation.id, reservation.status, reservation.type,
  reservation.order_id AS "orderId", reservation.user_id AS "userId", reservation.expires_at AS "expiresAt",
  reservation.created_at AS "createdAt", reservation.confirmed_at AS "confirmedAt",
  reservation.shipped_at AS "shippedAt", reservation.cancelled_at AS "cancelledAt",
  reservation.cancel_reason AS "cancelReason", reservation.expired_at AS "expiredAt", reservation.version,
  line.line_no AS "lineNo", line.line, product.sku, location.code AS location,
  line.quantity, line.requested, line.shipped, line.cancelled, line.attributes`;

/** Lines are reached by their products, which lead their key. */
const LINES = sql`
  LEFT JOIN (reservation_line AS line
    JOIN product ON product.id = line.product_id
    LEFT JOIN location ON location.id = line.location_id)
    ON line.product_id = ANY (reservation.product_ids) AND line.reservation_id = reservation.id`;

const BY_ID = sql`
  WITH ${CLOCK} SELECT ${COLUMNS}
  FROM unnest($1::uuid[]) AS asked (id)
  JOIN reservation ON reservation.id = asked.id
  ${LINES}`;

/** One reservation by its id, gathered; null where there is none. */
export function createReservationReader(database: Database): Gatherer<string, ReservationView | null> {
  const text = BY_ID.compile(database.kysely).sql;
  return createGatherer({
    maxKeys: ROUND_MAX,
    idOf: (id) => id,
    load: async (ids: string[]) => {
      const { rows } = await database.pool.query<ReservationRow>({
        name: 'reservations',
        text,
        values: [ids],
      });
      const found = new Map(toViews(rows).map((view) => [view.id, view]));
      return ids.map((id) => found.get(id) ?? null);
    },
  });
}

export interface ReservationFilter {
  status?: ReservationStatus | undefined;
  orderId?: string | undefined;
  userId?: string | undefined;
  productId?: number | undefined;
  locationId?: number | undefined;
  /** Pending ones that expire before this; milliseconds since the epoch. */
  expiringBeforeMs?: number | undefined;
}

/** With more pending ones than this, the newest are found sooner along the ids. */
const FEW_PENDING = 2_000;

/** Which rows a filter is looked for in. */
export type ReservationSource = 'reservations' | 'lines of the product' | 'pending' | 'expired';

/**
 * The narrowest way in. Pending ones are usually few among many; in a flash sale they are many, and the newest.
 */
export async function chooseSource(db: Kysely<Tables>, filter: ReservationFilter): Promise<ReservationSource> {
  if (filter.orderId !== undefined || filter.userId !== undefined) return 'reservations';
  if (filter.productId !== undefined) return 'lines of the product';
  if (filter.status === 'expired') return 'expired';
  if (filter.status !== 'pending' && filter.expiringBeforeMs === undefined) return 'reservations';
  const { rows } = await sql<{ few: boolean }>`
    WITH ${CLOCK} SELECT count(*) <= ${sql.lit(FEW_PENDING)} AS few FROM (
      SELECT 1 FROM reservation
      WHERE ${expiryConditions(filter)} AND status = 'pending' LIMIT ${sql.lit(FEW_PENDING + 1)}
    ) AS pending`.execute(db);
  return rows[0]?.few === true ? 'pending' : 'reservations';
}

/** A page with its lines, in one statement: a reservation and its lines are of one instant. */
export function selectReservations(
  source: ReservationSource,
  filter: ReservationFilter,
  selection: IdPage,
): RawBuilder<ReservationRow> {
  return sql<ReservationRow>`
    WITH ${CLOCK} SELECT ${COLUMNS}
    FROM (${SOURCES[source](filter, selection)}) AS reservation
    ${LINES}
    ORDER BY ${selection.order}`;
}

const SOURCES: Record<ReservationSource, (filter: ReservationFilter, selection: IdPage) => RawBuilder<unknown>> = {
  /** Indexes (id), (order_id, id), (user_id, id); of a status that few have, its own. */
  reservations: (filter, { where, order, limit }) => sql`
    SELECT * FROM reservation WHERE ${where} AND ${conditionsOf(filter)} ORDER BY ${order} LIMIT ${sql.lit(limit)}`,

  /**
   * The key of the lines, (product_id, reservation_id, line_no), read in the order of reservations, and each reservation
   * by its id. Left to itself, the planner took all 80,000 reservations of a product (130 ms) to show the newest 50
   * (0.1 ms): it reads a subquery's index backward only where the subquery says so, and OFFSET 0 forbids other joins.
   */
  'lines of the product': (filter, { where, order, descending, limit }) => sql`
    SELECT whole.* FROM (
      SELECT DISTINCT reservation_id AS id FROM reservation_line WHERE product_id = ${filter.productId}::bigint
        AND ${filter.locationId === undefined ? sql`true` : sql`location_id = ${filter.locationId}::bigint`}
      ORDER BY reservation_id ${descending ? sql`DESC` : sql`ASC`}
    ) AS reservation
    CROSS JOIN LATERAL (
      SELECT * FROM reservation AS found
      WHERE found.id = reservation.id AND ${conditionsOf({ ...filter, productId: undefined, locationId: undefined })}
      OFFSET 0
    ) AS whole
    WHERE ${where} ORDER BY ${order} LIMIT ${sql.lit(limit)}`,

  /** Index (expires_at, id) of the pending ones: all of them, then sorted. */
  pending: (filter, { where, order, limit }) => sql`
    SELECT * FROM (
      SELECT * FROM reservation WHERE status = 'pending' AND ${expiryConditions(filter)} OFFSET 0
    ) AS reservation
    WHERE ${where} AND ${conditionsOf(filter)} ORDER BY ${order} LIMIT ${sql.lit(limit)}`,

  /** Those that were given back, and those whose time has come since the last sweep: an index finds each, and not both. */
  expired: (filter, { where, order, limit }) => sql`
    SELECT * FROM (
      (SELECT * FROM reservation
        WHERE status = 'expired' AND ${where} AND ${conditionsOf(filter)} ORDER BY ${order} LIMIT ${sql.lit(limit)})
      UNION ALL
      SELECT * FROM (SELECT * FROM reservation WHERE status = 'pending' AND expires_at <= ${NOW} OFFSET 0) AS reservation
        WHERE ${where} AND ${conditionsOf(filter)}
    ) AS reservation
    ORDER BY ${order} LIMIT ${sql.lit(limit)}`,
};

/** By the database's clock, as the statement found it: a lapsed hold is never pending. */
function expiryConditions({ expiringBeforeMs }: ReservationFilter): RawBuilder<SqlBool> {
  const before =
    expiringBeforeMs === undefined ? sql`true` : sql`expires_at < ${toRfc3339(expiringBeforeMs)}::timestamptz`;
  return sql<SqlBool>`expires_at > ${NOW} AND ${before}`;
}

function conditionsOf(filter: ReservationFilter): RawBuilder<SqlBool> {
  const { status, orderId, userId, productId, locationId, expiringBeforeMs } = filter;
  const conditions = [sql`true`];
  if (status !== undefined) conditions.push(statusCondition(status));
  if (expiringBeforeMs !== undefined) conditions.push(sql`status = 'pending' AND ${expiryConditions(filter)}`);
  if (orderId !== undefined) conditions.push(sql`order_id = ${orderId}`);
  if (userId !== undefined) conditions.push(sql`user_id = ${userId}`);
  if (productId !== undefined || locationId !== undefined) {
    const products = productId === undefined ? sql`ANY (product_ids)` : sql`${productId}::bigint`;
    const place = locationId === undefined ? sql`true` : sql`line.location_id = ${locationId}::bigint`;
    conditions.push(sql`EXISTS (
      SELECT FROM reservation_line AS line
      WHERE line.product_id = ${products} AND line.reservation_id = reservation.id AND ${place})`);
  }
  return sql<SqlBool>`${sql.join(conditions, sql` AND `)}`;
}

function statusCondition(status: ReservationStatus): RawBuilder<unknown> {
  if (status === 'pending') return sql`status = 'pending' AND expires_at > ${NOW}`;
  if (status === 'expired') {
    return sql`(status = 'expired' OR (status = 'pending' AND expires_at <= ${NOW}))`;
  }
  return sql`status = ${status}`;
}

/** The reservations of rows that come line by line, in the rows' order. */
export function toViews(rows: readonly ReservationRow[]): ReservationView[] {
  const found = new Map<string, { facts: ReservationRow; lines: { lineNo: number; view: LineView }[] }>();
  for (const row of rows) {
    let reservation = found.get(row.id);
    if (reservation === undefined) found.set(row.id, (reservation = { facts: row, lines: [] }));
    if (row.lineNo !== null) reservation.lines.push({ lineNo: row.lineNo, view: toLineView(row) });
  }
  return [...found.values()].map(({ facts, lines }) => {
    lines.sort((left, right) => left.lineNo - right.lineNo);
    return reservationView(
      facts,
      lines.map(({ view }) => view),
      facts.now,
    );
  });
}

function toLineView(row: ReservationRow): LineView {
  return {
    sku: row.sku,
    location: row.location,
    quantity: row.quantity,
    requested: row.requested,
    shipped: row.shipped,
    cancelled: row.cancelled,
    attributes: row.attributes,
    line: row.line,
  };
}

/** Looks a name up; null where nothing has it. */
export async function findIds(
  db: Kysely<Tables>,
  { sku, location }: { sku?: string | undefined; location?: string | undefined },
): Promise<{ productId: number | null; locationId: number | null }> {
  const { rows } = await sql<{ productId: number | null; locationId: number | null }>`
    SELECT (SELECT id FROM product WHERE sku = ${sku ?? null}::text) AS "productId",
      (SELECT id FROM location WHERE code = ${location ?? null}::text) AS "locationId"`.execute(db);
  return rows[0] ?? { productId: null, locationId: null };
}
