import { sql, type Kysely, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import { numberArray, textArray, timeArray, type Tables } from '../../platform/database/index.ts';

// What an attempt notes of its run while it holds it: progress, log, effects.

export interface LogRow {
  line: number;
  at: number;
  attempt: number;
  level: 'info' | 'warn' | 'error';
  message: string;
}

export async function readLog(db: Kysely<Tables>, runId: string, after: number, limit: number): Promise<LogRow[]> {
  return db
    .selectFrom('run_log')
    .select(['line', 'at', 'attempt', 'level', 'message'])
    .where('run_id', '=', runId)
    .where('line', '>', after)
    .orderBy('line')
    .limit(limit)
    .execute();
}

/** Progress of runs that their worker still holds, and the numbers that their next lines of log begin after. */
export async function writeProgress(
  tx: Transaction<Tables>,
  notes: readonly { id: string; fence: number; percent: number | null; message: string | null; lines: number }[],
): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; log_lines: number }>`
    UPDATE run SET percent = k.percent, progress_message = k.message, log_lines = run.log_lines + k.lines
    FROM unnest(${notes.map(({ id }) => id)}::uuid[], ${numberArray(notes.map(({ fence }) => fence))}::bigint[],
      ${numberArray(notes.map(({ percent }) => percent))}::real[], ${textArray(notes.map(({ message }) => message))}::text[],
      ${numberArray(notes.map(({ lines }) => lines))}::integer[]) AS k (id, fence, percent, message, lines)
    WHERE run.id = k.id AND run.fence = k.fence AND run.status = 'running'
    RETURNING run.id, run.log_lines
  `.execute(tx);
  const added = new Map(notes.map(({ id, lines }) => [id, lines]));
  return new Map(rows.map(({ id, log_lines }) => [id, log_lines - (added.get(id) ?? 0)]));
}

export async function insertLog(
  tx: Transaction<Tables>,
  lines: readonly { runId: string; line: number; atMs: number; attempt: number; level: string; message: string }[],
): Promise<void> {
  if (lines.length === 0) return;
  await sql`
    INSERT INTO run_log (run_id, line, at, attempt, level, message)
    SELECT * FROM unnest(${lines.map(({ runId }) => runId)}::uuid[], ${numberArray(lines.map(({ line }) => line))}::integer[],
      ${timeArray(lines.map(({ atMs }) => atMs))}::timestamptz[],
      ${numberArray(lines.map(({ attempt }) => attempt))}::integer[], ${textArray(lines.map(({ level }) => level))}::text[],
      ${textArray(lines.map(({ message }) => message))}::text[])
  `.execute(tx);
}

/** Holds a run for as long as the transaction lasts; false where it is no longer this attempt's. */
export async function holdAttempt(tx: Transaction<Tables>, id: string, fence: number): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM run WHERE id = ${id}::uuid AND fence = ${fence} AND status = 'running' FOR NO KEY UPDATE
  `.execute(tx);
  return rows.length > 0;
}

export async function findEffect(
  tx: Transaction<Tables>,
  runId: string,
  key: string,
): Promise<{ result: unknown } | undefined> {
  return tx
    .selectFrom('run_effect')
    .select('result')
    .where('run_id', '=', runId)
    .where('key', '=', key)
    .executeTakeFirst();
}

export async function insertEffect(
  tx: Transaction<Tables>,
  effect: { runId: string; key: string; result: unknown },
  nowMs: number,
): Promise<void> {
  await tx
    .insertInto('run_effect')
    .values({
      run_id: effect.runId,
      key: effect.key,
      result: effect.result === undefined ? null : JSON.stringify(effect.result),
      at: toRfc3339(nowMs),
    })
    .execute();
}
