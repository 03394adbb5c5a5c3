import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anExpression } from './expression.fixture.ts';
import { ScheduleError } from './schedule.error.ts';
import { parseSchedule } from './schedule.rules.ts';
import { CHANGES, expectedFires, HOUR_MS, iso, wallClock, windowAround } from './wall.clock.fixture.ts';

const aChange = fc.constantFrom(...CHANGES);

describe('any schedule, beside a clock that is read minute by minute', () => {
  it('fires at the same instants around every change of clocks', () => {
    fc.assert(
      fc.property(aChange, anExpression, fc.nat(400), ([timeZone, change], { text, matcher }, daysBefore) => {
        const [from, to] = windowAround(change);
        const expected = expectedFires(wallClock(timeZone, change), matcher, to);
        const { next, between } = parseSchedule(text, timeZone);
        expect(between(from - 1, to, 10_000).map(iso)).toEqual(expected.map(iso));
        expect(next(from - 1 - daysBefore * 24 * HOUR_MS)).toBeLessThanOrEqual(expected[0] ?? Infinity);
      }),
      { numRuns: 250 },
    );
  });

  it('goes forward only, and is the same however it is asked', () => {
    const instant = fc.integer({ min: -36 * HOUR_MS, max: 36 * HOUR_MS });
    fc.assert(
      fc.property(aChange, anExpression, instant, instant, ([timeZone, change], { text }, a, b) => {
        const { next, between } = parseSchedule(text, timeZone);
        const [early, late] = [Date.parse(change) + Math.min(a, b), Date.parse(change) + Math.max(a, b)];
        const first = next(early);
        if (first === null) throw new Error('never fires');
        expect(first).toBeGreaterThan(early);
        expect(first).toBeLessThanOrEqual(next(late) ?? Infinity);
        expect(next(first - 1)).toBe(first);
        expect(between(early, Infinity, 3)).toEqual([first, ...between(first, Infinity, 2)]);
        expect(parseSchedule(text, timeZone).next(early)).toBe(first);
      }),
      { numRuns: 250 },
    );
  });
});

describe('whatever text is given', () => {
  it('is a schedule or a refusal, within a few milliseconds', () => {
    const piece = fc.constantFrom(...'0123456789*/,-#?LW@ '.split(''), 'MON', 'FEB', '*/', ' * ', '31', '29', '#5');
    const likeCron = fc.array(piece, { maxLength: 120 }).map((pieces) => pieces.join(''));
    const anyText = fc.string({ unit: 'binary', maxLength: 300 });
    const slips = fc.array(fc.tuple(fc.nat(40), fc.nat(2), piece), { maxLength: 3 });
    const nearlyRight = fc.tuple(anExpression, slips).map(([{ text }, edits]) =>
      edits.reduce((slipped, [at, length, inserted]) => {
        return slipped.slice(0, at) + inserted + slipped.slice(at + length);
      }, text),
    );
    const someText = fc.oneof({ weight: 4, arbitrary: nearlyRight }, likeCron, anyText);
    fc.assert(
      fc.property(someText, fc.constantFrom('UTC', 'America/Havana'), (text, timeZone) => {
        expect(quickestOf(5, () => useOrRefuse(text, timeZone))).toBeLessThan(20);
      }),
      { numRuns: 500 },
    );
  });

  it('also when it is as hard as it can be', () => {
    const allDays = Array.from({ length: 31 }, (_, index) => index + 1).join();
    const hard = ['0 0 * 2 1#5', '59 59 23 29 2 *', `0 0 ${allDays} 2 1#5`, '0 0 30W 1 0#5', '59 59 23 L 2 6#5'];
    for (const text of hard) expect(quickestOf(5, () => use(text, 'Europe/Berlin'))).toBeLessThan(20);
  });

  function use(text: string, timeZone: string): void {
    const schedule = parseSchedule(text, timeZone);
    expect(schedule.describe()).toMatch(/^[A-Z\d].+\)$/);
    for (const year of [1970, 2026, 2097, 2400]) expect(schedule.next(Date.UTC(year, 2, 1))).not.toBeNull();
  }

  function useOrRefuse(text: string, timeZone: string): void {
    try {
      use(text, timeZone);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
    }
  }

  /** The machine may be busy with something else: the quickest of some tries is what the text costs. */
  function quickestOf(tries: number, work: () => void): number {
    const times = Array.from({ length: tries }, () => {
      const began = performance.now();
      work();
      return performance.now() - began;
    });
    return Math.min(...times);
  }
});
