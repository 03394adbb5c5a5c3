import { validationFailed } from '../../kernel/problem.ts';
import { openEventStream } from '../../platform/http/event.stream.ts';
import type { HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { Type } from 'typebox';
import type { EventBroadcast } from './event.follower.ts';
import { eventProblems, liveProblems } from './event.problems.ts';
import { parseFilter, StreamQuery } from './event.schema.ts';
import type { LiveConnections } from './live.connections.ts';
import { SseConnection } from './sse.connection.ts';
import { FrameMaker } from './sse.frames.ts';

const EXAMPLE =
  'id: 1042\nevent: stock.changed\ndata: {"specversion":"1.0","id":"evt_1042","type":"stock.changed"}\n\n';

export function registerEventStream(
  app: HttpServer,
  { broadcast, live }: { broadcast: EventBroadcast; live: LiveConnections },
): void {
  const frames = new FrameMaker();
  app.route({
    method: 'GET',
    url: '/events/stream',
    config: { scope: 'read', stream: true },
    schema: {
      tags: ['Events'],
      operationId: 'streamEvents',
      summary: 'Follow the stream of events (Server-Sent Events)',
      description:
        'Each event: `id` is its position, `event` its type, `data` the CloudEvent on one line. A comment comes at once and every 15 seconds. Without a gap or a repeat it resumes behind `Last-Event-ID`, which counts more than `after`; without either it starts from now. A stream that the server ends says why in a last `event: error` with `code` and `detail`: `slow_reader`, `shutting_down`, `unauthorized`, `forbidden` or `position_gone`.',
      produces: ['text/event-stream'],
      querystring: StreamQuery,
      response: {
        200: Type.String({ examples: [EXAMPLE] }),
        410: Refusal(eventProblems.positionGone),
        429: Refusal(liveProblems.tooManyOfCaller),
        503: Refusal(liveProblems.tooManyConnections),
      },
    },
    handler: async (request, reply) => {
      const filter = frames.filterOf(parseFilter(request.query));
      const asked = lastEventId(request.headers['last-event-id']) ?? request.query.after;
      live.admit(request.caller);
      const after = await broadcast.startAt(asked);
      // A thousand may have come meanwhile.
      live.admit(request.caller);
      let connection: SseConnection | null = null;
      const stream = openEventStream(request, reply, {
        onRoom: () => connection?.onRoom(),
        onClose: () => {
          if (connection === null) return;
          connection.onClose();
          live.remove(connection);
        },
      });
      if (stream === null) return reply;
      connection = new SseConnection({ stream, broadcast, frames, filter, after });
      live.add(connection, request.caller);
      return reply;
    },
  });
}

/** @throws Problem `validation_failed` */
function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const position = Number(header);
  if (/^\d{1,16}$/.test(String(header)) && Number.isSafeInteger(position)) return position;
  throw validationFailed([{ path: 'Last-Event-ID', message: 'must be the position of an event' }]);
}
