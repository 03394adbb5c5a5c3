import { Type, type Static } from 'typebox';
import { Nullable, Shape, text, Timestamp, Uuid, Whole, Word } from '../../platform/http/schemas.ts';
import { CHECKS_MAX, SUBJECT_MAX } from './rate-limit.schema.ts';

/**
 * What Node takes as a request line or a header: where more were refused, a caller could have no rule counted. For the same
 * reason a subject may be empty, a method any that HTTP has room for, and a cost as large as a body says.
 */
const PATH_MAX = 16_384;

const Subject = Type.String({
  maxLength: PATH_MAX,
  description: `Whom the request is counted for. More than ${SUBJECT_MAX} characters are counted by their digest; none at all as \`-\`, as where a header is missing.`,
  examples: ['customer-42'],
});

export const CheckBody = Shape(
  {
    subject: Subject,
    method: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,255}$",
        maxLength: 255,
        examples: ['POST'],
        'x-message': 'must be a method such as POST',
      }),
    ),
    path: Type.Optional(
      text(PATH_MAX, { description: 'As the request has it; its query is not looked at.', examples: ['/login'] }),
    ),
    cost: Type.Optional(
      Whole(0, Number.MAX_SAFE_INTEGER, { description: 'Units to spend; 0 only looks.', default: 1 }),
    ),
    rateLimit: Type.Optional({ ...Uuid, description: 'Only by this rule, whatever it matches.' }),
  },
  { title: 'RateLimitCheck', examples: [{ subject: 'customer-42', method: 'POST', path: '/login' }] },
);
export type CheckBody = Static<typeof CheckBody>;

export const CheckBatchBody = Shape({
  checks: Type.Array(CheckBody, { minItems: 1, maxItems: CHECKS_MAX }),
});

const Scope = Word(['instance', 'shared'], {
  description: '`shared`: all instances count together, by Redis. `instance`: each counts alone.',
});
const RuleName = Shape({ id: Uuid, name: Type.String({ examples: ['Checkout'] }) });

const state = {
  limit: Nullable(Type.Integer({ description: 'null where no rule counts it.', examples: [100] })),
  remaining: Nullable(Type.Integer({ minimum: 0, examples: [99] })),
  resetAt: Nullable({ ...Timestamp, description: 'When it will be as if nothing was used.' }),
  retryAfterMs: Nullable(
    Type.Integer({
      minimum: 0,
      description: '0 where it may pass; null where it never may: it is more than the limit.',
    }),
  ),
};

export const CheckAnswer = Shape(
  {
    allowed: Type.Boolean(),
    ...state,
    rateLimit: Nullable(RuleName),
    shadowRefused: Type.Array(RuleName, { description: 'Rules in shadow mode that would have refused it.' }),
    scope: Scope,
  },
  { title: 'RateLimitCheckAnswer' },
);
export type CheckAnswer = Static<typeof CheckAnswer>;

export const CheckBatchAnswer = Shape({
  allowed: Type.Integer({ minimum: 0 }),
  refused: Type.Integer({ minimum: 0 }),
  results: Type.Array(CheckAnswer, { description: 'In the order of the checks.' }),
});

export const StatusQuery = Shape({
  subject: Type.Optional(text(PATH_MAX, { description: 'Not for a rule that counts all together.' })),
});

export const StatusAnswer = Shape(
  {
    limit: Type.Integer({ description: 'What holds now.', examples: [100] }),
    remaining: Type.Integer({ minimum: 0, examples: [99] }),
    resetAt: Timestamp,
    retryAfterMs: Type.Integer({ minimum: 0, description: 'Until a request of cost 1 may pass; 0: now.' }),
    burst: Nullable(Type.Integer({ examples: [200] })),
    subject: Type.String({ description: 'As it is counted.' }),
    tier: Nullable(Type.String()),
    isOverridden: Type.Boolean({ description: 'Whether the rule has other numbers for this subject.' }),
    isActive: Type.Boolean({ description: 'Whether the rule counts now: enabled, and by its schedule.' }),
    scope: Scope,
    adaptive: Nullable(
      Shape({
        factor: Type.Number({ description: 'The share of the limit that holds now.', examples: [1] }),
        eventLoopDelayMs: Type.Number({ minimum: 0 }),
        inFlight: Type.Integer({ minimum: 0 }),
      }),
    ),
  },
  { title: 'RateLimitStatus' },
);
export type StatusAnswer = Static<typeof StatusAnswer>;
