import { PRIORITIES, type JobPatchBody, type NewJobBody, type Priority } from './job.schema.ts';
import { ScheduleError } from './schedule.error.ts';
import { parseSchedule, type Schedule } from './schedule.rules.ts';
import { invalid, type TypeDefaults } from './type.book.ts';

export interface Backoff {
  kind: 'fixed' | 'exponential';
  delayMs: number;
  maxDelayMs: number;
}

/** What a caller may set of a job, complete. */
export interface JobFields {
  name: string;
  description: string;
  type: string;
  config: Record<string, unknown>;
  schedule: string | null;
  timeZone: string;
  priority: number;
  retries: number;
  backoff: Backoff;
  timeoutMs: number;
  concurrency: number;
  overlap: 'skip' | 'queue' | 'cancel';
  catchUp: 'skip' | 'once' | 'all';
  catchUpMax: number;
  afterFailure: 'skip' | 'run' | 'hold';
  cacheForMs: number;
  mustFinishBy: string | null;
  keepDays: number;
  enabled: boolean;
  dependencies: readonly string[];
}

const BACKOFF: Backoff = { kind: 'exponential', delayMs: 1_000, maxDelayMs: 600_000 };

export function priorityNumber(priority: Priority): number {
  return PRIORITIES.indexOf(priority);
}

export function priorityWord(priority: number): Priority {
  return PRIORITIES[priority] ?? 'normal';
}

export function fieldsOfNew(body: NewJobBody, defaults: TypeDefaults): JobFields {
  const { priority = 'normal', ...rest } = body;
  return {
    description: '',
    config: {},
    schedule: null,
    timeZone: 'UTC',
    backoff: BACKOFF,
    concurrency: 1,
    overlap: 'skip',
    catchUp: 'once',
    catchUpMax: 10,
    afterFailure: 'skip',
    cacheForMs: 0,
    mustFinishBy: null,
    enabled: true,
    dependencies: [],
    ...defaults,
    ...rest,
    priority: priorityNumber(priority),
  };
}

export function fieldsAfterPatch(before: JobFields, { priority, ...patch }: JobPatchBody): JobFields {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  return { ...before, ...given, ...(priority === undefined ? {} : { priority: priorityNumber(priority) }) };
}

/** @throws Problem `validation_failed`: what no schema can say of a job */
export function checkFields(fields: JobFields): void {
  if (fields.schedule !== null && fields.dependencies.length > 0) {
    throw invalid([
      {
        path: '/dependencies',
        message: 'does not go with a schedule: the first jobs of a graph have one, the others follow',
      },
    ]);
  }
  if (fields.backoff.maxDelayMs < fields.backoff.delayMs) {
    throw invalid([{ path: '/backoff/maxDelayMs', message: 'must not be less than delayMs' }]);
  }
  if (fields.mustFinishBy !== null && !/[1-9]|:/.test(fields.mustFinishBy)) {
    throw invalid([{ path: '/mustFinishBy', message: 'must leave some time' }]);
  }
}

/** @throws Problem `validation_failed` for a schedule or a time zone that cannot be read, and for one that never fires */
export function checkSchedule({ schedule, timeZone }: Pick<JobFields, 'schedule' | 'timeZone'>): void {
  scheduleOf(schedule ?? '0 0 1 1 *', timeZone);
}

/** @throws Problem `validation_failed` */
export function scheduleOf(expression: string, timeZone: string): Schedule {
  try {
    return parseSchedule(expression, timeZone);
  } catch (error) {
    if (error instanceof ScheduleError)
      throw invalid([{ path: `/${error.field}`, message: error.message.replace(/\.$/, '') }]);
    throw error;
  }
}

/**
 * How long to wait before an attempt: the delay, doubled with each attempt where it is exponential, less up to half of it
 * by chance, so that runs that failed together do not come back together ("equal jitter", AWS Architecture Blog,
 * Exponential Backoff And Jitter).
 *
 * @param attempt the one that failed, from 1
 * @param random 0 to 1
 */
export function backoffMs({ kind, delayMs, maxDelayMs }: Backoff, attempt: number, random: number): number {
  const grown = kind === 'fixed' ? delayMs : delayMs * 2 ** Math.min(attempt - 1, 40);
  const delay = Math.min(grown, maxDelayMs);
  return Math.round(delay / 2 + (delay / 2) * random);
}
