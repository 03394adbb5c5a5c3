import { Type, type Static } from 'typebox';
import { validationFailed } from '../../kernel/problem.ts';
import { UUID_PATTERN } from '../../kernel/ids.ts';
import { NAME_PATTERN } from '../../kernel/quantity.ts';
import { PageOf, PageQuery, Shape, text, Timestamp, Word } from '../../platform/http/schemas.ts';
import { EVENT_TYPES } from './event.types.ts';

/** A place in the stream. */
export const Position = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'A place in the stream. Rises along it, with gaps.',
  examples: [1042],
});

export const EventSchema = Type.Object(
  {
    specversion: Word(['1.0'], { examples: ['1.0'] }),
    id: Type.String({
      description: 'Names the event for ever, and a webhook’s message that carries it.',
      examples: ['evt_1042'],
    }),
    source: Type.String({ description: 'A URI-reference: whose event it is.', examples: ['/holdfast'] }),
    type: Word(EVENT_TYPES, { examples: ['stock.changed'] }),
    subject: Type.String({
      description: 'What it is about: a sku, a code, or the id of a reservation, a transfer or an alert.',
      examples: ['SKU-1'],
    }),
    time: Timestamp,
    datacontenttype: Word(['application/json'], { examples: ['application/json'] }),
    position: Position,
    actor: Type.String({ description: 'Who did it.', examples: ['user:ada'] }),
    data: Type.Unsafe<Record<string, unknown> | null>({
      type: ['object', 'null'],
      description: 'The ledger entry, or the resource as the command left it, as the API shows it.',
      additionalProperties: true,
      examples: [{ seq: 409601, type: 'reserve', sku: 'SKU-1', location: 'WH001', deltaReserved: 2 }],
    }),
  },
  { title: 'Event', description: 'Something that happened to stock: a CloudEvent 1.0.', additionalProperties: false },
);

const page = PageOf(EventSchema);

export const EventPage = Type.Object(
  { ...page.properties, position: { ...Position, description: 'How far this page looked: `after` for what follows.' } },
  { additionalProperties: false },
);

const FILTER_MAX_LENGTH = 8_000;

/** What one can subscribe to, for people. */
export const TOPICS_SAID =
  '`product:<sku>`, `location:<code>`, `alerts`, `reservations`, `rate-limits`, `jobs` or `job:<id>`';

/** Which events: for the list, the stream and the socket alike. */
export const EventFilterQuery = {
  types: Type.Optional(
    text(FILTER_MAX_LENGTH, {
      description: 'Event types by comma; `reservation.*` is all of a kind. None: all.',
      examples: ['stock.changed,reservation.*'],
    }),
  ),
  topics: Type.Optional(
    text(FILTER_MAX_LENGTH, {
      description: `By comma, ${TOPICS_SAID}; one suffices. None: all.`,
      examples: ['product:SKU-1,alerts'],
    }),
  ),
};

export const EventQuery = Shape({
  ...PageQuery,
  after: Type.Optional({ ...Position, description: 'Events behind this position. Absent: from the first one kept.' }),
  ...EventFilterQuery,
});
export type EventQuery = Static<typeof EventQuery>;

export const StreamQuery = Shape({
  after: Type.Optional({
    ...Position,
    description: 'Events behind this position. Absent, and without `Last-Event-ID`: from now on.',
  }),
  ...EventFilterQuery,
});

export const TOPICS_MAX = 200;
export const TOPIC_MESSAGE =
  'must be alerts, reservations, rate-limits, jobs, job:<id>, product:<sku> or location:<code>';
const NAMED_TOPIC = `(?:product|location):${NAME_PATTERN.slice(1, -1)}|job:${UUID_PATTERN.slice(1, -1)}`;
export const TOPIC_PATTERN = `^(?:alerts|reservations|rate-limits|jobs|${NAMED_TOPIC})$`;
const TOPIC = new RegExp(TOPIC_PATTERN);
/** Types, kinds of types, and all. */
export const TYPE_FILTERS: readonly string[] = [
  ...new Set([...EVENT_TYPES, ...EVENT_TYPES.map((type) => `${type.slice(0, type.indexOf('.'))}.*`), '*']),
];
const TYPES: ReadonlySet<string> = new Set(TYPE_FILTERS);

function isTopic(topic: string): boolean {
  return TOPIC.test(topic);
}

function isEventType(type: string): boolean {
  return TYPES.has(type);
}

/**
 * The filter that a query's texts name.
 *
 * @throws Problem `validation_failed`
 */
export function parseFilter(query: { types?: string | undefined; topics?: string | undefined }): {
  types?: string[];
  topics?: string[];
} {
  const types = query.types?.split(',');
  const topics = query.topics?.split(',');
  const errors = [];
  const strangeType = types?.find((type) => !isEventType(type));
  const strangeTopic = topics?.find((topic) => !isTopic(topic));
  if (strangeType !== undefined) errors.push({ path: 'types', message: `“${strangeType}” is no type of event` });
  if (strangeTopic !== undefined) errors.push({ path: 'topics', message: `“${strangeTopic}” ${TOPIC_MESSAGE}` });
  if ((topics?.length ?? 0) > TOPICS_MAX) errors.push({ path: 'topics', message: `must be ${TOPICS_MAX} at most` });
  if (errors.length > 0) throw validationFailed(errors);
  return { ...(types === undefined ? {} : { types }), ...(topics === undefined ? {} : { topics }) };
}
