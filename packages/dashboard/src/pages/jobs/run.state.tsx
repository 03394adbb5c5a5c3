import type { IconName } from '../../ui/icon.tsx';
import { StateWord, type Tone } from '../../ui/state.word.tsx';
import { RUN_WORDS, type Job, type RunStatus } from './job.words.ts';
import classes from './jobs.module.css';

const SHAPES: Record<RunStatus, readonly [IconName, Tone]> = {
  held: ['pause', 'warn'],
  queued: ['clock', 'quiet'],
  running: ['play', 'accent'],
  retrying: ['retry', 'warn'],
  succeeded: ['check', 'good'],
  failed: ['close', 'bad'],
  cancelled: ['stop', 'quiet'],
  skipped: ['skip', 'quiet'],
};

/** How a run stands: a word and a shape. */
export function RunState({ status, isStopping = false }: { status: RunStatus; isStopping?: boolean }) {
  const [icon, tone] = SHAPES[status];
  return (
    <StateWord icon={icon} tone={tone}>
      {isStopping && status === 'running' ? 'Stopping' : RUN_WORDS[status]}
    </StateWord>
  );
}

const JOB_SHAPES: Record<Job['status'], readonly [IconName, Tone, string]> = {
  idle: ['check', 'good', 'Ready'],
  queued: ['clock', 'accent', 'Queued'],
  running: ['play', 'accent', 'Running'],
  disabled: ['minus', 'quiet', 'Off'],
  continuous: ['retry', 'good', 'Always'],
};

/** What a job does now: a word and a shape. */
export function JobState({ job: { status, enabled } }: { job: Pick<Job, 'status' | 'enabled'> }) {
  const [icon, tone, word] = JOB_SHAPES[status];
  const isOff = !enabled && status !== 'disabled' && status !== 'continuous';
  return (
    <StateWord icon={icon} tone={tone}>
      {word}
      {isOff && <span className={classes['dim']}>, then off</span>}
    </StateWord>
  );
}

/** How far a run is; without a number where it does not say. */
export function Progress({ percent, of }: { percent: number | null; of: string }) {
  return (
    <span
      role="progressbar"
      aria-label={`Progress of ${of}`}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(percent === null ? {} : { 'aria-valuenow': Math.round(percent) })}
      className={classes['progress']}
      data-unknown={percent === null || undefined}
    >
      <span className={classes['done']} style={{ width: `${percent ?? 100}%` }} />
    </span>
  );
}
