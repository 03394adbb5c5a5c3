import { rfc3339OrNull, toRfc3339 } from '../../kernel/clock.ts';
import { priorityWord } from './job.rules.ts';
import type { RunSummary, RunView } from './run.schema.ts';
import type { FileRow } from './run.files.sql.ts';
import type { AttemptRow, NamedRun } from './run.sql.ts';

export function runSummary(run: NamedRun, nowMs?: number): RunSummary {
  return {
    id: run.id,
    job: { id: run.job_id, name: run.job_name },
    type: run.type,
    status: run.status,
    priority: priorityWord(run.priority),
    trigger: run.trigger,
    startedBy: run.started_by,
    cycleId: run.cycle_id,
    tick: rfc3339OrNull(run.tick),
    dueAt: toRfc3339(run.due_at),
    createdAt: toRfc3339(run.created_at),
    startedAt: rfc3339OrNull(run.started_at),
    finishedAt: rfc3339OrNull(run.finished_at),
    durationMs: durationOf(run, nowMs),
    attempt: run.attempt,
    attemptsMax: run.attempts_max,
    worker: run.worker,
    percent: run.percent,
    message: run.progress_message,
    error: run.error,
    reason: run.reason,
    cancelRequestedBy: run.cancel_requested_by,
    deadline: rfc3339OrNull(run.deadline),
    deadlineState: run.deadline_state,
    cachedFrom: run.cached_from,
  };
}

function durationOf({ started_at, finished_at }: NamedRun, nowMs: number | undefined): number | null {
  const endMs = finished_at ?? nowMs;
  return started_at === null || endMs === undefined ? null : Math.max(0, endMs - started_at);
}

export function runView(
  run: NamedRun,
  more: { attempts: readonly AttemptRow[]; files: readonly FileRow[]; config: Record<string, unknown> },
  nowMs: number,
): RunView {
  return {
    ...runSummary(run, nowMs),
    config: more.config,
    result: run.result ?? null,
    attempts: more.attempts.map((attempt) => ({
      attempt: attempt.attempt,
      worker: attempt.worker,
      startedAt: toRfc3339(attempt.started_at),
      finishedAt: rfc3339OrNull(attempt.finished_at),
      outcome: attempt.outcome,
      error: attempt.error,
    })),
    files: more.files.map(({ name, media_type, size }) => ({ name, mediaType: media_type, size })),
    logLines: run.log_lines,
  };
}

/** What the journal says of a run as it stands. */
export function runEntry(kind: RunEvent, run: NamedRun): { kind: string; subject: string; data: RunSummary } {
  return { kind, subject: run.id, data: runSummary(run) };
}

export type RunEvent =
  | 'run.queued'
  | 'run.held'
  | 'run.skipped'
  | 'run.started'
  | 'run.progressed'
  | 'run.retrying'
  | 'run.succeeded'
  | 'run.failed'
  | 'run.cancel_requested'
  | 'run.cancelled'
  | 'run.deadline_at_risk'
  | 'run.deadline_missed';

/** The event of a run that came to stand so. */
export function eventOf({ status }: Pick<NamedRun, 'status'>): RunEvent {
  return status === 'running' ? 'run.started' : `run.${status}`;
}
