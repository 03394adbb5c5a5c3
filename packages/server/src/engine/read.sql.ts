import { toRfc3339 } from '../kernel/clock.ts';
import { numberArray, textArray, type LaneStatement } from '../platform/database/index.ts';
import type { AlertType } from './alert.view.ts';
import { setFor, type TransactionSettings } from './settings.sql.ts';
import type { LineState } from './stock.state.ts';
import type { ReservationStatus, ReservationType } from './reservation.view.ts';

/** A named (prepared) statement; rows come as arrays. */
export type Statement = LaneStatement;

/** Names a statement of fixed text: it is prepared once per connection. */
export function statement(name: string, text: string, values: LaneStatement['values'] = []): Statement {
  return { name, text, values };
}

/** Held by every batch, shared, and by a change of a location's flags, exclusively: no batch decides on flags that are
 * changing. One key for all locations: they change rarely, and a batch would else have to know its places beforehand. */
export const LOCATION_FLAGS_LOCK = 4_864_513;

/**
 * What every transaction of the engine begins with: its settings, set locally, since behind a transaction pooler a
 * session's settings are not ours; and the lock on location flags. One prepared statement: a SET each was 105 µs more.
 */
export const selectSettings = (settings: TransactionSettings): Statement =>
  setFor('transaction', settings, `pg_advisory_xact_lock_shared(${LOCATION_FLAGS_LOCK})`);

export const selectProductIds = (skus: string[]): Statement =>
  statement('product_ids', 'SELECT sku, id FROM product WHERE sku = ANY($1::text[])', [textArray(skus)]);

export const selectLocationIds = (codes: string[]): Statement =>
  statement('location_ids', 'SELECT code, id FROM location WHERE code = ANY($1::text[])', [textArray(codes)]);

/** The levels that products have now, to be locked next. */
export const selectLevelsOfProducts = (productIds: number[]): Statement =>
  statement('levels_of_products', 'SELECT product_id, location_id FROM level WHERE product_id = ANY($1::bigint[])', [
    numberArray(productIds),
  ]);

/** The levels that reservations' lines are on, to be locked next; what the lines say is read again after the locks. */
export const selectFootprints = (reservationIds: string[]): Statement =>
  statement(
    'footprints',
    `SELECT r.id, l.product_id, l.location_id
     FROM reservation r
     JOIN reservation_line l ON l.product_id = ANY(r.product_ids) AND l.reservation_id = r.id
     WHERE r.id = ANY($1::uuid[]) AND l.location_id IS NOT NULL`,
    [textArray(reservationIds)],
  );

export type LevelTuple = [
  productId: number,
  locationId: number,
  onHand: number,
  reserved: number,
  committed: number,
  incoming: number,
  safetyStock: number,
  reorderPoint: number | null,
  reorderQuantity: number | null,
  maxLevel: number | null,
  ownSettings: number,
  zone: string | null,
  aisle: string | null,
  shelf: string | null,
  openAlerts: number,
  wasAvailable: boolean,
  version: number,
  lastMovementAt: number | null,
  lastCountAt: number | null,
];

const LEVEL_COLUMNS = `l.product_id, l.location_id, l.on_hand, l.reserved, l.committed, l.incoming, l.safety_stock,
  l.reorder_point, l.reorder_quantity, l.max_level, l.own_settings, l.zone, l.aisle, l.shelf, l.open_alerts,
  l.was_available, l.version, l.last_movement_at, l.last_count_at`;

/**
 * Locks levels in (product, location) order: the one place and the one order in which levels are locked. LockRows runs
 * above the sort, so the rows are locked in that order. On Citus this becomes an UPDATE … RETURNING that changes nothing.
 */
export const lockLevels = (productIds: number[], locationIds: number[]): Statement =>
  statement(
    'lock_levels',
    `SELECT ${LEVEL_COLUMNS}
     FROM unnest($1::bigint[], $2::bigint[]) AS k (product_id, location_id)
     JOIN level l ON l.product_id = k.product_id AND l.location_id = k.location_id
     ORDER BY l.product_id, l.location_id
     FOR UPDATE OF l`,
    [numberArray(productIds), numberArray(locationIds)],
  );

/** Which of these levels nobody else holds: the others are the stuck ones. */
export const lockFreeLevels = (productIds: number[], locationIds: number[]): Statement =>
  statement(
    'lock_free_levels',
    `SELECT l.product_id, l.location_id
     FROM unnest($1::bigint[], $2::bigint[]) AS k (product_id, location_id)
     JOIN level l ON l.product_id = k.product_id AND l.location_id = k.location_id
     FOR UPDATE OF l SKIP LOCKED`,
    [numberArray(productIds), numberArray(locationIds)],
  );

/** The last transaction that locked or changed each of these levels: whoever holds it, where it is held. */
export const selectLevelHolders = (productIds: number[], locationIds: number[]): Statement =>
  statement(
    'level_holders',
    `SELECT l.product_id, l.location_id, l.xmax::text
     FROM unnest($1::bigint[], $2::bigint[]) AS k (product_id, location_id)
     JOIN level l ON l.product_id = k.product_id AND l.location_id = k.location_id`,
    [numberArray(productIds), numberArray(locationIds)],
  );

export const selectReservationHolders = (ids: string[]): Statement =>
  statement('reservation_holders', 'SELECT id, xmax::text FROM reservation WHERE id = ANY($1::uuid[])', [
    textArray(ids),
  ]);

/** Locks products whose rows will change, after their levels. */
export const lockProducts = (productIds: number[]): Statement =>
  statement('lock_products', 'SELECT id FROM product WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE', [
    numberArray(productIds),
  ]);

/** A maker of a level's row holds its product, so that no change of settings passes it by. */
export const shareProducts = (productIds: number[]): Statement =>
  statement('share_products', 'SELECT id, version FROM product WHERE id = ANY($1::bigint[]) ORDER BY id FOR SHARE', [
    numberArray(productIds),
  ]);

export type ReservationTuple = [
  id: string,
  status: ReservationStatus,
  type: ReservationType,
  orderId: string | null,
  userId: string | null,
  productIds: number[],
  cancelReason: string | null,
  expiresAt: number,
  createdAt: number,
  confirmedAt: number | null,
  shippedAt: number | null,
  cancelledAt: number | null,
  expiredAt: number | null,
  version: number,
];

/** Locks reservations, after the levels of their lines. */
export const lockReservations = (ids: string[]): Statement =>
  statement(
    'lock_reservations',
    `SELECT id, status, type, order_id, user_id, product_ids, cancel_reason, expires_at, created_at, confirmed_at,
       shipped_at, cancelled_at, expired_at, version
     FROM reservation WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
    [textArray(ids)],
  );

export type LineTuple = [
  reservationId: string,
  lineNo: number,
  line: number,
  productId: number,
  sku: string,
  locationId: number | null,
  code: string | null,
  quantity: number,
  requested: number,
  shipped: number,
  cancelled: number,
  state: LineState,
  attributes: Record<string, unknown> | null,
];

/** The lines of locked reservations, in line_no order. */
export const selectLines = (reservationIds: string[]): Statement =>
  statement(
    'lines',
    `SELECT l.reservation_id, l.line_no, l.line, l.product_id, p.sku, l.location_id, o.code, l.quantity, l.requested,
       l.shipped, l.cancelled, l.state, l.attributes
     FROM reservation r
     JOIN reservation_line l ON l.product_id = ANY(r.product_ids) AND l.reservation_id = r.id
     JOIN product p ON p.id = l.product_id
     LEFT JOIN location o ON o.id = l.location_id
     WHERE r.id = ANY($1::uuid[])
     ORDER BY l.reservation_id, l.line_no`,
    [textArray(reservationIds)],
  );

/**
 * The clock, after the locks: `clock_timestamp()` in the locking statement's select list is read before the wait for
 * the lock (seen 1.2 s stale), and `now()` is frozen at BEGIN. Whole milliseconds, rounded down, so that a hold has
 * lapsed from its instant on. With it, blocks of entry numbers and this transaction's id, by which an interrupted
 * COMMIT is settled.
 */
export const selectClock = (blocks: number): Statement =>
  statement(
    'clock',
    `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, pg_current_xact_id()::text,
       array(SELECT nextval('entry_seq') FROM generate_series(1, $1::integer))::bigint[]`,
    [blocks],
  );

export type ProductTuple = [
  id: number,
  sku: string,
  archivedAt: number | null,
  version: number,
  reorderPoint: number | null,
  reorderQuantity: number | null,
  maxLevel: number | null,
  safetyStock: number,
];

export const selectProducts = (ids: number[]): Statement =>
  statement(
    'products',
    `SELECT id, sku, archived_at, version, reorder_point, reorder_quantity, max_level, safety_stock
     FROM product WHERE id = ANY($1::bigint[])`,
    [numberArray(ids)],
  );

/** Products that will change, as a whole, and how many levels they have now. */
export const selectProductRows = (ids: number[]): Statement =>
  statement(
    'product_rows',
    `SELECT id, (SELECT count(*) FROM level l WHERE l.product_id = p.id), sku, name, description, category, attributes,
       unit_cost, reorder_point, reorder_quantity, max_level, safety_stock, version, created_at, updated_at, archived_at
     FROM product p WHERE id = ANY($1::bigint[])`,
    [numberArray(ids)],
  );

export type LocationTuple = [
  id: number,
  code: string,
  active: boolean,
  archivedAt: number | null,
  priority: number,
  lat: number | null,
  lng: number | null,
  version: number,
];

/** The named locations, and those where sourced products have a level. */
export const selectLocations = (ids: number[], sourcedProductIds: number[]): Statement =>
  statement(
    'locations',
    `SELECT id, code, active, archived_at, priority, lat, lng, version FROM location
     WHERE id = ANY($1::bigint[] || array(SELECT location_id FROM level WHERE product_id = ANY($2::bigint[])))`,
    [numberArray(ids), numberArray(sourcedProductIds)],
  );

export type AnswerTuple = [
  owner: string,
  key: string,
  chunk: number,
  requestHash: string,
  status: number,
  headers: Record<string, string> | null,
  body: string | null,
  isOld: boolean,
];

/** Keys are kept for 24 hours; older ones may be taken again. */
export const selectAnswers = (owners: string[], keys: string[], chunks: number[]): Statement =>
  statement(
    'answers',
    `SELECT i.owner, i.key, i.chunk, i.request_hash, i.status, i.headers, i.body,
       i.created_at < clock_timestamp() - interval '24 hours'
     FROM unnest($1::text[], $2::text[], $3::integer[]) AS k (owner, key, chunk)
     JOIN idempotency_key i ON i.owner = k.owner AND i.key = k.key AND i.chunk = k.chunk`,
    [textArray(owners), textArray(keys), numberArray(chunks)],
  );

/**
 * The reservations of the oldest lapsed lines of each level, as many lines as units are missing (each line has at
 * least one). Bounded: a decision that still lacks units asks again.
 */
export const selectLapsed = (
  productIds: number[],
  locationIds: number[],
  limits: number[],
  nowIso: string,
): Statement =>
  statement(
    'lapsed',
    `SELECT k.product_id, k.location_id, h.reservation_id, h.line_no
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (product_id, location_id, most),
     LATERAL (
       SELECT l.reservation_id, l.line_no, l.expires_at FROM reservation_line l
       WHERE l.product_id = k.product_id AND l.location_id = k.location_id AND l.state = 'held'
         AND l.expires_at <= $4::timestamptz
       ORDER BY l.expires_at, l.reservation_id, l.line_no
       LIMIT k.most
     ) h
     ORDER BY k.product_id, k.location_id, h.expires_at, h.reservation_id, h.line_no`,
    [numberArray(productIds), numberArray(locationIds), numberArray(limits), nowIso],
  );

export type AlertTuple = [
  id: string,
  type: AlertType,
  status: 'active' | 'acknowledged',
  productId: number,
  locationId: number,
  threshold: number | null,
  value: number,
  openedAt: number,
  acknowledgedAt: number | null,
  acknowledgedBy: string | null,
];

export const selectOpenAlerts = (productIds: number[], locationIds: number[]): Statement =>
  statement(
    'open_alerts',
    `SELECT a.id, a.type, a.status, a.product_id, a.location_id, a.threshold, a.value, a.opened_at, a.acknowledged_at,
       a.acknowledged_by
     FROM unnest($1::bigint[], $2::bigint[]) AS k (product_id, location_id)
     JOIN alert a ON a.product_id = k.product_id AND a.location_id = k.location_id AND a.status <> 'resolved'`,
    [numberArray(productIds), numberArray(locationIds)],
  );

/** Whether the server process of a connection that was lost has ended, and with it what it was at. */
export const selectBackendIsGone = (backend: number): Statement =>
  statement('backend_is_gone', 'SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1::integer)', [backend]);

/** What became of a transaction whose COMMIT was not answered. */
export const selectTransactionStatus = (transactionId: string): Statement =>
  statement('transaction_status', 'SELECT pg_xact_status($1::xid8)', [transactionId]);

/**
 * A row that a batch wrote, and nobody else can have written: what shows that it committed. The transaction's number
 * does not: one that was lost in a crash before any of its WAL was flushed comes again, and then says "committed" for
 * another's work. A journal entry's number may come again likewise, but never with the same instant.
 */
export type Evidence =
  | { of: 'journal'; id: number; atMs: number }
  | { of: 'answer'; owner: string; key: string; chunk: number; atMs: number };

/** Whether the evidence is there. Asked in a statement after the transaction's status: a commit between is not missed. */
export const selectEvidence = (evidence: Evidence): Statement =>
  evidence.of === 'journal'
    ? statement(
        'journal_evidence',
        'SELECT EXISTS (SELECT 1 FROM journal_entry WHERE id = $1::bigint AND at = $2::timestamptz)',
        [evidence.id, toRfc3339(evidence.atMs)],
      )
    : statement(
        'answer_evidence',
        `SELECT EXISTS (SELECT 1 FROM idempotency_key
         WHERE owner = $1 AND key = $2 AND chunk = $3::integer AND created_at = $4::timestamptz)`,
        [evidence.owner, evidence.key, evidence.chunk, toRfc3339(evidence.atMs)],
      );

/** Which of these reservations nobody else holds. */
export const lockFreeReservations = (ids: string[]): Statement =>
  statement('lock_free_reservations', 'SELECT id FROM reservation WHERE id = ANY($1::uuid[]) FOR UPDATE SKIP LOCKED', [
    textArray(ids),
  ]);

/** Lapsed holds of levels, which a batch that needs their units locks too. */
export const selectLapsedOn = (productIds: number[], locationIds: number[]): Statement =>
  statement(
    'lapsed_on',
    `SELECT h.reservation_id, k.product_id, k.location_id
     FROM unnest($1::bigint[], $2::bigint[]) AS k (product_id, location_id),
     LATERAL (
       SELECT DISTINCT l.reservation_id FROM (
         SELECT reservation_id FROM reservation_line
         WHERE product_id = k.product_id AND location_id = k.location_id AND state = 'held'
           AND expires_at <= statement_timestamp()
         ORDER BY expires_at LIMIT 1000) l
     ) h`,
    [numberArray(productIds), numberArray(locationIds)],
  );
