import { sql, type Kysely, type Transaction } from 'kysely';
import { rfc3339OrNull, toRfc3339 } from '../../kernel/clock.ts';
import { IS_PAUSED, type Tables } from '../../platform/database/index.ts';

// When jobs are due, for those who fire them.

export interface DueJob {
  id: string;
  nextAtMs: number;
}

/**
 * Jobs whose time has come, none while all is paused, held until the transaction ends; those that another instance holds are its.
 *
 * @param except jobs that are passed over
 */
export async function lockDueJobs(
  tx: Transaction<Tables>,
  nowMs: number,
  { max, except }: { max: number; except: readonly string[] },
): Promise<DueJob[]> {
  const rows = await tx
    .selectFrom('job_state')
    .select(['job_id', 'next_at'])
    .where('next_at', '<=', sql<number>`${toRfc3339(nowMs)}::timestamptz`)
    .where(sql<boolean>`job_id <> ALL(${[...except]}::uuid[]) AND NOT ${IS_PAUSED}`)
    .orderBy('next_at')
    .limit(max)
    .forUpdate()
    .skipLocked()
    .execute();
  return rows.map(({ job_id, next_at }) => ({ id: job_id, nextAtMs: next_at ?? nowMs }));
}

/** The database's clock, and when the time of the next job comes. Undefined: no job has a time, or all is paused. */
export async function nextDue(
  db: Kysely<Tables>,
  except: readonly string[],
): Promise<{ now: number; next_at: number } | undefined> {
  const { rows } = await sql<{ now: number; next_at: number }>`
    SELECT clock_timestamp() AS now, next_at
    FROM job_state WHERE next_at IS NOT NULL AND job_id <> ALL(${[...except]}::uuid[])
      AND NOT ${IS_PAUSED}
    ORDER BY next_at LIMIT 1
  `.execute(db);
  return rows[0];
}

export async function setNextDue(
  tx: Transaction<Tables>,
  due: readonly { id: string; nextAtMs: number | null }[],
): Promise<void> {
  await sql`
    UPDATE job_state SET next_at = k.next_at
    FROM unnest(${due.map(({ id }) => id)}::uuid[], ${due.map(({ nextAtMs }) => rfc3339OrNull(nextAtMs))}::timestamptz[])
      AS k (id, next_at)
    WHERE job_state.job_id = k.id
  `.execute(tx);
}

/** All jobs that have a time, held until the transaction ends. */
export async function lockAllDue(tx: Transaction<Tables>): Promise<DueJob[]> {
  const rows = await tx
    .selectFrom('job_state')
    .select(['job_id', 'next_at'])
    .where('next_at', 'is not', null)
    .orderBy('job_id')
    .forNoKeyUpdate()
    .execute();
  return rows.map(({ job_id, next_at }) => ({ id: job_id, nextAtMs: next_at ?? 0 }));
}
