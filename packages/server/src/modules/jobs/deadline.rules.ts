import { ScheduleError } from './schedule.error.ts';
import { readStored } from './schedule.rules.ts';

const TIME_OF_DAY = /^(\d\d):(\d\d)$/;
const DURATION = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$/;

/**
 * By when a run is to be finished.
 *
 * @param mustFinishBy a time of day, the next one after the run is due, or a duration (ISO 8601) from then
 * @returns milliseconds since the epoch; null where there is no deadline, or none that can be told in that time zone
 */
export function deadlineOf(mustFinishBy: string | null, timeZone: string, dueAtMs: number): number | null {
  if (mustFinishBy === null) return null;
  const time = TIME_OF_DAY.exec(mustFinishBy);
  if (time !== null) {
    const daily = readStored(`${Number(time[2])} ${Number(time[1])} * * *`, timeZone);
    return daily instanceof ScheduleError ? null : daily.next(dueAtMs);
  }
  const [, hours = '0', minutes = '0', seconds = '0'] = DURATION.exec(mustFinishBy) ?? [];
  return dueAtMs + ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/** What is known of a run that has a deadline. */
export interface Racing {
  deadlineMs: number;
  /** When its attempt began, or will not before; null: it waits, and could at any time. */
  beginsAtMs: number | null;
  percent: number | null;
  /** Median of the attempts with which the job's runs succeeded; null where there is none. */
  usualMs: number | null;
}

/** Whether a run that is not over will miss its deadline, as far as can be told, or has. */
export function deadlineOutlook(run: Racing, nowMs: number): 'ahead' | 'at_risk' | 'missed' {
  if (nowMs >= run.deadlineMs) return 'missed';
  return nowMs + remainingMs(run, nowMs) > run.deadlineMs ? 'at_risk' : 'ahead';
}

/** By its own progress where it tells enough, else by what is usual. */
function remainingMs({ beginsAtMs, percent, usualMs }: Racing, nowMs: number): number {
  // Below 0 while its time has not come.
  const elapsedMs = beginsAtMs === null ? 0 : nowMs - beginsAtMs;
  if (percent !== null && percent >= TELLING_PERCENT) return (elapsedMs * (100 - percent)) / percent;
  return (usualMs ?? 0) - elapsedMs;
}

const TELLING_PERCENT = 5;
