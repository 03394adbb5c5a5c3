import { describe, expect, it, test } from 'vitest';
import { Problem } from '../../kernel/problem.ts';
import { fieldsAfterPatch, fieldsOfNew, isActive } from './rate-limit.rules.ts';
import type { NewRateLimitBody } from './rate-limit.schema.ts';
import { addressSubject, bounded, isLoopback, normalSubject } from './subject.rules.ts';

const body = (more: Partial<NewRateLimitBody> = {}): NewRateLimitBody => ({
  name: 'Checkout',
  algorithm: 'token_bucket',
  limit: 100,
  windowMs: 60_000,
  subject: 'api_key',
  ...more,
});

/** What is wrong with a rule, by its places. */
function faultsOf(more: Partial<NewRateLimitBody>): unknown {
  try {
    return fieldsOfNew(body(more)) && [];
  } catch (error) {
    return ((error as Problem).toJSON()['errors'] as { path: string }[]).map(({ path }) => path);
  }
}

describe('a rule', () => {
  it.each(['authorization', 'Cookie', 'proxy-authorization', 'X-API-Key'])('counts nobody by his %s', (header) => {
    expect(faultsOf({ subject: `header:${header}` })).toEqual(['/subject']);
  });

  it.each(['Forwarded', 'x-forwarded-for', 'x-real-ip', 'true-client-ip', 'cf-connecting-ip'])(
    'counts nobody by %s, which anybody can write',
    (header) => expect(faultsOf({ subject: `header:${header}` })).toEqual(['/subject']),
  );

  it('is refused at the place that is wrong, be it a cost, an override or one number of two', () => {
    expect(faultsOf({ costs: [{ cost: 1 }, { path: 'no-slash', cost: 1 }] })).toEqual(['/costs/1/path']);
    expect(faultsOf({ algorithm: 'fixed_window', overrides: { 'a/b~c': { limit: 1, burst: 1 } } })).toEqual([
      '/overrides/a~1b~0c/burst',
    ]);
    const day = { windowMs: 86_400_000, limit: 1 };
    expect(faultsOf({ ...day, burst: 200_000_000 })).toEqual(['/burst']);
    expect(faultsOf({ ...day, limit: 200_000_000, burst: 1 })).toEqual(['/limit']);
    expect(faultsOf({ ...day, overrides: { a: { limit: 200_000_000 } } })).toEqual(['/overrides/a/limit']);
  });

  it('has room for all that is counted exactly, and not for one unit more', () => {
    // 2^53 - 1 is 6,361 × 69,431 × 20,394,401.
    const windowMs = 6_361 * 69_431;
    expect(faultsOf({ windowMs, limit: 20_394_401 })).toEqual([]);
    expect(faultsOf({ windowMs, limit: 20_394_402 })).toEqual(['/limit']);
  });

  it('has a schedule of some length', () => {
    const at = '2026-11-27T00:00:00Z';
    expect(faultsOf({ schedule: { from: at, to: at } })).toEqual(['/schedule/to']);
    expect(faultsOf({ schedule: { from: at, to: '2026-11-27T00:00:00.001Z' } })).toEqual([]);
  });

  it('counts from the first millisecond of its schedule to the last before its end', () => {
    const fields = fieldsOfNew(body({ schedule: { from: '2026-11-27T00:00:00Z', to: '2026-11-28T00:00:00Z' } }));
    const from = Date.parse('2026-11-27T00:00:00Z');
    const at = [from - 1, from, from + 86_399_999, from + 86_400_000].map((ms) => isActive(fields, ms));
    expect(at).toEqual([false, true, true, false]);
  });

  it('replaces whole what a patch names, and names its subjects as they are counted', () => {
    const before = fieldsOfNew(body({ subject: 'ip', match: { methods: ['POST'], path: '/a' } }));
    const after = fieldsAfterPatch(before, { match: { path: '/b' }, overrides: { '2001:DB8::7': { limit: 5 } } });
    expect(after.match).toEqual({ methods: null, path: '/b', callers: null, from: null });
    expect(after.overrides).toEqual({ '2001:db8::/64': { limit: 5, burst: null } });
    expect(fieldsAfterPatch(after, { limit: 7 }).overrides).toEqual(after.overrides);
  });

  it('that counts by something else names the subjects that stay as that has them', () => {
    const before = fieldsOfNew(body({ overrides: { '2001:DB8::7': { limit: 5 } } }));
    expect(fieldsAfterPatch(before, { subject: 'ip' }).overrides).toEqual({
      '2001:db8::/64': { limit: 5, burst: null },
    });
  });

  it('has one number for a subject, however it is spelled', () => {
    const overrides = { '2001:db8::7': { limit: 5 }, a: { limit: 6 }, '2001:DB8::/64': { limit: 7 } };
    expect(faultsOf({ subject: 'ip', overrides })).toEqual(['/overrides/2001:DB8::~164']);
    expect(faultsOf({ subject: 'global', overrides: { a: { limit: 5 }, b: { limit: 5 } } })).toEqual(['/overrides/b']);
    expect(faultsOf({ overrides })).toEqual([]);
  });
});

test('addresses are counted as their networks have them, in whatever spelling', () => {
  expect(['192.0.2.7', '::ffff:192.0.2.7', '192.0.2.7:50123'].map(addressSubject)).toEqual(Array(3).fill('192.0.2.7'));
  expect(['fe80::1%br-lan', '2001:db8:0:9::1'].map(addressSubject)).toEqual(['fe80::/64', '2001:db8:0:9::/64']);
  expect(['2001:DB8::/64', '2001:db8::7', '2001:db8:0:0:9::/64'].map((one) => normalSubject('ip', one))).toEqual(
    Array(3).fill('2001:db8::/64'),
  );
  // No network that is counted: a text, which is nobody.
  expect(normalSubject('ip', '2001:db8::/48')).toBe('2001:db8::/48');
  expect(['::1', '127.9.9.9', '::ffff:127.0.0.1', '128.0.0.1', '2001:db8::1'].map(isLoopback)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test('a text of 255 is its own subject, and one of 256 its digest', () => {
  expect(bounded('x'.repeat(255))).toBe('x'.repeat(255));
  expect(bounded('x'.repeat(256))).toMatch(/^sha256:[\w-]{43}$/);
});
