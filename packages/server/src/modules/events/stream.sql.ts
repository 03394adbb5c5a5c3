import { sql, type Kysely } from 'kysely';
import type { LedgerEntryFacts } from '../../engine/index.ts';
import {
  numberArray,
  textArray,
  type Database,
  type LaneStatement,
  type Tables,
} from '../../platform/database/index.ts';

/** Positions that readers of an earlier life of the database may know are passed over: see migrations/0002_events.sql. */
const JUMP = 2 ** 32;

/** A run of entries with consecutive numbers, and where it stands in the stream. */
export interface Run {
  /** The number of its first entry. */
  firstId: number;
  /** The number of its last one. */
  lastId: number;
  /** When, in milliseconds since the epoch, and when the youngest of its ledger entries. */
  at: number;
  ledgerUntil: number;
  /** The position of its first entry. */
  position: number;
}

/** The last two where something was numbered. */
export type NumberedTuple = [head: number, runs: number, lagMs: number, origin: string | null, table: number | null];

/** Which database this is, and which of its tables is event_stream: see event_stream_origin(). */
export interface DatabaseLife {
  origin: string;
  table: number;
}

/**
 * Gives positions to the runs that can be seen and have none, in the order of their numbers: one transaction, sent at
 * once. The statement that numbers comes after the one that locks, so its snapshot holds whatever the last holder of the
 * lock saw, and more.
 *
 * A session is of one life of the database from its beginning to its end, except that a dump may be restored beside it,
 * which makes event_stream another table. So `life` is what the session's last numbering found: to find it out reads
 * control files, which was a third of each numbering.
 *
 * Before event_stream was first analyzed, its one row is taken for a thousand, and the joins for a million times as many:
 * PostgreSQL then compiled the statement each time, for 3 to 6 s on a busy machine, in which nobody else could number. It
 * runs for 1 ms.
 */
export function numberingStatements(role: string | null, most: number, life: DatabaseLife | null): LaneStatement[] {
  return [
    { name: 'begin', text: 'BEGIN ISOLATION LEVEL READ COMMITTED', values: [] },
    {
      name: 'numbering_settings',
      text: `SELECT set_config('role', $1, true), set_config('lock_timeout', '1s', true),
        set_config('idle_in_transaction_session_timeout', '1s', true), set_config('statement_timeout', '10s', true),
        set_config('jit', 'off', true)`,
      values: [role ?? 'none'],
    },
    { name: 'lock_stream', text: 'SELECT head FROM event_stream FOR UPDATE', values: [] },
    { name: 'number_runs', text: NUMBER_RUNS, values: [most, life?.origin ?? null, life?.table ?? null] },
    { name: 'COMMIT', text: 'COMMIT', values: [] },
  ];
}

const NUMBER_RUNS = `WITH due AS MATERIALIZED (
    SELECT first_id, last_id - first_id + 1 AS size FROM event_batch
    WHERE position IS NULL ORDER BY first_id LIMIT $1::integer
  ), placed AS MATERIALIZED (
    SELECT first_id, size, (sum(size) OVER (ORDER BY first_id))::bigint - size AS before FROM due
  ), life AS MATERIALIZED (
    SELECT CASE WHEN tableoid::bigint = $3::bigint THEN $2::text ELSE event_stream_origin() END AS origin,
      tableoid::bigint AS table_id
    FROM event_stream WHERE EXISTS (SELECT FROM placed)
  ), base AS MATERIALIZED (
    SELECT CASE WHEN s.origin <> l.origin THEN s.head + ${JUMP} ELSE s.head END AS head
    FROM event_stream s, life l
  ), numbered AS (
    UPDATE event_batch b SET position = base.head + placed.before + 1 FROM placed, base
    WHERE b.first_id = placed.first_id
    RETURNING b.at
  ), moved AS (
    UPDATE event_stream s SET head = base.head + (SELECT sum(size) FROM placed), origin = coalesce(life.origin, s.origin)
    FROM base, life
    RETURNING s.head
  )
  SELECT coalesce((SELECT head FROM moved), (SELECT head FROM event_stream)),
    (SELECT count(*) FROM numbered),
    (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)) * 1000, 0)::bigint FROM numbered),
    (SELECT origin FROM life), (SELECT table_id FROM life)`;

export interface StreamState {
  head: number;
  forgotten: number;
  /** There are runs without a position. */
  isBehind: boolean;
  /** How old the oldest of them is, in milliseconds; 0 where there is none. */
  behindMs: number;
}

export async function readState({ kysely }: Database): Promise<StreamState> {
  const { rows } = await sql<StreamState>`
    SELECT head, forgotten, waiting.since IS NOT NULL AS "isBehind",
      greatest(0, coalesce(extract(epoch FROM clock_timestamp() - waiting.since) * 1000, 0))::bigint AS "behindMs"
    FROM event_stream, (SELECT min(at) AS since FROM event_batch WHERE position IS NULL) AS waiting
  `.execute(kysely);
  const [state] = rows;
  if (state === undefined) throw new Error('the stream has no state');
  return state;
}

/** The runs with positions above `after`, in their order; the first may begin at or below it. */
export async function selectRuns(db: Kysely<Tables>, after: number, most: number): Promise<Run[]> {
  const { rows } = await sql<Run>`
    SELECT first_id AS "firstId", last_id AS "lastId", at, ledger_until AS "ledgerUntil", position
    FROM event_batch
    WHERE position > ${after}::bigint - 4096 AND position + (last_id - first_id) > ${after}::bigint
    ORDER BY position LIMIT ${most}
  `.execute(db);
  return rows;
}

/** Where an instant lies in the stream. */
export interface Place {
  /** All runs of the instant or later stand behind it. */
  before: number;
  /** No run of before the instant stands behind it. */
  behind: number;
  /** Of when the first run is that is kept, in milliseconds since the epoch; null where none is. */
  firstMs: number | null;
}

/**
 * Finds an instant. Runs rise in time with their positions, and have no index by it: the stream is halved, one step of
 * its index each, all in one statement. (Each a read of its own, it took seconds beside a busy server.)
 */
export async function selectPlace({ kysely }: Database, instantMs: number): Promise<Place> {
  const nextRun = sql`FROM event_batch WHERE position > middle ORDER BY position LIMIT 1`;
  const { rows } = await sql<Place>`
    WITH RECURSIVE search (low, high) AS (
      SELECT forgotten, head FROM event_stream
      UNION ALL
      SELECT CASE WHEN is_earlier THEN middle ELSE low END, CASE WHEN is_earlier THEN high ELSE middle END
      FROM search, LATERAL (SELECT (low + high) / 2 AS middle) AS half, LATERAL (
        SELECT coalesce((SELECT at < to_timestamp(${instantMs}::double precision / 1000) ${nextRun}), false) AS is_earlier
      ) AS look
      WHERE high - low > 1
    ), found AS (
      SELECT low AS before, low + 1 AS middle FROM search ORDER BY high - low LIMIT 1
    )
    SELECT before, coalesce((SELECT position - 1 ${nextRun}), (SELECT head FROM event_stream)) AS behind,
      (SELECT at FROM event_batch WHERE position IS NOT NULL ORDER BY position LIMIT 1) AS "firstMs"
    FROM found
  `.execute(kysely);
  const [place] = rows;
  if (place === undefined) throw new Error('the stream has no state');
  return place;
}

export interface JournalRow {
  position: number;
  id: number;
  at: number;
  kind: string;
  actor: string;
  subject: string;
  /** JSON text. */
  data: string | null;
}

/** A page of the stream is not read beyond this many bytes of what its entries carry: one may carry megabytes. */
const PAGE_BYTES = 8_000_000;

export interface JournalPage {
  entries: JournalRow[];
  /** The first event that is too much; null where none is. */
  cutAt: number | null;
}

/**
 * The journal's entries of these runs that are events: one step of the primary key for each run. The first is taken
 * whatever its size. (octet_length() of what is stored apart reads its length alone.)
 */
export async function selectJournal(db: Kysely<Tables>, runs: Run[], kinds: readonly string[]): Promise<JournalPage> {
  const { rows } = await sql<JournalRow & { cutAt: number | null }>`
    WITH event AS (
      SELECT k.position + (j.id - k.first_id) AS position, j.id, j.at, j.kind, j.actor, j.subject, j.data
      FROM ${unnested(runs)}
      CROSS JOIN LATERAL (
        SELECT id, at, kind, actor, subject, data FROM journal_entry
        WHERE id BETWEEN k.first_id AND k.last_id AND at = k.at AND kind = ANY(${textArray([...kinds])}::text[])
      ) j
    ), sized AS (
      SELECT *, sum(octet_length(data)) OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM event
    ), bounded AS (
      SELECT *, min(position) FILTER (WHERE before >= ${sql.lit(PAGE_BYTES)}) OVER () AS "cutAt" FROM sized
    )
    SELECT position, id, at, kind, actor, subject, data, "cutAt" FROM bounded
    WHERE "cutAt" IS NULL OR position < "cutAt"
  `.execute(db);
  return { entries: rows, cutAt: rows[0]?.cutAt ?? null };
}

/** numeric comes as text. */
export type LedgerRow = Omit<LedgerEntryFacts, 'unitCost'> & { position: number; unitCost: string | null };

/** The ledger's entries of these runs, by the index on their time: a run is of one transaction, so of a few milliseconds. */
export async function selectLedger(db: Kysely<Tables>, runs: Run[]): Promise<LedgerRow[]> {
  const { rows } = await sql<LedgerRow>`
    SELECT k.position + (e.seq - k.first_id) AS position, e.seq, e.at, e.type, p.sku, l.code AS location,
      e.delta_on_hand AS "deltaOnHand", e.delta_reserved AS "deltaReserved", e.delta_committed AS "deltaCommitted",
      e.on_hand AS "onHand", e.reserved, e.committed, e.reference_type AS "referenceType",
      e.reference_id AS "referenceId", e.reason, e.notes, e.unit_cost AS "unitCost", e.lot, e.actor
    FROM ${unnested(runs)}
    CROSS JOIN LATERAL (
      SELECT * FROM ledger_entry
      WHERE at >= k.at AND at <= k.ledger_until AND seq BETWEEN k.first_id AND k.last_id
    ) e
    JOIN product p ON p.id = e.product_id
    JOIN location l ON l.id = e.location_id
  `.execute(db);
  return rows;
}

function unnested(runs: Run[]) {
  const column = (of: (run: Run) => number): string => numberArray(runs.map(of));
  return sql`(
    SELECT first_id, last_id, position, to_timestamp(at_ms / 1000.0)::timestamptz(3) AS at,
      to_timestamp(until_ms / 1000.0)::timestamptz(3) AS ledger_until
    FROM unnest(${column((run) => run.firstId)}::bigint[], ${column((run) => run.lastId)}::bigint[],
      ${column((run) => run.position)}::bigint[], ${column((run) => run.at)}::double precision[],
      ${column((run) => run.ledgerUntil)}::double precision[]) AS u (first_id, last_id, position, at_ms, until_ms)
  ) AS k`;
}

/**
 * Forgets the first runs, those of before `keptMs` ago, so many at a time: nothing
 * behind one that is kept, even where a clock ran backwards. The stream's state is changed first: it
 * serialises those who forget, and no reader can take what is being forgotten for a gap that never was.
 *
 * @returns how many were forgotten
 */
export async function forgetRuns({ kysely }: Database, keptMs: number, most: number): Promise<number> {
  const { rows } = await sql<{ forgotten: number }>`
    WITH oldest AS MATERIALIZED (
      SELECT first_id, position, position + (last_id - first_id) AS last_position,
        at < clock_timestamp() - make_interval(secs => ${keptMs / 1000}::double precision) AS is_old
      FROM event_batch WHERE position IS NOT NULL ORDER BY position LIMIT ${most}
    ), old AS MATERIALIZED (
      SELECT * FROM oldest
      WHERE position < coalesce((SELECT min(position) FROM oldest WHERE NOT is_old), ${Number.MAX_SAFE_INTEGER})
    ), moved AS (
      UPDATE event_stream SET forgotten = greatest(forgotten, (SELECT max(last_position) FROM old))
      WHERE EXISTS (SELECT FROM old)
    ), gone AS (
      DELETE FROM event_batch b USING old WHERE b.first_id = old.first_id RETURNING b.first_id
    )
    SELECT count(*) AS forgotten FROM gone
  `.execute(kysely);
  return rows[0]?.forgotten ?? 0;
}
