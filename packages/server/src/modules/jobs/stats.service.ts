import { toRfc3339 } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import { busyWorkers, countOpen, JOBS_SHOWN_MAX, measureRuns, type Measured } from './stats.sql.ts';

const NOTHING: Measured = {
  runs: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  skipped: 0,
  duration_p50: null,
  duration_p99: null,
  lateness_p50: null,
  lateness_p99: null,
};

/** What became of the runs of the last hours, and how things stand. */
export async function jobStats({ kysely }: Database, hours: number, nowMs: number) {
  const sinceMs = nowMs - hours * 3_600_000;
  const [measured, now, workers] = await Promise.all([
    measureRuns(kysely, sinceMs),
    countOpen(kysely),
    busyWorkers(kysely),
  ]);
  const jobs = measured.flatMap((row) =>
    row.job_id === null || row.name === null || row.type === null
      ? []
      : [{ jobId: row.job_id, name: row.name, type: row.type, ...shown(row) }],
  );
  const total = shown(measured.find(({ job_id }) => job_id === null) ?? NOTHING);
  const more = jobs.length > JOBS_SHOWN_MAX;
  return { since: toRfc3339(sinceMs), total, jobs: jobs.slice(0, JOBS_SHOWN_MAX), more, now, workers };
}

function shown(row: Measured) {
  const judged = row.succeeded + row.failed;
  return {
    runs: row.runs,
    succeeded: row.succeeded,
    failed: row.failed,
    cancelled: row.cancelled,
    skipped: row.skipped,
    successRate: judged === 0 ? null : row.succeeded / judged,
    durationP50Ms: row.duration_p50,
    durationP99Ms: row.duration_p99,
    latenessP50Ms: row.lateness_p50,
    latenessP99Ms: row.lateness_p99,
  };
}
