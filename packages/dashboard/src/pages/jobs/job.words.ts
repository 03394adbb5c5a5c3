import type { operations } from '@holdfast/client';
import type { Answer, Item } from '../../api/queries.ts';

export type Job = Answer<'/api/v1/jobs/{id}'>;
/** As lists have it: a large config is left out. */
export type ListedJob = Item<'/api/v1/jobs'>;
export type Run = Item<'/api/v1/runs'>;
export type RunWhole = Answer<'/api/v1/runs/{id}'>;
export type JobType = Answer<'/api/v1/jobs/types'>['items'][number];
export type RunStatus = Run['status'];
export type Priority = Job['priority'];
export type NewJob = operations['createJob']['requestBody']['content']['application/json'];

export const RUN_WORDS: Record<RunStatus, string> = {
  held: 'Held',
  queued: 'Queued',
  running: 'Running',
  retrying: 'Retrying',
  succeeded: 'Succeeded',
  failed: 'Failed',
  cancelled: 'Cancelled',
  skipped: 'Skipped',
};

export const PRIORITIES: readonly { value: Priority; label: string }[] = [
  { value: 'critical', label: 'Critical' },
  { value: 'high', label: 'High' },
  { value: 'normal', label: 'Normal' },
  { value: 'low', label: 'Low' },
];

export const TRIGGER_WORDS: Record<Run['trigger'], string> = {
  schedule: 'Its schedule',
  catch_up: 'Catching up',
  request: 'Asked for',
  dependency: 'The jobs before it',
};

const REASONS: Readonly<Record<string, string>> = {
  overlap: 'the run before it was still under way',
  queue_full: 'too many runs of it waited already',
  dependency_failed: 'a job that it waits for did not succeed',
};

const OVER: ReadonlySet<RunStatus> = new Set(['succeeded', 'failed', 'cancelled', 'skipped'] as const);

export function isOver({ status }: { status: RunStatus }): boolean {
  return OVER.has(status);
}

/** Why a run was skipped or is held, in words. */
export function reasonWords(reason: string): string {
  return REASONS[reason] ?? reason.replaceAll('_', ' ');
}

/** When it runs: its schedule in words, or what it waits for. */
export function whenWords(job: Pick<Job, 'status' | 'scheduleText' | 'dependencies'>): string {
  if (job.status === 'continuous') return 'All the time, on every instance';
  if (job.scheduleText !== null) return job.scheduleText;
  const { length } = job.dependencies;
  if (length > 0) return length === 1 ? 'After another job' : `After ${length} other jobs`;
  return 'When asked to';
}

/** `98 %` of those that succeeded or failed; null before there are any. */
export function successWords(succeeded: number, failed: number): string | null {
  if (succeeded + failed === 0) return null;
  return shareWords(succeeded / (succeeded + failed));
}

/** Never 100 % where anything failed, and never 0 % where anything succeeded. */
export function shareWords(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`;
  return `${Math.min(99.9, Math.max(0.1, Math.round(share * 1_000) / 10)).toLocaleString()} %`;
}

/** How long a run took, or has taken up to now. */
export function tookMs(run: { startedAt: string | null; finishedAt: string | null }, nowMs: number): number | null {
  if (run.startedAt === null) return null;
  return Math.max(0, (run.finishedAt === null ? nowMs : Date.parse(run.finishedAt)) - Date.parse(run.startedAt));
}

/** What can be done with a run as it stands. */
export function deedsOf({ status, cancelRequestedBy }: Pick<Run, 'status' | 'cancelRequestedBy'>) {
  return {
    cancel: !isOver({ status }) && cancelRequestedBy === null,
    redrive: status === 'failed',
    release: status === 'held',
  };
}

/** Whether an event tells of a run that was made a moment ago, and not of what became of an older one. */
export function isMadeNow(event: { type: string; time: string; data: unknown }): boolean {
  if (!event.type.startsWith('run.')) return false;
  const { createdAt } = event.data as { createdAt?: unknown };
  if (typeof createdAt !== 'string' || !MAKING.has(event.type)) return false;
  return Math.abs(Date.parse(event.time) - Date.parse(createdAt)) < MADE_WITHIN_MS;
}

const MAKING: ReadonlySet<string> = new Set(['run.queued', 'run.held', 'run.skipped']);
const MADE_WITHIN_MS = 1_000;

/** What is asked for again after a command on jobs or their runs. */
export const STALE_JOBS = [
  '/api/v1/jobs',
  '/api/v1/jobs/{id}',
  '/api/v1/jobs/stats',
  '/api/v1/jobs/upcoming',
  '/api/v1/jobs/graph',
  '/api/v1/runs',
  '/api/v1/runs/{id}',
] as const;
