import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../kernel/problem.ts';
import {
  backoffMs,
  checkFields,
  checkSchedule,
  fieldsAfterPatch,
  fieldsOfNew,
  priorityNumber,
  priorityWord,
} from './job.rules.ts';
import { TYPE_DEFAULTS } from './type.book.ts';

describe('how long to wait before an attempt', () => {
  it('doubles up to its most, less up to half by chance', () => {
    const backoff = { kind: 'exponential', delayMs: 1_000, maxDelayMs: 10_000 } as const;
    const waits = (random: number) => [1, 2, 3, 4, 5, 100].map((attempt) => backoffMs(backoff, attempt, random));
    expect(waits(1)).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(waits(0.5)).toEqual([750, 1_500, 3_000, 6_000, 7_500, 7_500]);
    expect(waits(0)).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  it('stays as it is where it is fixed', () => {
    const backoff = { kind: 'fixed', delayMs: 3_000, maxDelayMs: 60_000 } as const;
    expect([1, 2, 50].map((attempt) => backoffMs(backoff, attempt, 1))).toEqual([3_000, 3_000, 3_000]);
    expect(backoffMs({ kind: 'fixed', delayMs: 0, maxDelayMs: 0 }, 1, 0.7)).toBe(0);
  });
});

it('a wait is whole, and between half of its delay and all of it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('fixed' as const, 'exponential' as const),
      fc.integer({ min: 0, max: 86_400_000 }),
      fc.integer({ min: 0, max: 86_400_000 }),
      fc.integer({ min: 1, max: 101 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (kind, one, other, attempt, random) => {
        const [delayMs, maxDelayMs] = [Math.min(one, other), Math.max(one, other)];
        const wait = backoffMs({ kind, delayMs, maxDelayMs }, attempt, random);
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(Math.floor(delayMs / 2));
        expect(wait).toBeLessThanOrEqual(maxDelayMs);
      },
    ),
  );
});

describe('the fields of a job', () => {
  it('have defaults, of which the type has some', () => {
    expect(fieldsOfNew({ name: 'n', type: 't' }, { ...TYPE_DEFAULTS, timeoutMs: 7_000 })).toEqual({
      name: 'n',
      type: 't',
      description: '',
      config: {},
      schedule: null,
      timeZone: 'UTC',
      priority: 1,
      retries: 3,
      backoff: { kind: 'exponential', delayMs: 1_000, maxDelayMs: 600_000 },
      timeoutMs: 7_000,
      concurrency: 1,
      overlap: 'skip',
      catchUp: 'once',
      catchUpMax: 10,
      afterFailure: 'skip',
      cacheForMs: 0,
      mustFinishBy: null,
      keepDays: 30,
      enabled: true,
      dependencies: [],
    });
  });

  it('stay where a change does not name them', () => {
    const before = fieldsOfNew({ name: 'n', type: 't', schedule: '0 1 * * *', priority: 'high' }, TYPE_DEFAULTS);
    expect(fieldsAfterPatch(before, {})).toEqual(before);
    expect(fieldsAfterPatch(before, { schedule: null, retries: 0 })).toEqual({ ...before, schedule: null, retries: 0 });
    expect(fieldsAfterPatch(before, { priority: 'low' })).toEqual({ ...before, priority: 0 });
  });

  it.each([
    ['/schedule', { schedule: '61 * * * *' }],
    ['/schedule', { schedule: '0 0 30 2 *' }],
    ['/timeZone', { schedule: '0 0 * * *', timeZone: 'Europe/Atlantis' }],
    ['/timeZone', { timeZone: '+02:00' }],
    ['/dependencies', { schedule: '0 0 * * *', dependencies: ['01a1f895-b94a-73bf-a838-d54907425664'] }],
    ['/backoff/maxDelayMs', { backoff: { kind: 'fixed' as const, delayMs: 2, maxDelayMs: 1 } }],
    ['/mustFinishBy', { mustFinishBy: 'PT0S' }],
    ['/mustFinishBy', { mustFinishBy: 'PT0H0M' }],
  ])('are refused by %s: %j', (path, fields) => {
    const all = fieldsOfNew({ name: 'n', type: 't', ...fields }, TYPE_DEFAULTS);
    const refusal = ((): unknown => {
      try {
        checkFields(all);
        checkSchedule(all);
        return null;
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(Problem);
    expect((refusal as Problem).extensions).toMatchObject({ errors: [{ path }] });
  });

  it('name priorities by words', () => {
    expect(['low', 'normal', 'high', 'critical'].map((word) => priorityNumber(word as 'low'))).toEqual([0, 1, 2, 3]);
    expect([0, 1, 2, 3].map(priorityWord)).toEqual(['low', 'normal', 'high', 'critical']);
  });
});
