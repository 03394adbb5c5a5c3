import { validationFailed } from '../../kernel/problem.ts';
import { NEVER, normalisedPath } from '../../platform/limiter/index.ts';
import type { CheckAnswer, CheckBody, StatusAnswer } from './check.schema.ts';
import { resetAt, strictest } from './limit.headers.ts';
import type { Limits } from './limits.ts';
import { chargeBy, type LiveRule, type RuleCharge } from './live.rule.ts';
import { isActive } from './rate-limit.rules.ts';
import { rateLimitNotFound } from './rate-limit.service.ts';
import { isOfTier, timeOf } from './request.charges.ts';
import { costOf } from './route.plan.ts';
import { normalSubject } from './subject.rules.ts';

/**
 * Counts a request that another service was sent, by the rules that fit it.
 *
 * @throws Problem `validation_failed`, `rate_limit_not_found`
 */
export async function check(limits: Limits, body: CheckBody): Promise<CheckAnswer> {
  return count(limits, chargesOf(limits, body, ''));
}

/**
 * Many, each by itself and in order; none where one of them is wrong.
 *
 * @throws Problem as `check`
 */
export async function checkAll(limits: Limits, bodies: readonly CheckBody[]): Promise<CheckAnswer[]> {
  const all = bodies.map((body, index) => chargesOf(limits, body, `/checks/${index}`));
  return Promise.all(all.map((charges) => count(limits, charges)));
}

async function count(limits: Limits, charges: readonly RuleCharge[]): Promise<CheckAnswer> {
  const passes = await limits.store.take(charges);
  const nowMs = timeOf(charges, limits.clock);
  for (const charge of charges) {
    if (charge.cost > 0 && (passes || !charge.allowed)) charge.rule.tally.count(charge, nowMs);
  }
  const answering = strictest(charges);
  const shadowRefused = charges.filter(({ shadow, allowed }) => shadow && !allowed).map(nameOf);
  return { allowed: passes, ...stateOf(answering, nowMs), shadowRefused, scope: scopeOf(limits) };
}

/**
 * What a subject has left by a rule, spending nothing.
 *
 * @throws Problem `rate_limit_not_found`, `validation_failed` without a subject
 */
export async function statusOf(limits: Limits, id: string, subject: string | undefined): Promise<StatusAnswer> {
  const rule = limits.rules.all.get(id);
  if (rule === undefined) throw rateLimitNotFound(id);
  const { subject: kind, adaptive } = rule.stored;
  if (subject === undefined && kind !== 'global') {
    throw validationFailed([{ path: 'subject', message: 'is required: the rule counts each subject by itself' }]);
  }
  const counted = countedSubject(limits, rule, subject ?? '');
  const charge = chargeBy(rule, counted, 1);
  await limits.store.peek([charge]);
  const { limit, burst, remaining, resetMs, retryMs } = charge;
  const { load } = limits.rules;
  return {
    limit,
    remaining,
    resetAt: resetAt(timeOf([charge], limits.clock), resetMs),
    retryAfterMs: retryMs,
    burst: rule.stored.algorithm === 'token_bucket' ? burst : null,
    subject: counted,
    tier: limits.rules.tierOf(counted) ?? null,
    isOverridden: rule.overrides?.has(counted) ?? false,
    isActive: isActive(rule.stored, limits.clock.now()),
    scope: scopeOf(limits),
    adaptive:
      adaptive === null
        ? null
        : { factor: rounded(rule.factor), eventLoopDelayMs: rounded(load.lagMs), inFlight: load.inFlight },
  };
}

/** @param at where the check stands in the body, for what is wrong with it */
function chargesOf(
  limits: Limits,
  { subject, method, path, cost = 1, rateLimit }: CheckBody,
  at: string,
): RuleCharge[] {
  const segments = path === undefined ? null : normalisedPath(path);
  if (path !== undefined && segments === null) {
    throw validationFailed([{ path: `${at}/path`, message: 'must be percent-encoded UTF-8' }]);
  }
  const verb = method?.toUpperCase();
  const only = rateLimit === undefined ? null : limits.rules.all.get(rateLimit);
  if (only === undefined) throw rateLimitNotFound(rateLimit ?? '');
  const rules = only === null ? limits.rules.active.filter((rule) => fits(rule, verb, segments)) : [only];
  return rules.flatMap((rule) => {
    if (only !== null && !isActive(rule.stored, limits.clock.now())) return [];
    const counted = countedSubject(limits, rule, subject);
    if (only === null && !isOfTier(rule, limits.rules.tierOf, counted)) return [];
    return [chargeBy(rule, counted, cost * costOf(rule.costs, verb ?? '', segments ?? []))];
  });
}

/** What is asked about nothing in particular is counted by the rules that name nothing in particular. */
function fits(rule: LiveRule, method: string | undefined, segments: readonly string[] | null): boolean {
  const { callers, from } = rule.stored.match;
  if (callers === 'anonymous' || from === 'loopback') return false;
  if (rule.methods !== null && (method === undefined || !rule.methods.has(method))) return false;
  return rule.path === null || (segments !== null && rule.path.matches(segments));
}

function countedSubject(limits: Limits, { stored }: LiveRule, subject: string): string {
  if (stored.subject === 'api_key') return limits.callers.keySubject(normalSubject('api_key', subject));
  return normalSubject(stored.subject, subject);
}

function stateOf(
  charge: RuleCharge | null,
  nowMs: number,
): Pick<CheckAnswer, 'limit' | 'remaining' | 'resetAt' | 'retryAfterMs' | 'rateLimit'> {
  if (charge === null) return { limit: null, remaining: null, resetAt: null, retryAfterMs: 0, rateLimit: null };
  const { limit, remaining, resetMs, retryMs } = charge;
  return {
    limit,
    remaining,
    resetAt: resetAt(nowMs, resetMs),
    retryAfterMs: retryMs === NEVER ? null : retryMs,
    rateLimit: nameOf(charge),
  };
}

function nameOf({ rule }: RuleCharge): { id: string; name: string } {
  return { id: rule.stored.id, name: rule.stored.name };
}

function scopeOf({ isShared }: Limits): 'instance' | 'shared' {
  return isShared ? 'shared' : 'instance';
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
