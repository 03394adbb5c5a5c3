import { Type, type Static } from 'typebox';
import { Nullable, PageOf, PageQuery, Shape, Timestamp, Uuid, Whole, Word } from '../../platform/http/schemas.ts';
import { Position } from '../events/index.ts';

export const ATTEMPTS_SHOWN = 10;

const STATUSES = ['pending', 'delivered', 'set_aside', 'failed'] as const;
export type DeliveryStatus = (typeof STATUSES)[number];

const Status = Word(STATUSES, {
  description:
    '`pending`: it will be tried again, or waits for another of its subject. `set_aside`: refused ten times by an endpoint that takes others. `failed`: given up after three days.',
  examples: ['delivered'],
});
const HttpStatus = Nullable(
  Whole(100, 999, { description: 'What the endpoint answered; null where no answer came.', examples: [200] }),
);
const ErrorText = Nullable(
  Type.String({ description: 'Why it counts as failed.', examples: ['the endpoint answered 500'] }),
);
const Snippet = Nullable(
  Type.String({ description: 'How the body of the answer begins.', examples: ['{"received":true}'] }),
);

export const AttemptSchema = Shape(
  {
    at: Timestamp,
    responseStatus: HttpStatus,
    durationMs: Whole(0, 3_600_000, { examples: [38] }),
    error: { ...ErrorText, examples: [null] },
    response: Snippet,
  },
  { title: 'WebhookAttempt' },
);
export type AttemptView = Static<typeof AttemptSchema>;

export const DeliverySchema = Shape(
  {
    id: Uuid,
    messageId: Type.String({
      description: 'The `webhook-id` header: the same on every attempt.',
      examples: ['evt_1042'],
    }),
    position: Position,
    type: Type.String({ examples: ['stock.changed'] }),
    subject: Type.String({ examples: ['SKU-1'] }),
    eventAt: Timestamp,
    replay: Type.Boolean({ description: 'It was asked for by a replay.', examples: [false] }),
    status: Status,
    attemptCount: Whole(0, 1_000_000, { examples: [1] }),
    attempts: Type.Array(AttemptSchema, { description: `The last ${ATTEMPTS_SHOWN} attempts, oldest first.` }),
    nextAttemptAt: Nullable({ ...Timestamp, description: 'Not before; null where none is due.', examples: [null] }),
    createdAt: Timestamp,
    finishedAt: Nullable(Timestamp),
  },
  { title: 'WebhookDelivery' },
);
export type DeliveryView = Static<typeof DeliverySchema>;

export const DeliveryPage = PageOf(DeliverySchema);

export const DeliveryQuery = Shape({ ...PageQuery, status: Type.Optional(Status) });
export type DeliveryQuery = Static<typeof DeliveryQuery>;

export const TestResultSchema = Shape(
  {
    delivered: Type.Boolean({ description: 'Whether the endpoint answered 2xx.', examples: [true] }),
    messageId: Type.String({ examples: ['test_0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b'] }),
    ...AttemptSchema.properties,
  },
  { title: 'WebhookTestResult' },
);

const bound = (description: string) =>
  Type.Unsafe<number | string>({
    anyOf: [Position, Timestamp],
    description,
    examples: [1042, '2026-11-20T10:00:00.000Z'],
  });

export const ReplayBody = Shape(
  {
    from: bound('The first position, or the first instant, that is sent again.'),
    to: Type.Optional(
      bound(
        'The last position, or the instant before which an event must have happened. Absent: up to what was sent last.',
      ),
    ),
  },
  { title: 'WebhookReplay' },
);
export type ReplayBody = Static<typeof ReplayBody>;

export const ReplaySchema = Shape(
  {
    events: Whole(0, 10_000, { description: 'How many events will be sent again.', examples: [17] }),
    from: Nullable({ ...Position, description: 'The position of the first of them.' }),
    to: Nullable({ ...Position, description: 'The position of the last of them.' }),
  },
  { title: 'WebhookReplayStarted' },
);

export const StatusSchema = Shape(
  {
    position: { ...Position, description: 'All events up to here were delivered, or are among its deliveries.' },
    behind: Whole(0, Number.MAX_SAFE_INTEGER, {
      description: 'How many positions the stream is ahead.',
      examples: [0],
    }),
    pending: Whole(0, Number.MAX_SAFE_INTEGER, { description: 'Deliveries that wait.', examples: [0] }),
    setAside: Whole(0, Number.MAX_SAFE_INTEGER, {
      description: 'Deliveries that were set aside or given up.',
      examples: [0],
    }),
    circuit: Word(['closed', 'open'], {
      description: '`open`: it seems dead as a whole, and is only probed.',
      examples: ['closed'],
    }),
    failuresInRow: Whole(0, Number.MAX_SAFE_INTEGER, { examples: [0] }),
    failingSince: Nullable({ ...Timestamp, examples: [null] }),
    nextProbeAt: Nullable({ ...Timestamp, examples: [null] }),
    missed: Nullable(
      Shape(
        { from: Position, to: Position },
        {
          description: 'The last stretch of the stream that was kept no longer when it was to be sent.',
          examples: [null],
        },
      ),
    ),
  },
  { title: 'WebhookStatus' },
);
export type StatusView = Static<typeof StatusSchema>;
