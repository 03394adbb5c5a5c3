import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { EgressError, toEgressError } from './egress.error.ts';

export interface ExchangeLimits {
  connectMs: number;
  totalMs: number;
  bodyMs: number;
  maxBytes: number;
  signal: AbortSignal | undefined;
}

export interface Exchange {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  isComplete: boolean;
}

/**
 * Sends a request and reads its answer within limits. Until the head has come, whatever goes wrong is an error; from then
 * on the answer counts, and its body is what arrived within the limits. Then the connection is kept if the body ended, and
 * torn down if it did not.
 *
 * @throws EgressError, and what the look-up of the connection refuses with
 */
export function readExchange(
  request: ClientRequest,
  body: string | Buffer | undefined,
  limits: ExchangeLimits,
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    let head: IncomingMessage | null = null;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timers: NodeJS.Timeout[] = [];
    const { signal } = limits;

    const end = (): void => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown): void => {
      end();
      request.destroy();
      reject(toEgressError(error));
    };
    /** The body ended, or enough of it was seen. */
    const finish = (isComplete: boolean): void => {
      if (head === null) return;
      end();
      if (!isComplete) request.destroy();
      const whole = Buffer.concat(chunks).subarray(0, limits.maxBytes);
      resolve({ status: head.statusCode ?? 0, headers: head.headers, body: whole, isComplete });
    };
    const cut = (error: EgressError): void => {
      if (head === null) fail(error);
      else finish(false);
    };
    const onAbort = (): void => cut(new EgressError('aborted'));

    timers.push(setTimeout(() => cut(new EgressError('timeout')), limits.totalMs));
    signal?.addEventListener('abort', onAbort);

    request.on('socket', (socket) => boundConnecting(socket, limits.connectMs, timers, fail));
    // An error after the end is of a connection that was torn down.
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (head !== null) return finish(false);
      const isStaleConnection = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      fail(isStaleConnection ? new EgressError('connection_lost', { cause: error, isStaleConnection }) : error);
    });
    request.on('upgrade', () => fail(new EgressError('no_http')));
    request.on('response', (response) => {
      head = response;
      timers.push(setTimeout(() => finish(false), limits.bodyMs));
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > limits.maxBytes) finish(false);
      });
      response.on('end', () => finish(true));
      response.on('error', () => finish(false));
    });
    // Not before somebody listens for errors: that of a request that was torn down would end the process.
    if (signal?.aborted === true) return fail(new EgressError('aborted'));
    request.end(body);
  });
}

/** A socket that was kept open is connected; a new one has so long, its TLS included. */
function boundConnecting(
  socket: Socket,
  connectMs: number,
  timers: NodeJS.Timeout[],
  fail: (error: EgressError) => void,
): void {
  if (!socket.connecting) return;
  const timer = setTimeout(() => fail(new EgressError('connect_timeout')), connectMs);
  timers.push(timer);
  socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => clearTimeout(timer));
}
