import { Type, type TSchema } from 'typebox';
import { hoistSchemas } from '../../platform/http/openapi.components.ts';
import { BEARER_SUBPROTOCOL, SUBPROTOCOL } from '../../platform/http/web.socket.ts';
import { EventSchema, StreamQuery } from './event.schema.ts';
import { EVENT_TYPES, type EventType } from './event.types.ts';
import { CLIENT_MESSAGES, SERVER_MESSAGES } from './ws.messages.ts';

/** What each type of event carries. */
export type EventPayloads = Readonly<Record<EventType, TSchema>>;

type Json = Record<string, unknown>;

const DESCRIPTION = `Everything that happens to stock, in one ordered stream: each event once, in the order of its \`position\`, and per
product in the order of the ledger. Delivery is at least once: drop repeats by \`id\`. What no longer changes anything for
you, such as a type that you do not know, pass by.`;

const STREAM = `Server-Sent Events. Resumes behind \`Last-Event-ID\` or \`after\` without a gap; without either it starts from now. A comment
comes at once and every 15 seconds.`;

const SOCKET = `JSON messages, one per text frame of up to 32 KiB. The server pings every 15 seconds. A browser, which cannot set headers,
offers the subprotocols \`${SUBPROTOCOL}\` and \`${BEARER_SUBPROTOCOL}<key in base64url>\`.`;

const WEBHOOK = `Your own endpoint, as \`POST /api/v1/webhooks\` named it. Signed as Standard Webhooks says; any 2xx is success.`;

/** The AsyncAPI 3 document, made from the schemas that the server itself uses. */
export function asyncApiDocument({ version, payloads }: { version: string; payloads: EventPayloads }): object {
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Holdfast events',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      http: server('http', 'Streams and lists of events.'),
      ws: server('ws', 'The same server, over WebSocket.'),
    },
    channels: {
      stream: {
        address: '/api/v1/events/stream',
        title: 'The event stream',
        description: STREAM,
        servers: [ref('servers', 'http')],
        messages: { ...eventMessages(), streamEnd: ref('components', 'messages', 'streamEnd') },
      },
      socket: {
        address: '/api/v1/ws',
        title: 'The socket',
        description: SOCKET,
        servers: [ref('servers', 'ws')],
        messages: Object.fromEntries(
          [...Object.keys(CLIENT_MESSAGES), ...Object.keys(SERVER_MESSAGES)].map((name) => [
            name,
            ref('components', 'messages', name),
          ]),
        ),
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
      },
      webhook: { address: null, title: 'A webhook', description: WEBHOOK, messages: eventMessages() },
    },
    operations: operations(),
    components: { messages: messages(payloads), securitySchemes: SECURITY_SCHEMES },
  };
  const { value, schemas } = hoistSchemas(document);
  const { components, ...rest } = value as Json & { components: Json };
  return { ...rest, components: { schemas, ...components } };
}

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a JWT of the configured issuer.' },
  apiKey: { type: 'httpApiKey', in: 'header', name: 'X-Api-Key', description: 'An API key.' },
} as const;

function server(protocol: string, description: string): Json {
  return {
    host: '127.0.0.1:8080',
    protocol,
    description,
    security: [ref('components', 'securitySchemes', 'bearer'), ref('components', 'securitySchemes', 'apiKey')],
  };
}

function operations(): Json {
  return {
    streamEvents: {
      action: 'send',
      channel: ref('channels', 'stream'),
      summary: 'Follow the stream of events (Server-Sent Events)',
      bindings: { http: { method: 'GET', query: StreamQuery, bindingVersion: '0.3.0' } },
    },
    tellSocket: {
      action: 'send',
      channel: ref('channels', 'socket'),
      summary: 'What the server says',
      messages: Object.keys(SERVER_MESSAGES).map((name) => ref('channels', 'socket', 'messages', name)),
    },
    askSocket: {
      action: 'receive',
      channel: ref('channels', 'socket'),
      summary: 'What a client may say',
      messages: Object.keys(CLIENT_MESSAGES).map((name) => ref('channels', 'socket', 'messages', name)),
    },
    deliverWebhook: {
      action: 'send',
      channel: ref('channels', 'webhook'),
      summary: 'Call an endpoint that was registered',
      bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
    },
  };
}

function eventMessages(): Json {
  return Object.fromEntries(EVENT_TYPES.map((type) => [type, ref('components', 'messages', type)]));
}

function messages(payloads: EventPayloads): Json {
  const events = Object.fromEntries(EVENT_TYPES.map((type) => [type, envelopeOf(type, payloads[type])]));
  const { event, ...others } = SERVER_MESSAGES;
  const anyEvent = { ...event, properties: { ...event.properties, event: { oneOf: Object.values(events) } } };
  return {
    ...Object.fromEntries(
      Object.entries(events).map(([type, payload]) => [
        type,
        { name: type, title: type, contentType: 'application/cloudevents+json', payload },
      ]),
    ),
    ...messagesOf({ ...CLIENT_MESSAGES, event: anyEvent, ...others }),
    streamEnd: {
      name: 'error',
      title: 'The end of a stream',
      summary: 'Why the server ends a stream: the last event of it, where it could still be written.',
      payload: STREAM_END,
    },
  };
}

function messagesOf(schemas: Record<string, TSchema>): Json {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const { title, description } = schema as { title?: string; description?: string };
      return [name, { name, title, summary: description, payload: schema }];
    }),
  );
}

const STREAM_END = Type.Object(
  {
    code: Type.String({
      description: '`slow_reader`, `shutting_down`, `unauthorized`, `forbidden` or `position_gone`.',
      examples: ['slow_reader'],
    }),
    detail: Type.String(),
  },
  { title: 'StreamEnd', additionalProperties: false },
);

/** The CloudEvent of one type, with what it carries. */
function envelopeOf(type: EventType, data: TSchema): Json {
  const { properties, ...schema } = EventSchema;
  const title = type.replace(/(?:^|\.)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  return {
    ...schema,
    title,
    properties: { ...properties, type: { type: 'string', const: type }, data },
  };
}

function ref(...path: string[]): { $ref: string } {
  return { $ref: `#/${path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}` };
}
