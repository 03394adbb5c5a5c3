import { Type } from 'typebox';
import { Problem, problems } from '../../kernel/problem.ts';
import { assertOwnOrigin, crossOriginRequest } from '../../platform/auth/index.ts';
import type { HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { allowWebSockets, peerOf } from '../../platform/http/web.socket.ts';
import type { EventBroadcast } from './event.follower.ts';
import { liveProblems } from './event.problems.ts';
import type { LiveConnections } from './live.connections.ts';
import { WsConnection } from './ws.connection.ts';

const MESSAGE_MAX_BYTES = 32_768;

export interface SocketDeps {
  broadcast: EventBroadcast;
  live: LiveConnections;
  corsOrigins: readonly string[];
  onError: (error: unknown) => void;
}

export async function registerEventSocket(app: HttpServer, deps: SocketDeps): Promise<void> {
  const { broadcast, live, corsOrigins, onError } = deps;
  await app.register(async (scope) => {
    await allowWebSockets(scope, `${scope.prefix}/ws`, { messageMaxBytes: MESSAGE_MAX_BYTES });
    scope.route({
      method: 'GET',
      url: '/ws',
      config: { scope: 'read', stream: true },
      schema: {
        tags: ['Events'],
        operationId: 'openSocket',
        summary: 'Follow the stream of events (WebSocket)',
        description:
          'Send `{"type":"subscribe","topics":["product:SKU-1"],"after":1042}`; `/asyncapi.json` has all messages. A browser, which cannot set headers, offers the subprotocols `holdfast` and `holdfast.bearer.<key in base64url>`, or has the cookie of a session; its Origin must be this host or one of CORS_ORIGIN.',
        response: {
          101: Type.Null({ description: 'From here on: WebSocket.' }),
          403: Refusal(problems.forbidden, crossOriginRequest),
          426: Refusal(liveProblems.upgradeRequired),
          429: Refusal(liveProblems.tooManyOfCaller),
          503: Refusal(liveProblems.tooManyConnections),
        },
      },
      onRequest: (request, _reply, done) => {
        const { origin } = request.headers;
        if (origin === undefined || !corsOrigins.some((allowed) => allowed === '*' || allowed === origin)) {
          assertOwnOrigin(request.raw);
        }
        live.admit(request.caller);
        done();
      },
      handler: () => {
        throw new Problem(liveProblems.upgradeRequired, 'Ask for an upgrade to WebSocket, or read /events/stream.');
      },
      wsHandler: (socket, request) => {
        const peer = peerOf(socket, request.raw, {
          onMessage: (text) => connection.onMessage(text),
          onSignOfLife: () => connection.onSignOfLife(),
          onRoom: () => connection.onRoom(),
          onClose: () => {
            connection.onClose();
            live.remove(connection);
          },
        });
        const connection = new WsConnection(peer, broadcast, onError);
        live.add(connection, request.caller);
      },
    });
  });
}
