import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { toEgressError, EgressError } from './egress.error.ts';
import { createEgressGuard } from './egress.guard.ts';
import { readExchange } from './exchange.ts';
import { createResolver, type Resolve } from './resolver.ts';
import type { Target } from './target.ts';

export interface EgressOptions {
  /** HOLDFAST_EGRESS_ALLOW: host names, addresses and CIDR blocks that may be reached although they are private. */
  allow: readonly string[];
  /** For tests: the answers of the DNS. */
  resolve?: Resolve;
  /** For tests: a certificate authority in place of the public ones. */
  ca?: string;
}

export interface EgressRequest {
  url: string;
  method: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** Resolving, connecting and TLS together. */
  connectTimeoutMs?: number;
  /** All of it, to the last byte of the body. */
  timeoutMs?: number;
  /** How long the body may take once the head of the answer is there. */
  bodyTimeoutMs?: number;
  /** More of the body is not read. */
  maxResponseBytes?: number;
  signal?: AbortSignal;
}

export interface EgressResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** false: it was larger than asked for, or did not come in time, and this is its beginning. */
  isComplete: boolean;
  durationMs: number;
}

/**
 * The one way out for calls to targets that were set through the API. What it promises: only http and https; only
 * addresses that were judged after resolving, and the connection goes to exactly those; redirects are not followed; no
 * proxy of the environment is used; certificates are verified; every wait and every size is bounded.
 */
export interface Egress {
  /**
   * For the moment at which a target is set.
   *
   * @param path where the URL stands in the request, for the error
   * @throws Problem `validation_failed`, `forbidden_target`
   */
  checkTarget(url: string, path?: string): Promise<void>;
  /**
   * Answers as soon as the head of an answer came, whatever its status and however its body ends.
   *
   * @throws Problem `forbidden_target`; EgressError where no answer came
   */
  request(call: EgressRequest): Promise<EgressResponse>;
  /** Closes what is kept open. */
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const TIMEOUT_MS = 15_000;
const MAX_RESPONSE_BYTES = 65_536;
const HEAD_MAX_BYTES = 16_384;
const IDLE_MS = 15_000;
const IDLE_PER_TARGET = 8;

export function createEgress(options: EgressOptions): Egress {
  const asksMachine = options.allow.length > 0;
  const guard = createEgressGuard({
    allow: options.allow,
    resolve: options.resolve ?? createResolver({ asksMachine }),
  });
  // A socket asks the guard for its addresses: one that is kept open goes on to an address that was judged. Agents of
  // our own take no proxy from the environment.
  const sockets = { keepAlive: true, maxFreeSockets: IDLE_PER_TARGET, timeout: IDLE_MS, lookup: guard.lookup };
  const http = new HttpAgent(sockets);
  const https = new HttpsAgent({ ...sockets, ...(options.ca === undefined ? {} : { ca: options.ca }) });

  function open(target: Target, call: EgressRequest): ClientRequest {
    const { url, host } = target;
    const isTls = url.protocol === 'https:';
    const port = url.port === '' ? '' : `:${url.port}`;
    const common = {
      hostname: host,
      port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      method: call.method,
      headers: {
        ...ownHeaders(call.headers),
        ...lengthOf(call.body),
        host: `${host.includes(':') ? `[${host}]` : host}${port}`,
      },
      maxHeaderSize: HEAD_MAX_BYTES,
    };
    // Stated, since NODE_TLS_REJECT_UNAUTHORIZED would change the default.
    if (isTls) return httpsRequest({ ...common, agent: https, rejectUnauthorized: true });
    return httpRequest({ ...common, agent: http });
  }

  async function attempt(target: Target, call: EgressRequest, startedMs: number): Promise<EgressResponse> {
    const elapsedMs = performance.now() - startedMs;
    const request = open(target, call);
    const exchange = await readExchange(request, call.body, {
      connectMs: call.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      totalMs: Math.max(1, (call.timeoutMs ?? TIMEOUT_MS) - elapsedMs),
      bodyMs: call.bodyTimeoutMs ?? TIMEOUT_MS,
      maxBytes: call.maxResponseBytes ?? MAX_RESPONSE_BYTES,
      signal: call.signal,
    });
    return { ...exchange, durationMs: Math.round(performance.now() - startedMs) };
  }

  return {
    checkTarget: (url, path) => guard.check(url, path),
    request: async (call) => {
      const target = guard.parse(call.url);
      const startedMs = performance.now();
      try {
        return await attempt(target, call, startedMs);
      } catch (error) {
        // The other side closed a connection that was kept open, just as it was taken again: nothing was answered.
        if (!(error instanceof EgressError) || !error.isStaleConnection) throw toEgressError(error);
        return attempt(target, call, startedMs);
      }
    },
    close: () => {
      http.destroy();
      https.destroy();
    },
  };
}

/** Those that say where a message goes and where it ends are ours. */
const FRAMING = /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer|proxy-.*)$/i;

function ownHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !FRAMING.test(name)));
}

function lengthOf(body: string | Buffer | undefined): Record<string, number> {
  return body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
}
