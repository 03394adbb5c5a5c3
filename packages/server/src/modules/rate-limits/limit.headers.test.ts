import { expect, test } from 'vitest';
import { NEVER } from '../../platform/limiter/index.ts';
import { limitLines, strictest } from './limit.headers.ts';
import { LimitLines } from './limit.lines.ts';
import { chargeBy, liveRule, type RuleCharge } from './live.rule.ts';
import { fieldsOfNew } from './rate-limit.rules.ts';
import type { NewRateLimitBody } from './rate-limit.schema.ts';
import { rateLimited } from './rate-limited.problem.ts';
import { RuleTally } from './rule.tally.ts';

const NOW_MS = 1_795_000_000_123;

/** A charge by a rule of its own, as a store has answered it. */
function charge(rule: Partial<NewRateLimitBody>, answer: Partial<RuleCharge>): RuleCharge {
  const body = { name: 'test', algorithm: 'fixed_window', limit: 9, windowMs: 60_000, subject: 'ip', ...rule } as const;
  const stored = { ...fieldsOfNew(body), id: 'id', version: 1, createdAt: 0, updatedAt: 0 };
  const live = liveRule(stored, new RuleTally(), (subject) => subject);
  return Object.assign(chargeBy(live, 'ada', answer.cost ?? 1), answer);
}

const named = (name: string, answer: Partial<RuleCharge>): RuleCharge => charge({ name }, answer);
const answeringOf = (...charges: RuleCharge[]): unknown => [
  strictest(charges)?.rule.stored.name,
  strictest(charges.toReversed())?.rule.stored.name,
];

test('who refuses answers before who grants, who refuses longest before the others, and then who has least left', () => {
  const few = named('few', { remaining: 1 });
  const refused = named('refused', { allowed: false, remaining: 3, retryMs: 10 });
  const later = named('later', { allowed: false, remaining: 9, retryMs: 20 });
  const never = named('never', { allowed: false, remaining: 9, retryMs: NEVER });
  expect(answeringOf(named('many', { remaining: 2 }), few)).toEqual(['few', 'few']);
  expect(answeringOf(refused, few)).toEqual(['refused', 'refused']);
  expect(answeringOf(refused, later)).toEqual(['later', 'later']);
  expect(answeringOf(later, never)).toEqual(['never', 'never']);
  // Of two that say the same, the first one.
  expect(answeringOf(few, named('as few', { remaining: 1 }))).toEqual(['few', 'as few']);
  expect(answeringOf(never, named('nor', { allowed: false, retryMs: NEVER }))).toEqual(['never', 'nor']);
  expect(answeringOf(charge({ mode: 'shadow' }, { allowed: false, retryMs: 99 }), few)).toEqual(['few', 'few']);
});

test('of several rules all policies are told but those of shadows, and the state of one', () => {
  const few = named('few', { remaining: 1, resetMs: 1_001 });
  const shadow = charge({ name: 'tried', mode: 'shadow' }, {});
  expect(limitLines([shadow, charge({ name: 'wide', limit: 50 }, {}), few], few, NOW_MS).split('\r\n')).toEqual([
    'RateLimit-Policy: "wide";q=50;w=60, "few";q=9;w=60',
    'X-RateLimit-Limit: 9',
    'RateLimit: "few";r=1;t=2',
    'X-RateLimit-Reset: 1795000002',
    'X-RateLimit-Remaining: 1',
    '',
  ]);
});

test('lines follow whatever changes from one charge to the next', () => {
  const lines = new LimitLines('a\u007f\n\u{1f600}', 60_000);
  const written = (limit: number, remaining: number, resetMs: number, nowMs: number): string =>
    lines.write({ ...named('x', {}), limit, remaining, resetMs }, nowMs);
  expect(written(9, 8, 1_000, NOW_MS)).toContain('"a%7F%0A%F0%9F%98%80";q=9;w=60\r\n');
  // Another limit, the same end seen from another second, another end in the same number of seconds.
  expect(written(7, 8, 1_000, NOW_MS)).toMatch(/;q=7;w=60\r\nX-RateLimit-Limit: 7\r\n.*;r=8;t=1\r\n/);
  expect(written(7, 8, 3_000, NOW_MS - 2_000)).toMatch(/;t=3\r\nX-RateLimit-Reset: 1795000002\r\n/);
  expect(written(7, 8, 3_000, NOW_MS)).toMatch(/;t=3\r\nX-RateLimit-Reset: 1795000004\r\n/);
  expect(lines.writeState({ ...named('x', {}), limit: 5 }, NOW_MS)).toMatch(/^X-RateLimit-Limit: 5\r\n/);
  expect([lines.policyOf(4), lines.policyOf(3)].map((policy) => policy.split(';')[1])).toEqual(['q=4', 'q=3']);
});

test('a refusal says when to come again, to the second, or that it is no use', () => {
  const soon = rateLimited(named('x', { allowed: false, cost: 2, retryMs: 1 }), NOW_MS);
  expect(soon.headers).toEqual({ 'retry-after': '1' });
  expect(soon.toJSON()).toMatchObject({ retryAfterMs: 1, limit: 9 });
  const bucket = charge({ algorithm: 'token_bucket', burst: 20 }, { allowed: false, cost: 21, retryMs: NEVER });
  const never = rateLimited(bucket, NOW_MS);
  expect(never.headers).toEqual({});
  expect(never.toJSON()).toMatchObject({ retryAfterMs: null, detail: expect.stringContaining('grants 20 at most') });
});
