import createClient, { type Client } from 'openapi-fetch';
import { HoldfastError, type Problem } from './error.ts';
import type { paths } from './openapi.ts';

export interface HoldfastOptions {
  /** Where the server is, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** An API key, or a token of your identity provider. */
  key?: string;
  /** How often a request is tried again when no answer came, or 429 or 503 did. Default 3. */
  retries?: number;
  /** How long one attempt may take, in milliseconds. Default 30,000. */
  timeoutMs?: number;
  fetch?: (request: Request) => Promise<Response>;
}

/**
 * Every route, typed: `holdfast.POST('/api/v1/reservations', { body: { lines: [{ sku: 'MUG', quantity: 2 }] } })`.
 *
 * A refusal throws {@link HoldfastError}; `data` is what the server answered.
 */
export type Holdfast = Client<paths>;

const RETRIES_DEFAULT = 3;
const TIMEOUT_MS_DEFAULT = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * A client that may try again: each request that changes something carries an `Idempotency-Key` of its own (give a
 * header of that name to choose it), so that a repeat after a lost answer has no second effect.
 */
export function createHoldfast(options: HoldfastOptions): Holdfast {
  const send = options.fetch ?? ((request: Request) => fetch(request));
  const headers = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` };
  const client = createClient<paths>({
    baseUrl: options.baseUrl,
    headers,
    fetch: (request) => sendAndRetry(send, request, options),
  });
  client.use({
    onResponse: async ({ response }) => {
      if (!response.ok) throw await errorOf(response);
    },
  });
  return client;
}

async function sendAndRetry(
  send: (request: Request) => Promise<Response>,
  original: Request,
  { retries = RETRIES_DEFAULT, timeoutMs = TIMEOUT_MS_DEFAULT }: HoldfastOptions,
): Promise<Response> {
  const request = withIdempotencyKey(original);
  for (let attempt = 0; ; attempt += 1) {
    const isLast = attempt >= retries;
    try {
      const response = await send(new Request(request.clone(), { signal: timeoutOf(original, timeoutMs) }));
      const mayHelp = response.status === 429 || response.status === 503;
      if (!mayHelp || isLast) return response;
      await pause(pauseMs(attempt, response.headers.get('retry-after')), original.signal);
    } catch (error) {
      if (original.signal.aborted || isLast) throw original.signal.aborted ? error : unreachable(error);
      await pause(pauseMs(attempt, null), original.signal);
    }
  }
}

function withIdempotencyKey(request: Request): Request {
  if (request.method === 'GET' || request.headers.has('idempotency-key')) return request;
  const headers = new Headers(request.headers);
  headers.set('idempotency-key', crypto.randomUUID());
  return new Request(request, { headers });
}

function timeoutOf(request: Request, timeoutMs: number): AbortSignal {
  return AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
}

/** Twice as long each time, with jitter so that clients that failed together do not come back together. */
function pauseMs(attempt: number, retryAfter: string | null): number {
  const asked = Number(retryAfter);
  if (retryAfter !== null && Number.isFinite(asked)) return Math.min(LONGEST_PAUSE_MS, asked * 1000);
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

async function errorOf(response: Response): Promise<HoldfastError> {
  const requestId = response.headers.get('x-request-id');
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const problem = isProblem ? ((await response.clone().json()) as Problem) : null;
  return new HoldfastError(response.status, problem, requestId);
}

function unreachable(cause: unknown): HoldfastError {
  return new HoldfastError(0, null, null, { cause });
}
