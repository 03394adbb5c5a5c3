import { rfc3339OrNull, toRfc3339 } from '../../kernel/clock.ts';
import { priorityWord } from './job.rules.ts';
import type { JobSummary, JobView } from './job.schema.ts';
import type { JobState, JobWithState, ListedJob } from './job.sql.ts';
import { ScheduleError } from './schedule.error.ts';
import { readStored } from './schedule.rules.ts';
import type { TypeBook } from './type.book.ts';

export function jobView(job: JobWithState, dependencies: string[], types: TypeBook): JobView {
  return { ...membersOf(job, dependencies, types), config: types.shown(job.type, job.config) };
}

export function jobSummary(job: ListedJob, dependencies: string[], types: TypeBook): JobSummary {
  const config = job.config === null ? null : types.shown(job.type, job.config);
  return { ...membersOf(job, dependencies, types), config };
}

function membersOf(job: JobState, dependencies: string[], types: TypeBook): Omit<JobView, 'config'> {
  const schedule = job.schedule === null ? null : readStored(job.schedule, job.time_zone);
  const isRead = !(schedule instanceof ScheduleError);
  return {
    id: job.id,
    name: job.name,
    type: job.type,
    description: job.description,
    schedule: job.schedule,
    scheduleText: isRead ? (schedule?.describe() ?? null) : `Cannot be read. ${schedule.message}`,
    timeZone: job.time_zone,
    priority: priorityWord(job.priority),
    retries: job.retries,
    backoff: job.backoff,
    timeoutMs: job.timeout_ms,
    dependencies,
    afterFailure: job.after_failure,
    concurrency: job.concurrency,
    overlap: job.overlap,
    catchUp: job.catch_up,
    catchUpMax: job.catch_up_max,
    cacheForMs: job.cache_for_ms,
    mustFinishBy: job.must_finish_by,
    keepDays: job.keep_days,
    enabled: job.enabled,
    system: job.is_system,
    status: statusOf(job, types),
    lastRun: lastRunOf(job),
    nextRun: job.enabled && isRead ? rfc3339OrNull(job.next_at) : null,
    lastAt: rfc3339OrNull(job.last_at),
    lastResult: job.last_result ?? null,
    runCount: job.run_count,
    successCount: job.success_count,
    failureCount: job.failure_count,
    version: job.version,
    createdAt: toRfc3339(job.created_at),
    updatedAt: toRfc3339(job.updated_at),
  };
}

function statusOf(job: JobState, types: TypeBook): JobView['status'] {
  if (types.isContinuous(job.type)) return 'continuous';
  if (job.running > 0) return 'running';
  if (job.waiting > 0) return 'queued';
  return job.enabled ? 'idle' : 'disabled';
}

export function lastRunOf(job: JobState): JobView['lastRun'] {
  if (job.last_run_id === null || job.last_status === null) return null;
  return {
    id: job.last_run_id,
    status: job.last_status,
    startedAt: rfc3339OrNull(job.last_started_at),
    finishedAt: rfc3339OrNull(job.last_finished_at),
    percent: job.last_percent,
  };
}
