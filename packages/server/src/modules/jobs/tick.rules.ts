import type { Schedule } from './schedule.rules.ts';

export interface Tick {
  atMs: number;
  /** Nobody was there when it was due. */
  isLate: boolean;
}

/** A tick that is fired within so long of its instant is on time. */
export const ON_TIME_MS = 30_000;
/** More ticks than this are not looked at one by one. */
const TICKS_MAX = 1_000;

/**
 * The ticks to fire of a job that is due.
 *
 * @param nextAtMs the first that was not fired yet, at or before now
 */
export function ticksOf(
  schedule: Pick<Schedule, 'between'>,
  nextAtMs: number,
  nowMs: number,
  { catchUp, catchUpMax }: { catchUp: 'skip' | 'once' | 'all'; catchUpMax: number },
): Tick[] {
  const due = dueTicks(schedule, nextAtMs, nowMs);
  const ticks = due.map((atMs) => ({ atMs, isLate: nowMs - atMs > ON_TIME_MS }));
  const onTime = ticks.filter(({ isLate }) => !isLate);
  const late = ticks.filter(({ isLate }) => isLate);
  if (catchUp === 'skip' || late.length === 0) return onTime;
  if (catchUp === 'all') return [...late.slice(-catchUpMax), ...onTime];
  // One for all that were missed; the run that is due now anyway does as well.
  return onTime.length > 0 ? onTime : late.slice(-1);
}

/** The last of them, where there are very many. */
function dueTicks(schedule: Pick<Schedule, 'between'>, nextAtMs: number, nowMs: number): number[] {
  const first = schedule.between(nextAtMs - 1, nowMs, TICKS_MAX);
  if (first.length < TICKS_MAX) return first;
  // A job of every second after a long night: what is long gone is passed over.
  for (let windowMs = 60_000; ; windowMs *= 8) {
    const fromMs = Math.max(nextAtMs - 1, nowMs - windowMs);
    const last = schedule.between(fromMs, nowMs, TICKS_MAX * 70);
    if (last.length >= TICKS_MAX || fromMs === nextAtMs - 1) return last.slice(-TICKS_MAX);
  }
}
