import { Problem } from '../../kernel/problem.ts';
import { NEVER } from '../../platform/limiter/index.ts';
import { resetAt } from './limit.headers.ts';
import { seconds } from './limit.lines.ts';
import { mostOf, type RuleCharge } from './live.rule.ts';
import { rateLimitProblems } from './rate-limit.problems.ts';

/** Why a request is refused, and when it may come again. */
export function rateLimited(charge: RuleCharge, nowMs: number): Problem {
  const { rule, remaining, resetMs, retryMs, cost, limit } = charge;
  const { id, name, windowMs } = rule.stored;
  const never = retryMs === NEVER;
  const most = mostOf(charge);
  const detail = never
    ? `It takes ${cost} units, and the rate limit ${name} grants ${most} at most: send fewer lines at once.`
    : `The rate limit ${name} grants ${limit} units in ${windowMs} ms: try again in ${retryMs} ms.`;
  return new Problem(
    rateLimitProblems.rateLimited,
    detail,
    {
      rateLimit: { id, name },
      limit,
      remaining,
      resetAt: resetAt(nowMs, resetMs),
      retryAfterMs: never ? null : retryMs,
    },
    never ? {} : { 'retry-after': String(seconds(retryMs)) },
  );
}
