import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSchedule } from './schedule.rules.ts';
import { ticksOf } from './tick.rules.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const noon = Date.parse('2025-06-01T12:00:00Z');
const hourly = parseSchedule('0 * * * *', 'UTC');

describe('the ticks of a job that is due', () => {
  it('are late after half a minute', () => {
    const at = (nowMs: number) => ticksOf(hourly, noon, nowMs, { catchUp: 'all', catchUpMax: 10 });
    expect(at(noon)).toEqual([{ atMs: noon, isLate: false }]);
    expect(at(noon + 30_000)).toEqual([{ atMs: noon, isLate: false }]);
    expect(at(noon + 30_001)).toEqual([{ atMs: noon, isLate: true }]);
  });

  it('are none where those that were missed do not count', () => {
    const skip = { catchUp: 'skip', catchUpMax: 10 } as const;
    expect(ticksOf(hourly, noon, noon + 5 * HOUR + MINUTE, skip)).toEqual([]);
    expect(ticksOf(hourly, noon, noon + 5 * HOUR + 30_000, skip)).toEqual([{ atMs: noon + 5 * HOUR, isLate: false }]);
  });

  it('are the last one alone where it stands for all, or the one that is due now', () => {
    const once = { catchUp: 'once', catchUpMax: 10 } as const;
    expect(ticksOf(hourly, noon, noon + 5 * HOUR + MINUTE, once)).toEqual([{ atMs: noon + 5 * HOUR, isLate: true }]);
    expect(ticksOf(hourly, noon, noon + 5 * HOUR, once)).toEqual([{ atMs: noon + 5 * HOUR, isLate: false }]);
  });

  it('begin with the first that was not fired, however many more there were before', () => {
    const all = { catchUp: 'all', catchUpMax: 1_000 } as const;
    const found = ticksOf(hourly, noon + 2 * HOUR, noon + 4 * HOUR, all);
    expect(found.map(({ atMs }) => atMs)).toEqual([noon + 2 * HOUR, noon + 3 * HOUR, noon + 4 * HOUR]);
  });

  it('of every second, after a year, are found by looking at few', () => {
    let looked = 0;
    const every = parseSchedule('* * * * * *', 'UTC');
    const counting = {
      between: (fromMs: number, toMs: number, max: number): number[] => {
        const found = every.between(fromMs, toMs, max);
        looked += found.length;
        return found;
      },
    };
    const found = ticksOf(counting, noon - 365 * 24 * HOUR, noon, { catchUp: 'all', catchUpMax: 1_000 });
    expect(found).toHaveLength(1_031);
    expect(found.at(-1)).toEqual({ atMs: noon, isLate: false });
    expect(found[0]).toEqual({ atMs: noon - 1_030_000, isLate: true });
    expect(looked).toBeLessThan(5_000);
  });
});

/** The same, by looking at every tick. */
function slowly(
  ticks: readonly number[],
  nowMs: number,
  { catchUp, catchUpMax }: { catchUp: 'skip' | 'once' | 'all'; catchUpMax: number },
): number[] {
  const onTime = ticks.filter((atMs) => nowMs - atMs <= 30_000);
  const late = ticks.filter((atMs) => nowMs - atMs > 30_000);
  if (catchUp === 'skip') return onTime;
  if (catchUp === 'once') return onTime.length > 0 ? onTime : late.slice(-1);
  return [...late.slice(-catchUpMax), ...onTime];
}

const policies = fc.record({
  catchUp: fc.constantFrom('skip' as const, 'once' as const, 'all' as const),
  catchUpMax: fc.integer({ min: 1, max: 30 }),
});

it('are those that every tick would have given', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -5_000_000, max: 0 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 0, max: 100_000 }),
      policies,
      (offsets, afterMs, policy) => {
        const instants = [...new Set(offsets)].toSorted((one, other) => one - other).map((offset) => noon + offset);
        const nowMs = noon + afterMs;
        const schedule = {
          between: (fromMs: number, toMs: number, max: number) =>
            instants.filter((atMs) => atMs > fromMs && atMs <= toMs).slice(0, max),
        };
        const found = ticksOf(schedule, instants[0] ?? noon, nowMs, policy);
        expect(found.map(({ atMs }) => atMs)).toEqual(slowly(instants, nowMs, policy));
        expect(found.every(({ atMs, isLate }) => isLate === nowMs - atMs > 30_000)).toBe(true);
      },
    ),
  );
});
