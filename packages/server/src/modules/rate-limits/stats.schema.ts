import { Type, type Static } from 'typebox';
import { Nullable, Shape, Timestamp, Uuid, Whole, Word } from '../../platform/http/schemas.ts';
import { NewRateLimitBody } from './rate-limit.schema.ts';

export const STATS_MINUTES_MAX = 180;

export const StatsQuery = Shape({
  minutes: Whole(1, STATS_MINUTES_MAX, { default: 60, description: 'How far to look back.' }),
  rateLimit: Type.Optional({ ...Uuid, description: 'Only this rule.' }),
});

const Count = Type.Integer({ minimum: 0 });
const counts = {
  allowed: Count,
  refused: Count,
  shadowRefused: Type.Integer({
    minimum: 0,
    description: 'Let pass, by a rule in shadow mode that would have refused.',
  }),
};

const TopSubject = Shape({
  subject: Type.String(),
  allowed: Count,
  refused: Type.Integer({ minimum: 0, description: 'In shadow mode: would have been.' }),
});

export const StatsAnswer = Shape(
  {
    from: Timestamp,
    to: Timestamp,
    stepMs: Type.Integer({ examples: [10_000] }),
    store: Shape({
      kind: Word(['memory', 'redis']),
      scope: Word(['instance', 'shared'], {
        description: 'Whether each instance counts alone; these statistics are of all instances, either way.',
      }),
      isUp: Type.Boolean({ description: 'false while the rules’ onStoreError decides.' }),
      subjects: Type.Integer({ minimum: 0, description: 'Remembered in the memory of this instance.' }),
    }),
    rules: Type.Array(
      Shape({
        id: Uuid,
        name: Type.String(),
        mode: Word(['enforce', 'shadow']),
        enabled: Type.Boolean(),
        factor: Type.Number({ description: 'The share of the limit that holds now, here: adaptive rules.' }),
        ...counts,
        overTime: Type.Array(Shape({ at: Timestamp, ...counts }), {
          description: 'Steps in which something was counted, oldest first.',
        }),
        topSubjects: Type.Array(TopSubject, { description: 'Who asked most, as far as a bounded memory can tell.' }),
      }),
    ),
  },
  { title: 'RateLimitStats' },
);
export type StatsAnswer = Static<typeof StatsAnswer>;

export const DryRunBody = NewRateLimitBody;

export const DryRunAnswer = Shape(
  {
    from: Nullable({ ...Timestamp, description: 'null: nothing was seen yet.' }),
    to: Timestamp,
    requests: Type.Integer({ minimum: 0, description: 'That this instance was sent.' }),
    matched: Type.Integer({ minimum: 0, description: 'That the rule would have counted.' }),
    allowed: Count,
    refused: Count,
    unknown: Type.Integer({
      minimum: 0,
      description: 'Of which too little is remembered to tell: of too many callers, or to paths that are not kept.',
    }),
    overTime: Type.Array(Shape({ at: Timestamp, allowed: Count, refused: Count })),
    subjects: Type.Array(Shape({ subject: Type.String(), allowed: Count, refused: Count }), {
      description: 'Who would have been refused most.',
    }),
  },
  { title: 'RateLimitDryRun' },
);
export type DryRunAnswer = Static<typeof DryRunAnswer>;

/** What the event `rate_limit.limited` carries. */
export const LimitedSchema = Shape(
  {
    rateLimit: Shape({ id: Uuid, name: Nullable(Type.String({ examples: ['Checkout'] })) }),
    subject: Type.String({ description: 'Who was refused, as the rule counts it.', examples: ['203.0.113.7'] }),
    minute: { ...Timestamp, description: 'In which minute: it is told once, however often it was refused.' },
  },
  { title: 'RateLimitLimited' },
);
export type Limited = Static<typeof LimitedSchema>;
