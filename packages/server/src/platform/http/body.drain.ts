import type { FastifyReply, FastifyRequest } from 'fastify';

/** What is still read of a body that was refused; a client that sends more is cut off. */
const DRAIN_MAX_BYTES = 67_108_864;

/**
 * Reads on, and throws away, a body that is too large. A client that has not finished writing would otherwise meet a
 * closed connection before it could read why: of 60 requests of Python's http.client 34 never saw their 413.
 */
export function drainRefusedBody(request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request;
  let drained = 0;
  reply.removeHeader('connection');
  raw.on('data', (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > DRAIN_MAX_BYTES) raw.destroy();
  });
  raw.on('error', () => raw.destroy());
}
