import { sql, type Kysely } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Tables } from '../../platform/database/index.ts';

export interface Measured {
  runs: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  skipped: number;
  duration_p50: number | null;
  duration_p99: number | null;
  lateness_p50: number | null;
  lateness_p99: number | null;
}

/** `job_id` null: all jobs together. */
export type MeasuredJob = Measured & { job_id: string | null; name: string | null; type: string | null };

/** Beside the row of all together. */
export const JOBS_SHOWN_MAX = 1_000;
/** Null for a run that never began: percentiles pass over it. */
const DURATION = sql`extract(epoch FROM run.finished_at - run.started_at) * 1000`;
const LATENESS = sql`greatest(0, extract(epoch FROM run.started_at - run.due_at) * 1000)`;

/** What became of the runs that finished since an instant. A run that was tried again has the due time of its last attempt,
 * which says nothing of how late the first was: only runs of one attempt count as to lateness. */
export async function measureRuns(db: Kysely<Tables>, sinceMs: number): Promise<MeasuredJob[]> {
  const once = sql`run.started_at IS NOT NULL AND run.attempt <= 1`;
  const { rows } = await sql<MeasuredJob>`
    SELECT job.id AS job_id, job.name, job.type,
      count(*) FILTER (WHERE run.status <> 'skipped') AS runs,
      count(*) FILTER (WHERE run.status = 'succeeded') AS succeeded,
      count(*) FILTER (WHERE run.status = 'failed') AS failed,
      count(*) FILTER (WHERE run.status = 'cancelled') AS cancelled,
      count(*) FILTER (WHERE run.status = 'skipped') AS skipped,
      percentile_cont(0.5) WITHIN GROUP (ORDER BY ${DURATION}) AS duration_p50,
      percentile_cont(0.99) WITHIN GROUP (ORDER BY ${DURATION}) AS duration_p99,
      percentile_cont(0.5) WITHIN GROUP (ORDER BY ${LATENESS}) FILTER (WHERE ${once}) AS lateness_p50,
      percentile_cont(0.99) WITHIN GROUP (ORDER BY ${LATENESS}) FILTER (WHERE ${once}) AS lateness_p99
    FROM run JOIN job ON job.id = run.job_id
    WHERE run.finished_at >= ${toRfc3339(sinceMs)}::timestamptz
    GROUP BY GROUPING SETS ((job.id, job.name, job.type), ())
    ORDER BY job.name NULLS FIRST
    LIMIT ${JOBS_SHOWN_MAX + 2}
  `.execute(db);
  return rows;
}

export interface OpenCounts {
  queued: number;
  delayed: number;
  running: number;
  held: number;
  dead: number;
}

export async function countOpen(db: Kysely<Tables>): Promise<OpenCounts> {
  const { rows } = await sql<OpenCounts>`
    SELECT count(*) FILTER (WHERE status = 'queued' AND due_at <= clock_timestamp()) AS queued,
      count(*) FILTER (WHERE status = 'retrying' OR status = 'queued' AND due_at > clock_timestamp()) AS delayed,
      count(*) FILTER (WHERE status = 'running') AS running,
      count(*) FILTER (WHERE status = 'held') AS held,
      count(*) FILTER (WHERE status = 'failed') AS dead
    FROM run WHERE status IN ('queued', 'retrying', 'running', 'held', 'failed')
  `.execute(db);
  return rows[0] ?? { queued: 0, delayed: 0, running: 0, held: 0, dead: 0 };
}

export async function busyWorkers(db: Kysely<Tables>): Promise<{ worker: string; running: number }[]> {
  const { rows } = await sql<{ worker: string; running: number }>`
    SELECT worker, count(*) AS running FROM run WHERE status = 'running' GROUP BY worker ORDER BY worker LIMIT 1000
  `.execute(db);
  return rows;
}
