import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import { UUID_PATTERN } from '../../kernel/ids.ts';
import type { Tables } from '../../platform/database/index.ts';

/**
 * A way into the ledger: a part of it that one index reads in the order of (at, seq). A list is the merge of its
 * streams, cut to a page; without a stream, nothing can match. The planner is not asked to choose: see readInOrder.
 */
export type LedgerStream = (page: {
  where: RawBuilder<SqlBool>;
  order: RawBuilder<unknown>;
  limit: number;
}) => RawBuilder<unknown>;

export interface LedgerFilter {
  productId?: number | undefined;
  locationId?: number | undefined;
  type?: string | undefined;
  referenceType?: string | undefined;
  referenceId?: string | undefined;
  lot?: string | undefined;
  actor?: string | undefined;
}

interface LevelKey {
  productId: number;
  locationId: number;
}

const RESERVATION = 'reservation';

/** What reservations write themselves. Callers book entries of other types for them. */
const HELD = sql.raw(`('reserve', 'release', 'expire', 'commit', 'uncommit', 'sale')`);

/** A failover may set the clock back by so much, and more: what moved from one level to another may lie outside then. */
const CLOCK_TOLERANCE = sql.lit('1 minute');
const UUID = new RegExp(UUID_PATTERN);

/** A location with more levels than this is read along the whole ledger: so many index steps cost more. */
const LEVELS_MAX = 200;

/** The narrowest way in that the filter leaves open. */
export async function chooseStreams(db: Kysely<Tables>, filter: LedgerFilter): Promise<LedgerStream[]> {
  const { productId, locationId, referenceType, referenceId, lot } = filter;
  if (referenceId !== undefined) return streamsOfReference(db, referenceId, referenceType);
  if (lot !== undefined) return [streamOfLot(lot)];
  if (productId === undefined && locationId === undefined) return [wholeLedger];
  const levels = await levelsOf(db, { productId, locationId });
  return [productId === undefined && levels.length > LEVELS_MAX ? wholeLedger : streamOfLevels(levels)];
}

/** What the filter asks of an entry itself. All of it is said to every stream. */
export function ledgerConditions(filter: LedgerFilter): RawBuilder<SqlBool> {
  const { productId, locationId, type, referenceType, referenceId, lot, actor } = filter;
  const conditions = [sql`true`];
  if (productId !== undefined) conditions.push(sql`product_id = ${productId}::bigint`);
  if (locationId !== undefined) conditions.push(sql`location_id = ${locationId}::bigint`);
  if (type !== undefined) conditions.push(sql`type = ${type}`);
  if (referenceType !== undefined) conditions.push(sql`reference_type = ${referenceType}`);
  if (referenceId !== undefined) conditions.push(sql`reference_id = ${referenceId}`);
  if (lot !== undefined) conditions.push(sql`lot = ${lot}`);
  if (actor !== undefined) conditions.push(sql`actor = ${actor}`);
  return sql<SqlBool>`${sql.join(conditions, sql` AND `)}`;
}

/** Index (at, seq). */
const wholeLedger: LedgerStream = ({ where, order, limit }) =>
  sql`SELECT * FROM ledger_entry WHERE ${where} ORDER BY ${order} LIMIT ${sql.lit(limit)}`;

/** Primary key (product_id, location_id, at, seq), level by level. */
function streamOfLevels(levels: readonly LevelKey[]): LedgerStream {
  const products = levels.map(({ productId }) => productId);
  const locations = levels.map(({ locationId }) => locationId);
  return ({ where, order, limit }) => sql`
    SELECT entry.* FROM unnest(${products}::bigint[], ${locations}::bigint[]) AS level (product, location)
    CROSS JOIN LATERAL (
      SELECT * FROM ledger_entry
      WHERE product_id = level.product AND location_id = level.location AND ${where}
      ORDER BY ${order} LIMIT ${sql.lit(limit)}
    ) AS entry`;
}

/** Index (reference_id, reference_type, at, seq): in order once both are given. */
function streamOfCallersReference(id: string, type: string): LedgerStream {
  return ({ where, order, limit }) => sql`
    SELECT * FROM ledger_entry
    WHERE reference_id = ${id} AND reference_type = ${type}
      AND reference_type IS NOT NULL AND reference_type <> ${sql.lit(RESERVATION)} AND ${where}
    ORDER BY ${order} LIMIT ${sql.lit(limit)}`;
}

/** Index (reference_id, at, seq) of what callers booked for reservations. */
function streamBookedForReservation(id: string): LedgerStream {
  return ({ where, order, limit }) => sql`
    SELECT * FROM ledger_entry
    WHERE reference_id = ${id} AND reference_type = ${sql.lit(RESERVATION)} AND type NOT IN ${HELD} AND ${where}
    ORDER BY ${order} LIMIT ${sql.lit(limit)}`;
}

/** Index (lot, at, seq). */
function streamOfLot(lot: string): LedgerStream {
  return ({ where, order, limit }) => sql`
    SELECT * FROM ledger_entry WHERE lot = ${lot} AND ${where} ORDER BY ${order} LIMIT ${sql.lit(limit)}`;
}

/** An id without its type may be a reservation's and, of other types, the caller's own. */
async function streamsOfReference(db: Kysely<Tables>, id: string, type: string | undefined): Promise<LedgerStream[]> {
  const ofReservation =
    type === undefined || type === RESERVATION
      ? [...(await streamsOfReservation(db, id)), streamBookedForReservation(id)]
      : [];
  const types = type === undefined ? await callersTypesOf(db, id) : type === RESERVATION ? [] : [type];
  return [...ofReservation, ...types.map((callersType) => streamOfCallersReference(id, callersType))];
}

/**
 * Entries of reservations have no index on their reference: a flash sale writes too many. They lie at the levels of the
 * reservation's products, not before it was made and, once it is shipped or cancelled, not after that.
 */
async function streamsOfReservation(db: Kysely<Tables>, id: string): Promise<LedgerStream[]> {
  if (!UUID.test(id)) return [];
  const { rows } = await sql<LevelKey & { created: string; ended: string | null }>`
    SELECT level.product_id AS "productId", level.location_id AS "locationId",
      (reservation.created_at - ${CLOCK_TOLERANCE}::interval)::text AS created,
      (coalesce(reservation.shipped_at, reservation.cancelled_at) + ${CLOCK_TOLERANCE}::interval)::text AS ended
    FROM reservation JOIN level ON level.product_id = ANY (reservation.product_ids)
    WHERE reservation.id = ${id}::uuid`.execute(db);
  const [first] = rows;
  if (first === undefined) return [];
  const levels = streamOfLevels(rows);
  const ended = first.ended === null ? sql<SqlBool>`true` : sql<SqlBool>`at <= ${first.ended}::timestamptz`;
  return [
    ({ where, ...page }) =>
      levels({
        ...page,
        where: sql`reference_type = ${sql.lit(RESERVATION)} AND type IN ${HELD}
          AND at >= ${first.created}::timestamptz AND ${ended} AND ${where}`,
      }),
  ];
}

/** The distinct types of an id, each by one step of the index, however many entries there are. */
async function callersTypesOf(db: Kysely<Tables>, id: string): Promise<string[]> {
  const next = (after: RawBuilder<unknown>) => sql`
    SELECT reference_type FROM ledger_entry
    WHERE reference_id = ${id} AND reference_type IS NOT NULL AND reference_type <> ${sql.lit(RESERVATION)} AND ${after}
    ORDER BY reference_type LIMIT 1`;
  const { rows } = await sql<{ type: string }>`
    WITH RECURSIVE known (type) AS (
      (${next(sql`true`)})
      UNION ALL
      SELECT (${next(sql`reference_type > known.type`)}) FROM known WHERE known.type IS NOT NULL
    )
    SELECT type FROM known WHERE type IS NOT NULL`.execute(db);
  return rows.map(({ type }) => type);
}

/** One more than {@link LEVELS_MAX} where a location has more. A product's are all taken. */
async function levelsOf(
  db: Kysely<Tables>,
  { productId, locationId }: { productId?: number | undefined; locationId?: number | undefined },
): Promise<LevelKey[]> {
  let query = db.selectFrom('level').select(['product_id as productId', 'location_id as locationId']);
  if (productId !== undefined) query = query.where('product_id', '=', productId);
  else query = query.limit(LEVELS_MAX + 1);
  if (locationId !== undefined) query = query.where('location_id', '=', locationId);
  return query.execute();
}

export async function findProductId(db: Kysely<Tables>, sku: string): Promise<number | null> {
  const row = await db.selectFrom('product').select('id').where('sku', '=', sku).executeTakeFirst();
  return row?.id ?? null;
}

export async function findLocationId(db: Kysely<Tables>, code: string): Promise<number | null> {
  const row = await db.selectFrom('location').select('id').where('code', '=', code).executeTakeFirst();
  return row?.id ?? null;
}
