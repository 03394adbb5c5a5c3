import { Type, type Static, type TSchema } from 'typebox';
import { Problem, problems } from '../../kernel/problem.ts';
import { Explainer } from '../../platform/http/explain.ts';
import { pointerTo } from '../../platform/http/field.path.ts';
import { parseJsonBody } from '../../platform/http/json.body.ts';
import { Shape, Word } from '../../platform/http/schemas.ts';
import { createAjv } from '../../platform/http/validator.ts';
import {
  EventSchema,
  Position,
  TOPIC_MESSAGE,
  TOPIC_PATTERN,
  TOPICS_MAX,
  TOPICS_SAID,
  TYPE_FILTERS,
} from './event.schema.ts';

const Topic = Type.String({
  pattern: TOPIC_PATTERN,
  'x-message': TOPIC_MESSAGE,
  description: `${TOPICS_SAID}.`,
  examples: ['product:SKU-1'],
});
const Topics = Type.Array(Topic, { maxItems: TOPICS_MAX, examples: [['product:SKU-1', 'alerts']] });

/** What a client may send, by its `type`. */
export const CLIENT_MESSAGES = {
  subscribe: Shape(
    {
      type: Type.Literal('subscribe'),
      topics: Type.Optional({ ...Topics, description: 'One suffices. None: everything.' }),
      types: Type.Optional(
        Type.Array(Word(TYPE_FILTERS), {
          maxItems: TOPICS_MAX,
          description: 'Event types; `reservation.*` is all of a kind. None: all.',
          examples: [['stock.changed', 'reservation.*']],
        }),
      ),
      after: Type.Optional({ ...Position, description: 'Events behind this position. Absent: from now on.' }),
    },
    { title: 'Subscribe', description: 'Adds to what this connection is told.' },
  ),
  unsubscribe: Shape(
    {
      type: Type.Literal('unsubscribe'),
      topics: Type.Optional({ ...Topics, description: 'No more of these. None: no more of anything.' }),
    },
    { title: 'Unsubscribe', description: 'Takes from what this connection is told.' },
  ),
  ping: Shape({ type: Type.Literal('ping') }, { title: 'Ping', description: 'Is answered with a pong.' }),
} as const;

export type ClientMessage = Static<(typeof CLIENT_MESSAGES)[keyof typeof CLIENT_MESSAGES]>;

/** What a server sends, by its `type`. */
export const SERVER_MESSAGES = {
  subscribed: Shape(
    { type: Type.Literal('subscribed'), topics: Topics, position: Position },
    { title: 'Subscribed', description: 'Everything of these topics behind the position will be told.' },
  ),
  unsubscribed: Shape(
    { type: Type.Literal('unsubscribed'), topics: Topics, position: Position },
    { title: 'Unsubscribed', description: 'Nothing of these topics behind the position will be told.' },
  ),
  event: Shape(
    { type: Type.Literal('event'), position: Position, event: EventSchema },
    {
      title: 'EventMessage',
      description: 'An event of a topic that is subscribed to: once, in the order of the stream.',
    },
  ),
  error: Shape(
    {
      type: Type.Literal('error'),
      code: Type.String({ description: 'Stable: what programs look at.', examples: ['validation_failed'] }),
      detail: Type.String({ examples: [`/topics/0 ${TOPIC_MESSAGE}.`] }),
    },
    { title: 'ErrorMessage', description: 'A message that was not understood, or why the server ends the connection.' },
  ),
  pong: Shape({ type: Type.Literal('pong') }, { title: 'Pong', description: 'The answer to a ping.' }),
} as const;

const ajv = createAjv();
const explainer = new Explainer(ajv, 'is not a field of this message');
const fits = Object.fromEntries(Object.entries(CLIENT_MESSAGES).map(([type, schema]) => [type, ajv.compile(schema)]));

/**
 * A message of a client.
 *
 * @throws Problem `malformed_json` or `validation_failed`
 */
export function parseClientMessage(text: Buffer): ClientMessage {
  const message = parseJsonBody(text);
  const type = typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(CLIENT_MESSAGES, type)) {
    throw invalid('A message is an object whose type is subscribe, unsubscribe or ping.');
  }
  if (fits[type]?.(message) === true) return message;
  const schema: TSchema = CLIENT_MESSAGES[type as keyof typeof CLIENT_MESSAGES];
  const found = explainer.explain(schema, message).map(({ keys, message: fault }) => `${pointerTo(keys)} ${fault}`);
  throw invalid(`${found.slice(0, FAULTS_SHOWN).join('; ')}.`);
}

const FAULTS_SHOWN = 5;

export function invalid(detail: string): Problem {
  return new Problem(problems.validationFailed, detail);
}
