import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Outflow } from './outflow.ts';

/**
 * `no-transform` keeps proxies and their compression from gathering what should pass at once; nginx needs to be told in
 * its own words.
 */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  // It lasts for as long as its connection: nothing is to come after it.
  connection: 'close',
};

/** The answer to a request for Server-Sent Events, which goes on until somebody ends it. */
export interface EventStream {
  readonly request: IncomingMessage;
  readonly outflow: Outflow;
  /** Sends what was written, and the end; who has not taken it after a while is cut. */
  end(graceMs: number): void;
  /** Now. */
  cut(): void;
}

export interface EventStreamHooks {
  /** It was full, and has room again. */
  onRoom(): void;
  /** The connection is gone, whoever ended it. */
  onClose(): void;
}

/** Takes the answer out of Fastify's hands and sends its headers; null for HEAD, and where the client has gone. */
export function openEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  hooks: EventStreamHooks,
): EventStream | null {
  const { raw } = reply;
  reply.hijack();
  if (raw.destroyed || raw.socket === null || raw.socket.destroyed) return null;
  const headers = Object.fromEntries(Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined));
  raw.writeHead(200, { ...headers, ...HEADERS } as Record<string, string>);
  if (request.method === 'HEAD') {
    raw.end();
    return null;
  }
  raw.on('close', () => hooks.onClose());
  // A reset says no more than the close that follows it.
  raw.on('error', () => undefined);
  const outflow = new Outflow(
    (part, _isLast, sent) => raw.write(part, sent),
    () => hooks.onRoom(),
  );
  return {
    request: request.raw,
    outflow,
    end: (graceMs) => {
      outflow.end(() => raw.end());
      const cut = setTimeout(() => raw.destroy(), graceMs).unref();
      raw.on('close', () => clearTimeout(cut));
    },
    cut: () => raw.destroy(),
  };
}
