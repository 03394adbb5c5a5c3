import { sql } from 'kysely';
import type { Database } from '../platform/database/index.ts';

/** A place in the order in which holds lapse. */
export interface LapsedPlace {
  expiresAt: string;
  id: string;
}

/**
 * The oldest lapsed holds, by the partial index on pending reservations: the clock is statement_timestamp(), since a
 * volatile clock_timestamp() cannot bound an index scan (2.6 ms a look among thousands of pending ones, now 0.05).
 * `shiftMs` is added to it.
 *
 * @param after only those behind this one
 */
export async function selectLapsedReservations(
  { kysely }: Database,
  most: number,
  shiftMs: number,
  after: LapsedPlace | null = null,
): Promise<{ ids: string[]; oldestAgeMs: number; last: LapsedPlace | null }> {
  const now = sql`(statement_timestamp() + make_interval(secs => ${shiftMs}::double precision / 1000))`;
  const behind =
    after === null ? sql`` : sql`AND (expires_at, id) > (${after.expiresAt}::timestamptz, ${after.id}::uuid)`;
  const { rows } = await sql<{ id: string; expires_at: string; age_ms: number }>`
    SELECT id, expires_at::text, (extract(epoch FROM ${now} - expires_at) * 1000)::bigint AS age_ms
    FROM reservation WHERE status = 'pending' AND expires_at <= ${now} ${behind}
    ORDER BY reservation.expires_at, id LIMIT ${most}
  `.execute(kysely);
  const last = rows.at(-1);
  return {
    ids: rows.map(({ id }) => id),
    oldestAgeMs: rows[0]?.age_ms ?? 0,
    last: last === undefined ? null : { expiresAt: last.expires_at, id: last.id },
  };
}

/** Partitions of the coming months. The function belongs to the schema's owner and runs with its rights. */
export async function makePartitions({ kysely }: Database, monthsAhead: number): Promise<number> {
  const { rows } = await sql<{ made: number }>`SELECT make_partitions(${monthsAhead}) AS made`.execute(kysely);
  return rows[0]?.made ?? 0;
}

/** Keys that were kept for their 24 hours; oldest first, so many at a time. */
export async function deleteOldKeys({ kysely }: Database, most: number): Promise<number> {
  const { rows } = await sql<{ owner: string }>`
    DELETE FROM idempotency_key WHERE (owner, key, chunk) IN (
      SELECT owner, key, chunk FROM idempotency_key
      WHERE created_at < clock_timestamp() - interval '24 hours'
      ORDER BY created_at LIMIT ${most} FOR UPDATE SKIP LOCKED)
    RETURNING owner
  `.execute(kysely);
  return rows.length;
}
