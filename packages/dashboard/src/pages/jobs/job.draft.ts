import { durationText, parseDuration } from './duration.text.ts';
import type { Job, NewJob, Priority } from './job.words.ts';
import type { Config } from './schema.rules.ts';

type When = 'schedule' | 'after' | 'asked';

/** What the fields of the form hold, all but the config. A number or duration that is not given is the type's own. */
export interface JobDraft {
  name: string;
  type: string;
  description: string;
  when: When;
  schedule: string;
  timeZone: string;
  dependencies: string[];
  afterFailure: Job['afterFailure'];
  priority: Priority;
  retries: number | string;
  backoffKind: Job['backoff']['kind'];
  backoffDelay: string;
  backoffMax: string;
  timeout: string;
  concurrency: number | string;
  overlap: Job['overlap'];
  catchUp: Job['catchUp'];
  catchUpMax: number | string;
  cacheFor: string;
  mustFinishBy: string;
  keepDays: number | string;
  enabled: boolean;
}

export function newDraft(timeZone: string): JobDraft {
  return {
    name: '',
    type: '',
    description: '',
    when: 'schedule',
    schedule: '30 2 * * *',
    timeZone,
    dependencies: [],
    afterFailure: 'skip',
    priority: 'normal',
    retries: '',
    backoffKind: 'exponential',
    backoffDelay: '1 s',
    backoffMax: '10 min',
    timeout: '',
    concurrency: 1,
    overlap: 'skip',
    catchUp: 'once',
    catchUpMax: 10,
    cacheFor: '',
    mustFinishBy: '',
    keepDays: '',
    enabled: true,
  };
}

export function draftOfJob(job: Job): JobDraft {
  return {
    name: job.name,
    type: job.type,
    description: job.description,
    when: job.schedule !== null ? 'schedule' : job.dependencies.length > 0 ? 'after' : 'asked',
    schedule: job.schedule ?? '',
    timeZone: job.timeZone,
    dependencies: job.dependencies,
    afterFailure: job.afterFailure,
    priority: job.priority,
    retries: job.retries,
    backoffKind: job.backoff.kind,
    backoffDelay: durationText(job.backoff.delayMs),
    backoffMax: durationText(job.backoff.maxDelayMs),
    timeout: durationText(job.timeoutMs),
    concurrency: job.concurrency,
    overlap: job.overlap,
    catchUp: job.catchUp,
    catchUpMax: job.catchUpMax,
    cacheFor: job.cacheForMs === 0 ? '' : durationText(job.cacheForMs),
    mustFinishBy: job.mustFinishBy ?? '',
    keepDays: job.keepDays,
    enabled: job.enabled,
  };
}

const DURATIONS = {
  timeout: '/timeoutMs',
  backoffDelay: '/backoff/delayMs',
  backoffMax: '/backoff/maxDelayMs',
  cacheFor: '/cacheForMs',
} as const;

/** What is missing or cannot be read, by the pointer of its field. The rest is for the server to judge. */
export function faultsOf(draft: JobDraft): Map<string, string> {
  const faults = new Map<string, string>();
  if (draft.name.trim() === '') faults.set('/name', 'It needs a name.');
  if (draft.type === '') faults.set('/type', 'What is it to do?');
  if (draft.when === 'schedule' && draft.schedule.trim() === '') faults.set('/schedule', 'When does it run?');
  if (draft.when === 'after' && draft.dependencies.length === 0) faults.set('/dependencies', 'After which jobs?');
  for (const [field, pointer] of Object.entries(DURATIONS) as [keyof typeof DURATIONS, string][]) {
    const text = draft[field].trim();
    if (text !== '' && parseDuration(text) === null) faults.set(pointer, 'Write 90 s, 5 min or 1 h 30 min.');
  }
  return faults;
}

/** The job as it would be sent. Of one of Holdfast's own, only what may be changed. */
export function bodyOf(draft: JobDraft, config: Config, isSystem = false): NewJob | Omit<NewJob, 'name' | 'type'> {
  const settings = {
    schedule: draft.when === 'schedule' ? draft.schedule.trim() : null,
    timeZone: draft.timeZone,
    priority: draft.priority,
    backoff: {
      kind: draft.backoffKind,
      delayMs: parseDuration(draft.backoffDelay) ?? 0,
      maxDelayMs: parseDuration(draft.backoffMax) ?? 0,
    },
    concurrency: numberOf(draft.concurrency) ?? 1,
    overlap: draft.overlap,
    catchUp: draft.catchUp,
    catchUpMax: numberOf(draft.catchUpMax) ?? 1,
    cacheForMs: parseDuration(draft.cacheFor) ?? 0,
    mustFinishBy: draft.mustFinishBy.trim() === '' ? null : draft.mustFinishBy.trim(),
    enabled: draft.enabled,
    ...given('retries', numberOf(draft.retries)),
    ...given('timeoutMs', parseDuration(draft.timeout)),
    ...given('keepDays', numberOf(draft.keepDays)),
  };
  if (isSystem) return settings;
  return {
    ...settings,
    name: draft.name.trim(),
    type: draft.type,
    description: draft.description.trim(),
    dependencies: draft.when === 'after' ? draft.dependencies : [],
    afterFailure: draft.afterFailure,
    // The document's type for members that are the type's own has none.
    config: config as NonNullable<NewJob['config']>,
  };
}

function given<Name extends string>(name: Name, value: number | null): { [Key in Name]?: number } {
  return value === null ? {} : ({ [name]: value } as { [Key in Name]: number });
}

function numberOf(value: number | string): number | null {
  if (value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** A job that was deleted, to be made anew: without its history, and without what is never shown. */
export function bodyOfDeleted(job: Job): NewJob {
  const { name, type, description, config, schedule, timeZone, priority, retries, backoff, timeoutMs } = job;
  const { dependencies, afterFailure, concurrency, overlap, catchUp, catchUpMax, cacheForMs, mustFinishBy } = job;
  const first = { name, type, description, config, schedule, timeZone, priority, retries, backoff, timeoutMs };
  const second = { dependencies, afterFailure, concurrency, overlap, catchUp, catchUpMax, cacheForMs, mustFinishBy };
  return { ...first, ...second, keepDays: job.keepDays, enabled: job.enabled };
}

/** What each part of the form is given. */
export interface FormPartProps {
  draft: JobDraft;
  set: (change: Partial<JobDraft>) => void;
  errors: ReadonlyMap<string, string>;
}
