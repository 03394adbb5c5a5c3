import { sql, type RawBuilder } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import { only, type Snapshot } from './snapshot.sql.ts';

/** A number of the ledger that no journal entry has, or that several have. */
export interface ClaimRow {
  seq: number;
  claims: number;
}

export interface EntryWindow {
  /** Milliseconds since the epoch: the last instant of the window; null where it reached the end. */
  endMs: number | null;
  entries: number;
  differing: ClaimRow[];
  /** Some of those that are of another time than their journal entry: by a clock that was set back, or another entry has the number. */
  distant: number[];
}

/** A run of numbers never leaves its block of the sequence (engine/numbers.ts). */
const BLOCK_SIZE = 4096;
const DISTANT_MAX = 1_000;

/** A journal entry as the numbers it has; most have one, and a function call for each would cost more than the rest. */
const claimsOf = (condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  claiming AS MATERIALIZED (
    SELECT at, ledger_from, ledger_count FROM journal_entry WHERE ledger_count > 0 AND ${condition}
  ), claim AS (
    SELECT at, ledger_from AS seq FROM claiming
    UNION ALL
    SELECT at, ledger_from + place FROM claiming CROSS JOIN LATERAL generate_series(1, ledger_count - 1) AS place
    WHERE ledger_count > 1
  )`;

/**
 * The next ledger entries by time, about `count` of them, beside the journal entries that can have them, which the
 * blocks of their numbers tell: the journal has no index on time. A few counts say whether all is well; only where it is
 * not, each number is looked at. (0.9 M entries/s on a 2-core machine.)
 */
export async function compareEntries(
  tx: Snapshot,
  fromMs: number,
  lastMs: number,
  count: number,
): Promise<EntryWindow> {
  const from = instant(fromMs);
  const { rows: ends } = await sql<{ at: number }>`
    SELECT at FROM ledger_entry WHERE at >= ${from} AND at <= ${instant(lastMs)}
    ORDER BY at, seq OFFSET ${count}::bigint LIMIT 1`.execute(tx);
  const endMs = ends[0]?.at ?? null;
  const parts = sql`
    entry AS MATERIALIZED (
      SELECT seq, at FROM ledger_entry WHERE at >= ${from} AND at <= ${instant(endMs ?? lastMs)}
    ), bound AS (
      SELECT min(seq) / ${sql.lit(BLOCK_SIZE)} * ${sql.lit(BLOCK_SIZE)} AS low, max(seq) AS high FROM entry
    ), ${claimsOf(sql`id >= (SELECT low FROM bound) AND id <= (SELECT high FROM bound)`)}`;
  const { rows } = await sql<{
    entries: number;
    pairs: number;
    claimed: number;
    met: number;
    distant: number[] | null;
  }>`
    WITH ${parts}
    SELECT (SELECT count(*) FROM entry) AS entries, count(*) AS pairs, count(claim.seq) AS claimed,
      count(DISTINCT claim.seq) AS met,
      (array_agg(entry.seq) FILTER (
        WHERE entry.at NOT BETWEEN claim.at - interval '1 minute' AND claim.at + interval '1 minute'
      ))[:${sql.lit(DISTANT_MAX)}] AS distant
    FROM entry LEFT JOIN claim ON claim.seq = entry.seq`.execute(tx);
  const { entries, pairs, claimed, met, distant } = only(rows);
  const window = { endMs, entries, distant: distant ?? [] };
  if (pairs === entries && claimed === entries && met === entries) return { ...window, differing: [] };
  const { rows: differing } = await sql<ClaimRow>`
    WITH ${parts}
    SELECT entry.seq, count(claim.seq) AS claims FROM entry
    LEFT JOIN claim ON claim.seq = entry.seq
    GROUP BY entry.seq HAVING count(claim.seq) <> 1 ORDER BY entry.seq`.execute(tx);
  return { ...window, differing };
}

export interface JournalPage {
  /** null: there was none left. */
  lastId: number | null;
  claims: number;
  /** Numbers that were claimed and are not in the ledger at the instants of the page. */
  missing: number[];
}

/** The next journal entries by id, and those of their ledger entries that are not there at the same instants. */
export async function compareClaims(tx: Snapshot, after: number, until: number, limit: number): Promise<JournalPage> {
  const { rows: ends } = await sql<{ id: number | null }>`
    SELECT max(id) AS id FROM (
      SELECT id FROM journal_entry WHERE id > ${after}::bigint AND id <= ${until}::bigint
      ORDER BY id LIMIT ${limit}::bigint
    ) AS page`.execute(tx);
  const lastId = only(ends).id;
  if (lastId === null) return { lastId, claims: 0, missing: [] };
  const parts = sql`
    ${claimsOf(sql`id > ${after}::bigint AND id <= ${lastId}::bigint`)}, bound AS (
      SELECT min(at) AS first, max(at) AS last, min(ledger_from) AS low, max(ledger_from + ledger_count) AS high
      FROM claiming
    ), entry AS (
      SELECT seq FROM ledger_entry
      WHERE at >= (SELECT first FROM bound) AND at <= (SELECT last FROM bound)
        AND seq >= (SELECT low FROM bound) AND seq < (SELECT high FROM bound)
    )`;
  const { rows } = await sql<{ claims: number; seqs: number[] | null }>`
    WITH ${parts}
    SELECT count(*) AS claims, array_agg(claim.seq) FILTER (WHERE entry.seq IS NULL) AS seqs
    FROM claim LEFT JOIN entry ON entry.seq = claim.seq`.execute(tx);
  const { claims, seqs } = only(rows);
  return { lastId, claims, missing: seqs ?? [] };
}

/** A number, with what the whole ledger and the whole journal say of it. */
export interface LocatedSeq {
  seq: number;
  claims: number;
  entries: number;
  sku: string | null;
  location: string | null;
  journalId: number | null;
  kind: string | null;
}

/** Those of these numbers that are nowhere in the ledger. Reads all of its index: only where many were left open. */
export async function missingSeqs(tx: Snapshot, seqs: readonly number[]): Promise<number[]> {
  const { rows } = await sql<{ seq: number }>`
    SELECT seq FROM unnest(${seqs}::bigint[]) AS seq EXCEPT SELECT seq FROM ledger_entry ORDER BY seq`.execute(tx);
  return rows.map(({ seq }) => seq);
}

/** Looks these numbers up on one snapshot. Reads all of the ledger's index: only where something was left open. */
export async function locateSeqs(tx: Snapshot, seqs: readonly number[]): Promise<LocatedSeq[]> {
  const { rows } = await sql<LocatedSeq>`
    WITH asked AS (SELECT DISTINCT unnest(${seqs}::bigint[]) AS seq),
    entry AS (
      SELECT seq, count(*) AS entries, min(product_id) AS product_id, min(location_id) AS location_id
      FROM ledger_entry WHERE seq = ANY (${seqs}::bigint[]) GROUP BY seq
    ), block AS (
      SELECT DISTINCT (seq / ${sql.lit(BLOCK_SIZE)} - before) * ${sql.lit(BLOCK_SIZE)} AS low
      FROM asked, (VALUES (0), (1)) AS own (before)
    ), claiming AS MATERIALIZED (
      SELECT j.id, j.kind, j.ledger_from, j.ledger_count FROM block
      JOIN journal_entry j ON j.id >= block.low AND j.id < block.low + ${sql.lit(BLOCK_SIZE)} AND j.ledger_count > 0
    ), claim AS (
      SELECT seq, count(*) AS claims, min(id) AS id, min(kind) AS kind
      FROM claiming CROSS JOIN LATERAL generate_series(ledger_from, ledger_from + ledger_count - 1) AS seq
      GROUP BY seq
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

function instant(epochMs: number): RawBuilder<unknown> {
  return sql`${toRfc3339(epochMs)}::timestamptz`;
}
