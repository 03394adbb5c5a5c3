import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadlineOf, deadlineOutlook } from './deadline.rules.ts';

const at = (instant: string): number => Date.parse(instant);

describe('by when a run is to be finished', () => {
  it.each([
    ['PT2H', 'UTC', '2025-06-01T01:00:00Z', '2025-06-01T03:00:00Z'],
    ['PT1H30M', 'UTC', '2025-06-01T01:00:00Z', '2025-06-01T02:30:00Z'],
    ['PT90S', 'Europe/Berlin', '2025-06-01T01:00:00Z', '2025-06-01T01:01:30Z'],
    // Three hours of time, whatever the clocks do meanwhile.
    ['PT3H', 'Europe/Berlin', '2025-03-30T00:00:00Z', '2025-03-30T03:00:00Z'],
    ['06:00', 'UTC', '2025-06-01T01:00:00Z', '2025-06-01T06:00:00Z'],
    ['06:00', 'UTC', '2025-06-01T06:00:00Z', '2025-06-02T06:00:00Z'],
    ['06:00', 'Europe/Berlin', '2025-06-01T01:00:00Z', '2025-06-01T04:00:00Z'],
    ['06:00', 'Europe/Berlin', '2025-12-01T01:00:00Z', '2025-12-01T05:00:00Z'],
    // That time is left out: when the clocks have been put forward.
    ['02:30', 'Europe/Berlin', '2025-03-30T00:00:00Z', '2025-03-30T01:00:00Z'],
    ['00:05', 'Europe/Berlin', '2025-06-01T21:00:00Z', '2025-06-01T22:05:00Z'],
  ])('%s in %s, due at %s: %s', (mustFinishBy, timeZone, due, deadline) => {
    expect(deadlineOf(mustFinishBy, timeZone, at(due))).toBe(at(deadline));
  });

  it('is nothing where nothing is said, and where it cannot be told', () => {
    expect(deadlineOf(null, 'UTC', 0)).toBeNull();
    expect(deadlineOf('06:00', 'Europe/Atlantis', 0)).toBeNull();
  });
});

describe('whether it will be', () => {
  const deadlineMs = at('2025-06-01T06:00:00Z');
  const MINUTE = 60_000;
  const outlook = (minutesLeft: number, run: { begunMinutesAgo?: number; percent?: number; usualMinutes?: number }) => {
    const nowMs = deadlineMs - minutesLeft * MINUTE;
    const { begunMinutesAgo, percent = null, usualMinutes } = run;
    const beginsAtMs = begunMinutesAgo === undefined ? null : nowMs - begunMinutesAgo * MINUTE;
    const usualMs = usualMinutes === undefined ? null : usualMinutes * MINUTE;
    return deadlineOutlook({ deadlineMs, beginsAtMs, percent, usualMs }, nowMs);
  };

  it('by how long the job usually takes', () => {
    expect(outlook(60, { usualMinutes: 60 })).toBe('ahead');
    expect(outlook(60, { usualMinutes: 61 })).toBe('at_risk');
    expect(outlook(60, { usualMinutes: 90, begunMinutesAgo: 30 })).toBe('ahead');
    expect(outlook(60, { usualMinutes: 91, begunMinutesAgo: 30 })).toBe('at_risk');
    // It begins in half an hour.
    expect(outlook(60, { usualMinutes: 30, begunMinutesAgo: -30 })).toBe('ahead');
    expect(outlook(60, { usualMinutes: 31, begunMinutesAgo: -30 })).toBe('at_risk');
  });

  it('by how far it is, once that says enough', () => {
    expect(outlook(20, { begunMinutesAgo: 40, percent: 50 })).toBe('at_risk');
    expect(outlook(20, { begunMinutesAgo: 40, percent: 75 })).toBe('ahead');
    // 4 percent say nothing: the usual counts.
    expect(outlook(20, { begunMinutesAgo: 40, percent: 4, usualMinutes: 50 })).toBe('ahead');
    expect(outlook(20, { begunMinutesAgo: 40, percent: 5, usualMinutes: 50 })).toBe('at_risk');
  });

  it('is ahead while nothing is known, and missed from the instant on', () => {
    expect(outlook(1, {})).toBe('ahead');
    expect(outlook(1, { begunMinutesAgo: 600 })).toBe('ahead');
    expect(outlook(0, { percent: 100, begunMinutesAgo: 1 })).toBe('missed');
  });
});

it('what is further along is never worse off', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 86_400_000 }),
      fc.integer({ min: 0, max: 86_400_000 }),
      fc.integer({ min: 5, max: 100 }),
      fc.integer({ min: 0, max: 86_400_000 }),
      (elapsedMs, leftMs, percent, usualMs) => {
        const rank = { ahead: 0, at_risk: 1, missed: 2 };
        const judge = (done: number): number =>
          rank[deadlineOutlook({ deadlineMs: leftMs, beginsAtMs: -elapsedMs, percent: done, usualMs }, 0)];
        expect(judge(100)).toBeLessThanOrEqual(judge(percent));
        expect(judge(Math.min(100, percent + 1))).toBeLessThanOrEqual(judge(percent));
      },
    ),
  );
});
