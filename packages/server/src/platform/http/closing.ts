import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server, type Socket } from 'node:net';
import { systemClock } from '../../kernel/clock.ts';
import type { HttpServer } from './http.options.ts';
import type { LoadGauge } from './load.gauge.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether a request of many commits has the time for another one: while it closes, it has not for long. */
    hasTimeForMore: () => boolean;
  }
}

/** How often idle connections are closed while the last answers go out. */
const DRAIN_STEP_MS = 50;

/** What has not ended some seconds after closing began is cut by the process: who has many commits ends before. */
const MORE_WITHIN_MS = 2_500;

/** Closes what is idle when closing begins, and what becomes idle after that at once, not a minute later. */
export function closeGracefully(app: HttpServer, load: LoadGauge, lameDuckMs: number): void {
  let beganMs = Infinity;
  let drain: NodeJS.Timeout | null = null;
  // Fastify and Node call it too.
  app.server.closeIdleConnections = idleConnections(app.server);
  app.decorate('hasTimeForMore', () => systemClock.monotonic() - beganMs < MORE_WITHIN_MS);
  app.addHook('preClose', (done) => {
    beganMs = systemClock.monotonic();
    const closeIdle = (): void => {
      drain = setInterval(() => app.server.closeIdleConnections(), DRAIN_STEP_MS);
      done();
    };
    if (lameDuckMs === 0 || !app.server.listening) {
      closeIdle();
      return;
    }
    const timer = setTimeout(closeIdle, lameDuckMs);
    // Not http.Server's own close, which closes idle connections as well.
    Server.prototype.close.call(app.server, () => {
      if (drain !== null) return;
      clearTimeout(timer);
      closeIdle();
    });
  });
  app.addHook('onClose', (_instance, done) => {
    if (drain !== null) clearInterval(drain);
    load.stop();
    done();
  });
}

/**
 * Closes the connections on which nothing is under way. Node's own cuts an answer short whose last bytes are still on
 * their way to a slow reader, and leaves alone a connection that never brought a request, as browsers open ahead.
 */
function idleConnections(server: HttpServer['server']): () => void {
  const connections = new Map<Socket, { answering: number; readBefore: number }>();
  server.on('connection', (socket: Socket) => {
    connections.set(socket, { answering: 0, readBefore: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const traffic = connections.get(socket);
    if (traffic === undefined) return;
    traffic.answering += 1;
    response.once('close', () => {
      traffic.answering -= 1;
      traffic.readBefore = socket.bytesRead;
    });
  });
  return () => {
    for (const [socket, { answering, readBefore }] of connections) {
      if (answering === 0 && socket.bytesRead === readBefore) socket.destroy();
    }
  };
}
