import type { ProblemKind } from '../../kernel/problem.ts';

export const rateLimitProblems = {
  rateLimitNotFound: { code: 'rate_limit_not_found', status: 404, title: 'There is no such rate limit' },
  tooManyRateLimits: {
    code: 'too_many_rate_limits',
    status: 409,
    title: 'There are as many rate limits as there can be',
  },
  rateLimited: { code: 'rate_limited', status: 429, title: 'Too many requests' },
} as const satisfies Record<string, ProblemKind>;
