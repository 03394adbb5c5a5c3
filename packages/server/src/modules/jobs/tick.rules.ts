import type { Schedule } from './schedule.rules.ts';

export interface Tick {
  atMs: number;
  /** Nobody was there when it was due. */
  isLate: boolean;
}

/** A tick that is fired within so long of its instant is on time. */
export const ON_TIME_MS = 30_000;
/** The ticks of a window are looked at one by one, up to so many. */
const WINDOW_TICKS_MAX = 70_000;

/**
 * The ticks to fire of a job that is due, oldest first.
 *
 * @param nextAtMs the first that was not fired yet, at or before now
 */
export function ticksOf(
  schedule: Pick<Schedule, 'between'>,
  nextAtMs: number,
  nowMs: number,
  { catchUp, catchUpMax }: { catchUp: 'skip' | 'once' | 'all'; catchUpMax: number },
): Tick[] {
  const lateMax = { skip: 0, once: 1, all: catchUpMax }[catchUp];
  const ticks = lastTicks(schedule, nextAtMs, nowMs, lateMax);
  const onTime = ticks.filter(({ isLate }) => !isLate);
  const late = ticks.filter(({ isLate }) => isLate);
  // One for all that were missed; the run that is due now anyway does as well.
  if (lateMax === 0 || (catchUp === 'once' && onTime.length > 0)) return onTime;
  return [...late.slice(-lateMax), ...onTime];
}

/**
 * Those that are on time and the last that are late. What is further back is not looked at: after a weekend without a
 * scheduler a job of every second has 170,000 of them.
 */
function lastTicks(schedule: Pick<Schedule, 'between'>, nextAtMs: number, nowMs: number, lateMax: number): Tick[] {
  for (let windowMs = ON_TIME_MS + 1; ; windowMs *= 4) {
    const fromMs = Math.max(nextAtMs - 1, nowMs - windowMs);
    const ticks = schedule
      .between(fromMs, nowMs, WINDOW_TICKS_MAX)
      .map((atMs) => ({ atMs, isLate: nowMs - atMs > ON_TIME_MS }));
    const lateCount = ticks.filter(({ isLate }) => isLate).length;
    if (lateCount >= lateMax || fromMs === nextAtMs - 1) return ticks;
  }
}
