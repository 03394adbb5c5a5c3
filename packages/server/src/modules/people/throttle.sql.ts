import { sql, type Kysely, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import { numberArray, textArray, timeArray, type Database, type Tables } from '../../platform/database/index.ts';
import { FORGET_AFTER_MS, type Attempts } from './throttle.rules.ts';

/** How many rows that nobody needs are deleted with each attempt: more than it adds. */
const SWEEP_ROWS = 20;

export interface CountedAttempts extends Attempts {
  subject: string;
}

/** In a transaction of its own, short, and with the serving role also behind a transaction pooler. */
export function inShortTransaction<Value>(
  { kysely, servingRole }: Pick<Database, 'kysely' | 'servingRole'>,
  work: (tx: Transaction<Tables>) => Promise<Value>,
): Promise<Value> {
  return kysely.transaction().execute(async (tx) => {
    await sql`
      SELECT set_config('role', ${servingRole ?? 'none'}, true), set_config('lock_timeout', '1s', true)
    `.execute(tx);
    return work(tx);
  });
}

/**
 * The counts of these subjects, and the time. Whoever asks for one of them meanwhile waits: also for one that has no row
 * yet, which is why it is not the rows that are locked.
 */
export async function lockAttempts(
  tx: Transaction<Tables>,
  subjects: readonly string[],
): Promise<{ found: CountedAttempts[]; nowMs: number }> {
  const wanted = textArray(subjects.toSorted());
  await sql`
    SELECT pg_advisory_xact_lock(hashtextextended(subject, 11)) FROM unnest(${wanted}::text[]) AS subject
  `.execute(tx);
  const { rows: found } = await sql<CountedAttempts>`
    SELECT subject, failures, last_at AS "lastAtMs", held_until AS "heldUntilMs"
    FROM sign_in_throttle WHERE subject = ANY(${wanted}::text[])
  `.execute(tx);
  const { rows } = await sql<{ now: number }>`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`.execute(tx);
  return { found, nowMs: rows[0]?.now ?? 0 };
}

export async function writeAttempts(tx: Transaction<Tables>, attempts: readonly CountedAttempts[]): Promise<void> {
  await sql`
    INSERT INTO sign_in_throttle (subject, failures, last_at, held_until)
    SELECT * FROM unnest(
      ${textArray(attempts.map(({ subject }) => subject))}::text[],
      ${numberArray(attempts.map(({ failures }) => failures))}::integer[],
      ${timeArray(attempts.map(({ lastAtMs }) => lastAtMs))}::timestamptz[],
      ${timeArray(attempts.map(({ heldUntilMs }) => heldUntilMs))}::timestamptz[])
    ON CONFLICT (subject) DO UPDATE
    SET failures = EXCLUDED.failures, last_at = EXCLUDED.last_at, held_until = EXCLUDED.held_until
  `.execute(tx);
}

export async function deleteForgotten(tx: Transaction<Tables>, nowMs: number): Promise<void> {
  await sql`
    DELETE FROM sign_in_throttle WHERE subject IN (
      SELECT subject FROM sign_in_throttle WHERE last_at < ${toRfc3339(nowMs - FORGET_AFTER_MS)}::timestamptz
      ORDER BY last_at LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)
  `.execute(tx);
}

/** The attempt did not fail: `forgotten` start anew, of the others it is taken back. */
export async function takeBack(
  db: Kysely<Tables>,
  subjects: { forgotten: readonly string[]; lessened: readonly string[] },
): Promise<void> {
  await sql`
    WITH gone AS (DELETE FROM sign_in_throttle WHERE subject = ANY(${textArray(subjects.forgotten)}::text[]))
    UPDATE sign_in_throttle SET failures = greatest(0, failures - 1), held_until = last_at
    WHERE subject = ANY(${textArray(subjects.lessened)}::text[])
  `.execute(db);
}
