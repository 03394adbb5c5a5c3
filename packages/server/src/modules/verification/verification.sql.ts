import { sql, type RawBuilder, type Transaction } from 'kysely';
import type { Database, Tables } from '../../platform/database/index.ts';

/** A snapshot of everything that was committed when its first statement ran. */
export type Snapshot = Transaction<Tables>;

/** Product keys, `from` included, `to` not. */
export interface KeyRange {
  from: number;
  to: number;
}

export interface Unit {
  onHand: number;
  reserved: number;
  committed: number;
}

/** How far each table reached when the check began: what comes later is the next run's. */
export interface Extent {
  products: number;
  lastProductId: number;
  /** Milliseconds since the epoch: the first and the last movement or journal entry; null where there is none. */
  firstAt: number | null;
  lastAt: number | null;
  lastReservationId: string | null;
  lastTransferId: string | null;
}

/**
 * Runs the work on one snapshot that cannot write. Short ones, one after another: a snapshot that stayed open for the
 * whole check would keep vacuum from the tables that the server is writing.
 */
export async function onSnapshot<Value>(database: Database, work: (tx: Snapshot) => Promise<Value>): Promise<Value> {
  return database.kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      // A level's whole history is one step of the check, however long it is.
      await sql`SELECT set_config('statement_timeout', '0', true), set_config('timezone', 'UTC', true)`.execute(tx);
      return work(tx);
    });
}

export async function readExtent(tx: Snapshot): Promise<Extent> {
  const { rows } = await sql<Extent>`
    SELECT (SELECT count(*) FROM product) AS products,
      (SELECT coalesce(max(id), 0) FROM product) AS "lastProductId",
      least((SELECT min(at) FROM ledger_entry), (SELECT min(at) FROM journal_entry)) AS "firstAt",
      greatest((SELECT max(at) FROM ledger_entry), (SELECT max(at) FROM journal_entry)) AS "lastAt",
      (SELECT id FROM reservation ORDER BY id DESC LIMIT 1) AS "lastReservationId",
      (SELECT id FROM transfer ORDER BY id DESC LIMIT 1) AS "lastTransferId"`.execute(tx);
  return only(rows);
}

/** A level that is not what its ledger, its lines or its alerts say, or whose ledger does not add up. */
export interface LevelRow {
  sku: string | null;
  location: string | null;
  productId: number;
  locationId: number;
  isMissing: boolean;
  level: Unit;
  ledger: Unit;
  held: number;
  promised: number;
  openAlerts: number;
  alertBits: number;
  brokenCount: number;
  firstBrokenSeq: number | null;
  unorderedCount: number;
  firstUnorderedSeq: number | null;
}

export interface LevelSlice {
  levels: number;
  entries: number;
  lines: number;
  alerts: number;
  differing: LevelRow[];
}

/**
 * All levels of a range of products beside what the ledger, the open lines and the open alerts add up to. The ledger is
 * read once, in the order of its primary key, so that nothing is sorted or kept: each level's entries are a group, and
 * lag() looks one entry back. (1.1 M entries/s on a 2-core machine.)
 */
export async function compareLevels(tx: Snapshot, { from, to }: KeyRange): Promise<LevelSlice> {
  const { rows } = await sql<Partial<LevelFlat> & LevelTotals>`
    WITH entry AS (
      SELECT product_id, location_id, seq, delta_on_hand, delta_reserved, delta_committed,
        on_hand - delta_on_hand <> lag(on_hand, 1, 0::bigint) OVER past
          OR reserved - delta_reserved <> lag(reserved, 1, 0::bigint) OVER past
          OR committed - delta_committed <> lag(committed, 1, 0::bigint) OVER past AS is_broken,
        seq <= lag(seq, 1, 0::bigint) OVER past AS is_unordered
      FROM ledger_entry WHERE product_id >= ${from}::bigint AND product_id < ${to}::bigint
      WINDOW past AS (PARTITION BY product_id, location_id ORDER BY at, seq)
    ), ledger AS (
      SELECT product_id, location_id, count(*) AS entries, sum(delta_on_hand) AS on_hand,
        sum(delta_reserved) AS reserved, sum(delta_committed) AS committed,
        count(*) FILTER (WHERE is_broken) AS broken, min(seq) FILTER (WHERE is_broken) AS first_broken,
        count(*) FILTER (WHERE is_unordered) AS unordered, min(seq) FILTER (WHERE is_unordered) AS first_unordered
      FROM entry GROUP BY product_id, location_id
    ), line AS (
      SELECT product_id, location_id, count(*) AS lines,
        sum(quantity - shipped - cancelled) FILTER (WHERE state = 'held') AS held,
        sum(quantity - shipped - cancelled) FILTER (WHERE state = 'committed') AS promised
      FROM reservation_line
      WHERE product_id >= ${from}::bigint AND product_id < ${to}::bigint AND state IN ('held', 'committed')
      GROUP BY product_id, location_id
    ), open_alert AS (
      SELECT product_id, location_id, count(*) AS alerts, bit_or(CASE type
        WHEN 'low_stock' THEN 1 WHEN 'out_of_stock' THEN 2 WHEN 'overstock' THEN 4 ELSE 8 END) AS bits
      FROM alert
      WHERE status <> 'resolved' AND product_id >= ${from}::bigint AND product_id < ${to}::bigint
      GROUP BY product_id, location_id
    ), own AS (
      SELECT * FROM level WHERE product_id >= ${from}::bigint AND product_id < ${to}::bigint
    ), compared AS MATERIALIZED (
      SELECT product_id, location_id, own.product_id IS NULL AS "isMissing",
        coalesce(own.on_hand, 0) AS "levelOnHand", coalesce(own.reserved, 0) AS "levelReserved",
        coalesce(own.committed, 0) AS "levelCommitted", coalesce(own.open_alerts, 0)::bigint AS "openAlerts",
        coalesce(ledger.on_hand, 0) AS "ledgerOnHand", coalesce(ledger.reserved, 0) AS "ledgerReserved",
        coalesce(ledger.committed, 0) AS "ledgerCommitted", coalesce(entries, 0) AS entries,
        coalesce(broken, 0) AS "brokenCount", first_broken AS "firstBrokenSeq",
        coalesce(unordered, 0) AS "unorderedCount", first_unordered AS "firstUnorderedSeq",
        coalesce(lines, 0) AS lines, coalesce(held, 0) AS held, coalesce(promised, 0) AS promised,
        coalesce(alerts, 0) AS alerts, coalesce(bits, 0)::bigint AS "alertBits"
      FROM own
      FULL JOIN ledger USING (product_id, location_id)
      FULL JOIN line USING (product_id, location_id)
      FULL JOIN open_alert USING (product_id, location_id)
    ), total AS (
      SELECT count(*) FILTER (WHERE NOT "isMissing") AS "totalLevels", coalesce(sum(entries), 0)::bigint AS "totalEntries",
        coalesce(sum(lines), 0)::bigint AS "totalLines", coalesce(sum(alerts), 0)::bigint AS "totalAlerts" FROM compared
    )
    SELECT total.*, product.sku, location.code AS location, compared.product_id AS "productId",
      compared.location_id AS "locationId", "isMissing", "levelOnHand", "levelReserved", "levelCommitted",
      "openAlerts", "alertBits", "ledgerOnHand"::text, "ledgerReserved"::text, "ledgerCommitted"::text,
      held::text, promised::text, "brokenCount", "firstBrokenSeq", "unorderedCount", "firstUnorderedSeq"
    FROM total
    LEFT JOIN compared ON "isMissing" OR "levelOnHand" < 0 OR "levelReserved" < 0 OR "levelCommitted" < 0
      OR "levelOnHand" <> "ledgerOnHand" OR "levelReserved" <> "ledgerReserved"
      OR "levelCommitted" <> "ledgerCommitted" OR "levelReserved" <> held OR "levelCommitted" <> promised
      OR "openAlerts" <> "alertBits" OR "brokenCount" > 0 OR "unorderedCount" > 0
    LEFT JOIN product ON product.id = compared.product_id
    LEFT JOIN location ON location.id = compared.location_id
    ORDER BY compared.product_id, compared.location_id`.execute(tx);
  const totals = only(rows);
  return {
    levels: totals.totalLevels,
    entries: totals.totalEntries,
    lines: totals.totalLines,
    alerts: totals.totalAlerts,
    differing: rows.flatMap((row) => (row.productId == null ? [] : [toLevelRow(row as LevelFlat)])),
  };
}

interface LevelTotals {
  totalLevels: number;
  totalEntries: number;
  totalLines: number;
  totalAlerts: number;
}

/** Sums are numeric, which comes as text. */
interface LevelFlat extends Omit<LevelRow, 'level' | 'ledger' | 'held' | 'promised'> {
  levelOnHand: number;
  levelReserved: number;
  levelCommitted: number;
  ledgerOnHand: string;
  ledgerReserved: string;
  ledgerCommitted: string;
  held: string;
  promised: string;
}

function toLevelRow(row: LevelFlat): LevelRow {
  const { levelOnHand, levelReserved, levelCommitted, ledgerOnHand, ledgerReserved, ledgerCommitted, ...rest } = row;
  return {
    ...rest,
    level: { onHand: levelOnHand, reserved: levelReserved, committed: levelCommitted },
    ledger: {
      onHand: Number(ledgerOnHand),
      reserved: Number(ledgerReserved),
      committed: Number(ledgerCommitted),
    },
    held: Number(row.held),
    promised: Number(row.promised),
  };
}

export interface StrayLine {
  sku: string | null;
  location: string | null;
  productId: number;
  reservationId: string;
  lineNo: number;
  /** null: there is no such reservation. */
  status: string | null;
}

/** Lines that no reservation knows: it does not exist, or it does not list the line's product. */
export async function findStrayLines(tx: Snapshot, { from, to }: KeyRange): Promise<StrayLine[]> {
  const { rows } = await sql<StrayLine>`
    SELECT product.sku, location.code AS location, l.product_id AS "productId", l.reservation_id AS "reservationId",
      l.line_no AS "lineNo", r.status
    FROM reservation_line l
    LEFT JOIN reservation r ON r.id = l.reservation_id
    LEFT JOIN product ON product.id = l.product_id
    LEFT JOIN location ON location.id = l.location_id
    WHERE l.product_id >= ${from}::bigint AND l.product_id < ${to}::bigint
      AND (r.id IS NULL OR NOT l.product_id = ANY (r.product_ids))
    ORDER BY l.product_id, l.reservation_id, l.line_no`.execute(tx);
  return rows;
}

export interface TransferEntryRow {
  sku: string | null;
  location: string | null;
  seq: number;
  type: string;
  referenceId: string | null;
}

/** Movements of transfers that do not exist. */
export async function findStrayTransferEntries(tx: Snapshot, { from, to }: KeyRange): Promise<TransferEntryRow[]> {
  const { rows } = await sql<TransferEntryRow>`
    SELECT product.sku, location.code AS location, e.seq, e.type, e.reference_id AS "referenceId"
    FROM ledger_entry e
    LEFT JOIN transfer t ON t.id::text = e.reference_id AND e.reference_type = 'transfer'
    LEFT JOIN product ON product.id = e.product_id
    LEFT JOIN location ON location.id = e.location_id
    WHERE e.product_id >= ${from}::bigint AND e.product_id < ${to}::bigint
      AND e.type IN ('transfer_out', 'transfer_in') AND t.id IS NULL
    ORDER BY e.seq`.execute(tx);
  return rows;
}

/** Instants in milliseconds since the epoch, both included. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

/** The instant of the `count`th movement or journal entry from an instant on: what ends a window; null at the end. */
export async function findWindowEnd(tx: Snapshot, fromMs: number, count: number): Promise<number | null> {
  const nth = (table: 'ledger_entry' | 'journal_entry', number: 'seq' | 'id'): RawBuilder<unknown> => sql`(
    SELECT at FROM ${sql.table(table)} WHERE at >= ${instant(fromMs)}
    ORDER BY at, ${sql.ref(number)} OFFSET ${count}::bigint LIMIT 1)`;
  const { rows } = await sql<{ at: number | null }>`
    SELECT least(${nth('ledger_entry', 'seq')}, ${nth('journal_entry', 'id')}) AS at`.execute(tx);
  return only(rows).at;
}

/** A number that a journal entry claims for a ledger entry, or that a ledger entry has. Exactly one of each is right. */
export interface SeqRow {
  seq: number;
  claims: number;
  entries: number;
}

export interface SeqSlice {
  entries: number;
  claims: number;
  differing: SeqRow[];
}

/**
 * The ledger entries of a window beside the ranges of its journal entries, by number. Both sides are read from the
 * indexes on time; a command's entries and its journal entry have the same instant, except where the clock was set back.
 */
export async function compareSeqs(tx: Snapshot, { fromMs, toMs }: TimeRange): Promise<SeqSlice> {
  const within = sql`at >= ${instant(fromMs)} AND at <= ${instant(toMs)}`;
  const { rows } = await sql<Partial<SeqRow> & { totalClaims: number; totalEntries: number }>`
    WITH number AS (
      SELECT ledger_from + place AS seq, 1 AS claim, 0 AS entry
      FROM journal_entry CROSS JOIN LATERAL generate_series(0, ledger_count - 1) AS place
      WHERE ${within} AND ledger_count > 0
      UNION ALL
      SELECT seq, 0, 1 FROM ledger_entry WHERE ${within}
    ), compared AS MATERIALIZED (
      SELECT seq, sum(claim) AS claims, sum(entry) AS entries FROM number GROUP BY seq
    ), total AS (
      SELECT coalesce(sum(claims), 0)::bigint AS "totalClaims", coalesce(sum(entries), 0)::bigint AS "totalEntries"
      FROM compared
    )
    SELECT total.*, compared.seq, compared.claims, compared.entries FROM total
    LEFT JOIN compared ON claims <> 1 OR entries <> 1
    ORDER BY seq`.execute(tx);
  const { totalClaims, totalEntries } = only(rows);
  const differing = rows.flatMap(({ seq, claims, entries }) =>
    seq == null ? [] : [{ seq, claims: claims ?? 0, entries: entries ?? 0 }],
  );
  return { claims: totalClaims, entries: totalEntries, differing };
}

export interface LocatedSeq extends SeqRow {
  sku: string | null;
  location: string | null;
  journalId: number | null;
  kind: string | null;
}

/** A run of numbers never leaves its block of the sequence (engine/numbers.ts). */
const BLOCK_SIZE = 4096;

/**
 * These numbers, looked for in the whole ledger and the whole journal, on one snapshot. Reads all of the ledger: only
 * where windows left something open.
 */
export async function locateSeqs(tx: Snapshot, seqs: readonly number[]): Promise<LocatedSeq[]> {
  const { rows } = await sql<LocatedSeq>`
    WITH asked AS (SELECT DISTINCT unnest(${seqs}::bigint[]) AS seq),
    entry AS (
      SELECT seq, count(*) AS entries, min(product_id) AS product_id, min(location_id) AS location_id
      FROM ledger_entry WHERE seq = ANY (${seqs}::bigint[]) GROUP BY seq
    ), claim AS (
      SELECT asked.seq, count(*) AS claims, min(j.id) AS id, min(j.kind) AS kind
      FROM asked JOIN journal_entry j ON j.id BETWEEN asked.seq - ${sql.lit(BLOCK_SIZE)} AND asked.seq
        AND j.ledger_from <= asked.seq AND j.ledger_from + j.ledger_count > asked.seq
      GROUP BY asked.seq
    )
    SELECT asked.seq, coalesce(claims, 0) AS claims, coalesce(entries, 0) AS entries, product.sku,
      location.code AS location, claim.id AS "journalId", claim.kind
    FROM asked
    LEFT JOIN entry ON entry.seq = asked.seq
    LEFT JOIN claim ON claim.seq = asked.seq
    LEFT JOIN product ON product.id = entry.product_id
    LEFT JOIN location ON location.id = entry.location_id
    ORDER BY asked.seq`.execute(tx);
  return rows;
}

/** A reservation as its own row and its lines say. */
export interface ReservationRow {
  id: string;
  status: string;
  lines: number;
  held: number;
  committed: number;
  expired: number;
  /** Committed lines with open units. */
  open: number;
  shippedUnits: string;
  expiryDiffers: number;
}

export interface ReservationSlice {
  reservations: number;
  lastId: string | null;
  differing: ReservationRow[];
}

/**
 * The next reservations by id whose status is not what their lines say. A pending one holds something; a confirmed one
 * has something committed and open; a shipped or cancelled one has nothing open and did, or did not, ship; an expired
 * one holds nothing.
 */
export async function compareReservations(
  tx: Snapshot,
  after: string | null,
  until: string,
  limit: number,
): Promise<ReservationSlice> {
  const { rows } = await sql<Partial<ReservationRow> & { total: number; lastId: string | null }>`
    WITH page AS (
      SELECT id, status, product_ids, expires_at FROM reservation
      WHERE ${after === null ? sql`true` : sql`id > ${after}::uuid`} AND id <= ${until}::uuid
      ORDER BY id LIMIT ${limit}::bigint
    ), counted AS (
      SELECT page.id, page.status, count(l.line_no) AS lines, count(*) FILTER (WHERE l.state = 'held') AS held,
        count(*) FILTER (WHERE l.state = 'committed') AS committed,
        count(*) FILTER (WHERE l.state = 'expired') AS expired,
        count(*) FILTER (WHERE l.state = 'committed' AND l.quantity > l.shipped + l.cancelled) AS open,
        coalesce(sum(l.shipped), 0) AS shipped,
        count(*) FILTER (WHERE l.state = 'held' AND l.expires_at <> page.expires_at) AS "expiryDiffers"
      FROM page LEFT JOIN reservation_line l ON l.product_id = ANY (page.product_ids) AND l.reservation_id = page.id
      GROUP BY page.id, page.status
    ), total AS (
      SELECT count(*) AS total, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS "lastId" FROM page
    )
    SELECT total.*, id, status, lines, held, committed, expired, open, shipped::text AS "shippedUnits", "expiryDiffers"
    FROM total
    LEFT JOIN counted ON lines = 0 OR "expiryDiffers" > 0 OR NOT CASE status
      WHEN 'pending' THEN held > 0 AND committed = 0 AND shipped = 0
      WHEN 'confirmed' THEN held = 0 AND expired = 0 AND open > 0 AND open = committed
      WHEN 'shipped' THEN held = 0 AND expired = 0 AND committed = 0 AND shipped > 0
      WHEN 'cancelled' THEN held = 0 AND expired = 0 AND committed = 0 AND shipped = 0
      ELSE held = 0 AND committed = 0 AND shipped = 0 AND expired > 0 END
    ORDER BY id`.execute(tx);
  const { total, lastId } = only(rows);
  return {
    reservations: total,
    lastId,
    differing: rows.flatMap((row) => (row.id == null ? [] : [row as ReservationRow])),
  };
}

/** One side of a transfer as its lines ask for it, and as the ledger has it. */
export interface TransferRow {
  id: string;
  sku: string | null;
  location: string | null;
  type: 'transfer_out' | 'transfer_in';
  asked: number;
  posted: number;
}

export interface TransferSlice {
  transfers: number;
  lastId: string | null;
  differing: TransferRow[];
}

/** The next completed transfers by id: each product left the one place and came to the other, and nothing else did. */
export async function compareTransfers(
  tx: Snapshot,
  after: string | null,
  until: string,
  limit: number,
): Promise<TransferSlice> {
  const { rows } = await sql<Partial<TransferRow> & { total: number; lastId: string | null }>`
    WITH page AS MATERIALIZED (
      SELECT id, from_id, to_id, mode, status FROM transfer
      WHERE ${after === null ? sql`true` : sql`id > ${after}::uuid`} AND id <= ${until}::uuid
      ORDER BY id LIMIT ${limit}::bigint
    ), moved AS (
      SELECT id, from_id, to_id, product_id, sum(quantity) AS units
      FROM page JOIN transfer_line l ON l.transfer_id = page.id
      WHERE mode = 'immediate' AND status = 'completed'
      GROUP BY id, from_id, to_id, product_id
    ), asked AS (
      SELECT id, product_id, from_id AS location_id, 'transfer_out' AS type, -units AS units FROM moved
      UNION ALL
      SELECT id, product_id, to_id, 'transfer_in', units FROM moved
    ), posted AS (
      SELECT page.id, e.product_id, e.location_id, e.type, sum(e.delta_on_hand) AS units
      FROM page JOIN ledger_entry e ON e.reference_id = page.id::text AND e.reference_type = 'transfer'
        AND e.reference_type <> 'reservation'
      WHERE mode = 'immediate' AND status = 'completed' AND e.type IN ('transfer_out', 'transfer_in')
      GROUP BY page.id, e.product_id, e.location_id, e.type
    ), compared AS (
      SELECT id, product_id, location_id, type, coalesce(asked.units, 0) AS asked, coalesce(posted.units, 0) AS posted
      FROM asked FULL JOIN posted USING (id, product_id, location_id, type)
    ), total AS (
      SELECT count(*) AS total, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS "lastId" FROM page
    )
    SELECT total.*, compared.id, product.sku, location.code AS location, compared.type,
      asked::bigint AS asked, posted::bigint AS posted
    FROM total
    LEFT JOIN compared ON asked <> posted
    LEFT JOIN product ON product.id = compared.product_id
    LEFT JOIN location ON location.id = compared.location_id
    ORDER BY compared.id, product.sku, compared.type`.execute(tx);
  const { total, lastId } = only(rows);
  return {
    transfers: total,
    lastId,
    differing: rows.flatMap((row) => (row.id == null ? [] : [row as TransferRow])),
  };
}

/** Milliseconds since the epoch as timestamptz: whole ones, so that nothing is lost. */
function instant(epochMs: number): RawBuilder<unknown> {
  return sql`to_timestamp(${epochMs}::float8 / 1000)::timestamptz(3)`;
}

function only<Row>(rows: Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('a statement that always has a row gave none');
  return row;
}
