import { sql, type RawBuilder } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import { only, type Snapshot } from './snapshot.sql.ts';

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

function instant(epochMs: number): RawBuilder<unknown> {
  return sql`${toRfc3339(epochMs)}::timestamptz`;
}
