import { describe, expect, test } from 'vitest';
import { isReadable, overridesText, parseOverrides } from './overrides.text.ts';
import { limitWords, matchWords, stateOf, warningsOf, windowOf, millisecondsOf } from './rate-limit.words.ts';
import { bodyOfDraft, draftOf, faultOf } from './rule.draft.ts';
import { courseOf, shareOf } from './stats.course.ts';

const MATCH = { methods: null, path: null, callers: null, from: null };
const RULE = {
  algorithm: 'token_bucket',
  limit: 100,
  windowMs: 60_000,
  burst: 200,
  subject: 'api_key',
  match: MATCH,
  mode: 'enforce',
  enabled: true,
  onStoreError: 'allow',
} as const;

describe('a rule in words', () => {
  test('says its limit and what it counts', () => {
    expect(limitWords(RULE)).toBe('100 per min, 200 at once');
    expect(limitWords({ limit: 20, windowMs: 10_000, burst: null })).toBe('20 per 10 s');
    expect(matchWords({ match: MATCH })).toBe('every request');
    expect(matchWords({ match: { ...MATCH, methods: ['POST'], path: '/login', from: 'elsewhere' } })).toBe(
      'POST /login, from elsewhere',
    );
  });

  test.each([1, 1_500, 90_000, 60_000, 3_600_000, 86_400_000])('a window of %d ms comes back as it was', (windowMs) => {
    const { value, unit } = windowOf(windowMs);
    expect(millisecondsOf(value, unit)).toBe(windowMs);
  });

  test('its state follows its schedule', () => {
    const schedule = { from: '2026-11-27T00:00:00Z', to: '2026-11-28T00:00:00Z' };
    const at = (moment: string): string => stateOf({ enabled: true, mode: 'shadow', schedule }, Date.parse(moment));
    expect(at('2026-11-26T23:59:59Z')).toBe('waiting');
    expect(at('2026-11-27T00:00:00Z')).toBe('shadow');
    expect(at('2026-11-28T00:00:00Z')).toBe('over');
    expect(stateOf({ enabled: false, mode: 'enforce', schedule }, 0)).toBe('off');
  });
});

describe('before it is saved', () => {
  test('one warns of what would surprise', () => {
    expect(warningsOf({ ...RULE, mode: 'shadow' }, null)).toEqual([]);
    const hard = { ...RULE, algorithm: 'fixed_window', limit: 10, subject: 'global', onStoreError: 'deny' } as const;
    expect(warningsOf(hard, null)).toEqual([
      'It counts this dashboard as well, and so few may shut you out of it.',
      'All share it: one that asks too much is in the way of all others.',
      'It refuses as soon as it is saved. In shadow it shows first whom it would have refused.',
      'Up to 20 can pass around the end of a window.',
      'While Redis is away, all that it counts is refused.',
    ]);
    expect(warningsOf({ ...RULE, windowMs: 1_000 }, RULE)).toEqual([
      'Another algorithm or window: its counters begin anew.',
    ]);
  });

  test('a new one is in shadow, and what is missing is said', () => {
    const fresh = draftOf(undefined);
    expect(faultOf(fresh)).toBe('It needs a name.');
    const named = { ...fresh, name: ' Checkout ', overrides: 'customer-42 = 500, 800\n\nfe80::1 = 3' };
    expect(faultOf(named)).toBeNull();
    expect(bodyOfDraft(named)).toMatchObject({
      name: 'Checkout',
      windowMs: 60_000,
      mode: 'shadow',
      enabled: true,
      overrides: { 'customer-42': { limit: 500, burst: 800 }, 'fe80::1': { limit: 3, burst: null } },
    });
    expect(faultOf({ ...named, overrides: 'customer-42: 500' })).toContain('customer-42: 500');
  });

  test('one that is edited and left as it is stays what it was', () => {
    const stored = {
      ...RULE,
      id: '01a1f94c-428d-729c-8e4c-7fc18e9645b9',
      name: 'Sale',
      precision: 'exact',
      subject: 'header:x-tenant',
      tier: 'gold',
      overrides: { 'tenant = 1': { limit: 5, burst: null } },
      costs: [],
      refund: 'refused',
      adaptive: { eventLoopDelayMs: null, inFlight: 200, floor: 0.5 },
      schedule: { from: '2026-11-27T00:00:00.000Z', to: null },
      version: 3,
      createdAt: '2026-11-20T10:00:00.000Z',
      updatedAt: '2026-11-20T10:00:00.000Z',
    } as const;
    const { id: _id, precision: _p, costs: _c, version: _v, createdAt: _at, updatedAt: _u, ...fields } = stored;
    expect(bodyOfDraft(draftOf({ ...stored, costs: [] }))).toEqual(fields);
  });

  test('other limits are lines', () => {
    const text = 'a = 5\nb = 6, 7';
    const parsed = parseOverrides(text);
    expect(isReadable(parsed) && overridesText(parsed)).toBe(text);
  });
});

describe('what became of requests', () => {
  test('is a course without gaps, and without the step that is not over', () => {
    const step = (at: string, allowed: number) => ({ at, allowed, refused: 1, shadowRefused: 0 });
    const course = courseOf(
      [
        { overTime: [step('2026-11-20T10:00:00Z', 3), step('2026-11-20T10:00:20Z', 4)] },
        { overTime: [step('2026-11-20T10:00:20Z', 5)] },
      ],
      { from: '2026-11-20T10:00:00Z', to: '2026-11-20T10:00:35Z', stepMs: 10_000 },
    );
    expect(course.allowed).toEqual([3, 0, 9]);
    expect(course.refused).toEqual([1, 0, 2]);
  });

  test('is added up where it is long', () => {
    const overTime = [{ at: '2026-11-20T11:00:10Z', allowed: 7, refused: 0, shadowRefused: 0 }];
    const { times, allowed } = courseOf([{ overTime }], {
      from: '2026-11-20T10:00:00Z',
      to: '2026-11-20T13:00:00Z',
      stepMs: 10_000,
    });
    expect(times).toHaveLength(180);
    expect(allowed[60]).toBe(7);
  });

  test('has a share', () => {
    expect([shareOf(0, 0), shareOf(1, 8), shareOf(1, 10_000), shareOf(17, 30)]).toEqual([
      '0 %',
      '13 %',
      '< 0.1 %',
      '57 %',
    ]);
  });
});
