import { Type, type Static } from 'typebox';
import { TARGET_MAX_LENGTH } from '../../platform/egress/index.ts';
import {
  NewestFirst,
  Nullable,
  PageOf,
  PageQuery,
  Shape,
  text,
  Timestamp,
  Uuid,
  Version,
  Word,
} from '../../platform/http/schemas.ts';
import { EVENT_TYPES, TOPIC_MESSAGE, TOPIC_PATTERN } from '../events/index.ts';

const families = [...new Set(EVENT_TYPES.map((type) => `${type.slice(0, type.indexOf('.'))}.*`))];
export const EVENT_PATTERNS: readonly string[] = ['*', ...families, ...EVENT_TYPES];
const TOPICS_MAX = 200;

const Url = text(TARGET_MAX_LENGTH, {
  description:
    'Where events are sent, by POST: http or https. Private addresses are refused unless an operator allows them.',
  examples: ['https://shop.example.com/hooks/stock'],
});
const Events = Type.Array(Word(EVENT_PATTERNS, { examples: ['reservation.*'] }), {
  minItems: 1,
  maxItems: EVENT_PATTERNS.length,
  uniqueItems: true,
  description: 'Types of events: one, all of a kind by `reservation.*`, or all by `*`.',
  examples: [['stock.changed', 'reservation.*']],
});
const Topics = Type.Array(
  Type.String({
    pattern: TOPIC_PATTERN,
    maxLength: 80,
    examples: ['product:SKU-1'],
    'x-message': TOPIC_MESSAGE,
  }),
  {
    maxItems: TOPICS_MAX,
    uniqueItems: true,
    description: 'Only events with one of these topics. None: all.',
    examples: [['location:WH001']],
  },
);
const Enabled = Type.Boolean({
  description: 'A disabled one is sent nothing, and keeps its place in the stream.',
  examples: [true],
});

export const NewWebhookBody = Shape(
  { url: Url, events: Events, topics: Type.Optional(Nullable(Topics)), enabled: Type.Optional(Enabled) },
  { title: 'NewWebhook' },
);
export type NewWebhookBody = Static<typeof NewWebhookBody>;

export const WebhookPatchBody = Shape(
  {
    url: Type.Optional(Url),
    events: Type.Optional(Events),
    topics: Type.Optional(Nullable(Topics)),
    enabled: Type.Optional(Enabled),
  },
  { title: 'WebhookPatch', description: 'What is not given stays; null clears.' },
);
export type WebhookPatchBody = Static<typeof WebhookPatchBody>;

const shown = {
  id: Uuid,
  url: Url,
  events: Events,
  topics: Topics,
  enabled: Enabled,
  disabledReason: Nullable(
    Word(['request', 'gone', 'unreachable'], {
      description:
        '`request`: it was asked for. `gone`: the endpoint answered 410. `unreachable`: it took nothing for three days.',
      examples: [null],
    }),
  ),
  version: Version,
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

export const WebhookSchema = Shape(shown, { title: 'Webhook' });
export type WebhookView = Static<typeof WebhookSchema>;

const Secret = Nullable(
  Type.String({
    description: 'Signs what is sent. Shown only here; null in a replay of this answer.',
    examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='],
  }),
);

export const CreatedWebhookSchema = Shape({ ...shown, secret: Secret }, { title: 'CreatedWebhook' });

export const RotatedSecretSchema = Shape(
  {
    ...shown,
    secret: Secret,
    previousSecretUntil: { ...Timestamp, description: 'Until then the secret that it replaces signs as well.' },
  },
  { title: 'RotatedWebhookSecret' },
);

export const WebhookPage = PageOf(WebhookSchema);

export const WebhookQuery = Shape({
  ...PageQuery,
  sort: NewestFirst,
});
export type WebhookQuery = Static<typeof WebhookQuery>;

export const WebhookPath = Shape({ id: Uuid });

export const EnableBody = Shape(
  {
    from: Type.Optional(
      Word(['stopped', 'now'], {
        default: 'stopped',
        description:
          '`stopped`: with the event behind the last one that it was sent, as far as the stream is kept. `now`: with what happens from now on; what waits for it is dropped.',
      }),
    ),
  },
  { title: 'EnableWebhook' },
);
export type EnableBody = Static<typeof EnableBody>;
