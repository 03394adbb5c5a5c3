import { Type, type Static } from 'typebox';
import {
  ALGORITHMS,
  GLOB_MAX_LENGTH,
  LIMIT_MAX,
  STORE_ERROR_POLICIES,
  WINDOW_MAX_MS,
} from '../../platform/limiter/index.ts';
import {
  NewestFirst,
  Nullable,
  PageOf,
  PageQuery,
  Shape,
  label,
  text,
  Timestamp,
  Uuid,
  Version,
  Whole,
  Word,
} from '../../platform/http/schemas.ts';

export const RULES_MAX = 200;
export const OVERRIDES_MAX = 1_000;
export const CHECKS_MAX = 1_000;
export const TIER_SUBJECTS_MAX = 10_000;
/** Of a subject's text; what is longer is counted by its digest. */
export const SUBJECT_MAX = 255;
const COST_MAX = 1_000_000;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const Name = label(200, { examples: ['Checkout'], description: 'Shown in headers, refusals and statistics.' });
const Limit = Whole(1, LIMIT_MAX, { description: 'Units per window.', examples: [100] });
const Burst = Whole(1, LIMIT_MAX, {
  description: 'The most that a token bucket holds. Absent: `limit`. Other algorithms have none.',
  examples: [200],
});
const Methods = Type.Array(Word(METHODS), {
  minItems: 1,
  maxItems: METHODS.length,
  uniqueItems: true,
  description: 'GET has HEAD in it.',
  examples: [['POST']],
});
const Path = Type.String({
  minLength: 1,
  maxLength: GLOB_MAX_LENGTH,
  description:
    'A pattern: `*` is any text within a segment, `**` any number of segments, `{sku}` one segment. Upper and lower case are one.',
  examples: ['/api/v1/inventory/*/reserve'],
});

const match = {
  methods: Methods,
  path: Path,
  callers: Word(['authenticated', 'anonymous'], {
    description: '`anonymous`: without valid credentials, what is refused with 401 among it. Absent: everybody.',
  }),
  from: Word(['loopback', 'elsewhere'], {
    description: 'Whether the caller is on this machine, and not behind a proxy on it. Absent: wherever it is.',
  }),
};
const SUBJECT_PATTERN = "^(?:api_key|user|ip|global|header:[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64})$";
const Subject = Type.String({
  pattern: SUBJECT_PATTERN,
  maxLength: 80,
  description:
    'Who is counted: each API key (its successors of the same name included), each person, each address (IPv6 by /64), each value of a header, or all together.',
  examples: ['api_key'],
  'x-message': 'must be api_key, user, ip, global or header:<name>',
});
const Tier = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$',
  maxLength: 64,
  examples: ['gold'],
  'x-message': 'must be 1 to 64 of letters, digits and . _ : - and begin with a letter or a digit',
});
const Cost = Whole(1, COST_MAX, { examples: [5] });
const Algorithm = Word(ALGORITHMS, {
  description:
    '`token_bucket` refills evenly and holds `burst`; `sliding_window` looks back one window from now; `fixed_window` begins anew at each whole window.',
  examples: ['token_bucket'],
});
const WindowMs = Whole(1, WINDOW_MAX_MS, { description: 'The window, in milliseconds.', examples: [60_000] });
const Refund = Word(['never', 'refused'], {
  description: '`refused`: an answer of 400 or more gives its units back.',
  examples: ['never'],
});
const OnStoreError = Word(STORE_ERROR_POLICIES, {
  description:
    'While Redis is away: let pass, refuse, or count here, up to this instance’s share of the limit. Without Redis it is never asked.',
  examples: ['local'],
});
const Mode = Word(['enforce', 'shadow'], {
  description: '`shadow` counts and reports what it would have refused, and refuses nothing.',
  examples: ['enforce'],
});

const adaptive = {
  eventLoopDelayMs: Whole(1, 60_000, { description: 'Tightens while the event loop is later than this.' }),
  inFlight: Whole(1, 1_000_000, { description: 'Tightens while more requests than this are under way.' }),
  floor: Type.Number({
    minimum: 0.01,
    maximum: 1,
    'x-decimals': 4,
    description: 'The smallest share of the limit that it goes down to.',
    examples: [0.25],
  }),
};

const OverrideBody = Shape({ limit: Limit, burst: Type.Optional(Nullable(Burst)) });
// Of a key's schema only the pattern counts, and a `.` would let numbers behind a line break pass unread.
const OverridesBody = Type.Record(Type.String({ pattern: `^[\\s\\S]{1,${SUBJECT_MAX}}$` }), OverrideBody, {
  maxProperties: OVERRIDES_MAX,
  additionalProperties: false,
  description: 'Other numbers for some subjects.',
});
const CostRuleBody = Shape({ methods: Type.Optional(Methods), path: Type.Optional(Path), cost: Cost });
const CostsBody = Type.Array(CostRuleBody, {
  minItems: 1,
  maxItems: 20,
  description: 'What a request takes, by the first that fits; 1 where none does. Bulk requests take it for each line.',
});
const MatchBody = Shape({
  methods: Type.Optional(Nullable(Methods)),
  path: Type.Optional(Nullable(Path)),
  callers: Type.Optional(Nullable(match.callers)),
  from: Type.Optional(Nullable(match.from)),
});
const AdaptiveBody = Shape({
  eventLoopDelayMs: Type.Optional(Nullable(adaptive.eventLoopDelayMs)),
  inFlight: Type.Optional(Nullable(adaptive.inFlight)),
  floor: Type.Optional(adaptive.floor),
});
const ScheduleBody = Shape({
  from: Type.Optional(Nullable({ ...Timestamp, description: 'Inclusive.' })),
  to: Type.Optional(Nullable({ ...Timestamp, description: 'Exclusive.' })),
});

const optional = {
  burst: Type.Optional(Nullable(Burst)),
  match: Type.Optional(Nullable(MatchBody)),
  tier: Type.Optional(Nullable(Tier)),
  overrides: Type.Optional(Nullable(OverridesBody)),
  costs: Type.Optional(Nullable(CostsBody)),
  refund: Type.Optional(Refund),
  adaptive: Type.Optional(Nullable(AdaptiveBody)),
  schedule: Type.Optional(Nullable(ScheduleBody)),
  onStoreError: Type.Optional(OnStoreError),
  mode: Type.Optional(Mode),
  enabled: Type.Optional(Type.Boolean()),
};

export const NewRateLimitBody = Shape(
  { name: Name, algorithm: Algorithm, limit: Limit, windowMs: WindowMs, subject: Subject, ...optional },
  { title: 'NewRateLimit' },
);
export type NewRateLimitBody = Static<typeof NewRateLimitBody>;

export const RateLimitPatchBody = Shape(
  {
    name: Type.Optional(Name),
    algorithm: Type.Optional(Algorithm),
    limit: Type.Optional(Limit),
    windowMs: Type.Optional(WindowMs),
    subject: Type.Optional(Subject),
    ...optional,
  },
  { title: 'RateLimitPatch' },
);
export type RateLimitPatchBody = Static<typeof RateLimitPatchBody>;

/** A rule as it is kept and shown, without what its row adds. */
export const fields = {
  name: Name,
  algorithm: Algorithm,
  precision: Word(['exact', 'approximate'], {
    description:
      'A sliding window of up to 100 units remembers each charge and is exact; of more it weighs two windows.',
    examples: ['exact'],
  }),
  limit: Limit,
  windowMs: WindowMs,
  burst: Nullable(Burst),
  subject: Subject,
  match: Shape({
    methods: Nullable(Methods),
    path: Nullable(Path),
    callers: Nullable(match.callers),
    from: Nullable(match.from),
  }),
  tier: Nullable(Tier),
  overrides: Type.Record(Type.String(), Shape({ limit: Limit, burst: Nullable(Burst) })),
  costs: Type.Array(Shape({ methods: Nullable(Methods), path: Nullable(Path), cost: Cost })),
  refund: Refund,
  adaptive: Nullable(
    Shape({
      eventLoopDelayMs: Nullable(adaptive.eventLoopDelayMs),
      inFlight: Nullable(adaptive.inFlight),
      floor: adaptive.floor,
    }),
  ),
  schedule: Shape({ from: Nullable(Timestamp), to: Nullable(Timestamp) }),
  onStoreError: OnStoreError,
  mode: Mode,
  enabled: Type.Boolean(),
};

export const RateLimitSchema = Shape(
  { id: Uuid, ...fields, version: Version, createdAt: Timestamp, updatedAt: Timestamp },
  { title: 'RateLimit' },
);
export type RateLimitView = Static<typeof RateLimitSchema>;

export const RateLimitPage = PageOf(RateLimitSchema);

export const RateLimitQuery = Shape({
  ...PageQuery,
  sort: NewestFirst,
});
export type RateLimitQuery = Static<typeof RateLimitQuery>;

export const RateLimitPath = Shape({ id: Uuid });
export const TierPath = Shape({ tier: { ...Tier, description: 'A word of yours for a group of subjects.' } });

export const TierBody = Shape({
  subjects: Type.Array(text(SUBJECT_MAX, { examples: ['0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b'] }), {
    maxItems: TIER_SUBJECTS_MAX,
    uniqueItems: true,
    description: 'Ids of API keys, users, addresses, header values: all that are of this tier. None removes the tier.',
  }),
});
export type TierBody = Static<typeof TierBody>;

export const TierSchema = Shape({ tier: Tier, subjects: Type.Array(Type.String()) }, { title: 'RateLimitTier' });
export const TierList = Shape({ items: Type.Array(TierSchema), nextCursor: Type.Null() });
