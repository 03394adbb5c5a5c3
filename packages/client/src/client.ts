import createClient, { type Client } from 'openapi-fetch';
import { HoldfastError, type Problem } from './error.ts';
import type { paths } from './openapi.ts';

export interface HoldfastOptions {
  /** Where the server is, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** An API key, or a token of your identity provider. */
  key?: string | undefined;
  /** How often a request is tried again when no answer came (502 and 504 are a proxy's word for that), or 429 or 503. Default 3. */
  retries?: number | undefined;
  /** How long one attempt may take, its answer's body included, in milliseconds. Default 30,000. */
  timeoutMs?: number | undefined;
  /** What sends requests, in place of the global `fetch`. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
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
 * header of that name to choose it), so that a repeat after a lost answer has no second effect. Checks of a rate limit
 * count each time, so a lost one is not repeated. Where the server asks for a longer pause than 5 s (`Retry-After`), its
 * refusal is thrown at once: when to come back is yours to say.
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
      if (response.status >= 400) throw await errorOf(response);
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
    const { signal } = original;
    let asked: number | null = null;
    try {
      const response = await whole(await send(new Request(request.clone(), { signal: timeoutOf(signal, timeoutMs) })));
      asked = retryAfterMs(response);
      if (isLast || !mayHelp(response, request) || Number(asked) > LONGEST_PAUSE_MS) return response;
    } catch (error) {
      if (signal.aborted) throw error;
      if (isLast || countsEachTime(request)) throw unreachable(error);
    }
    await pause(pauseMs(attempt, asked), signal);
  }
}

/** 429 and 503 did nothing, or say so by `outcome_unknown`; 502 and 504 are of a proxy that was not answered. */
function mayHelp({ status }: Response, request: Request): boolean {
  if (status === 502 || status === 504) return !countsEachTime(request);
  return status === 429 || status === 503;
}

/** An `Idempotency-Key` has no effect there. */
function countsEachTime({ method, url }: Request): boolean {
  return method === 'POST' && /\/rate-limits\/check(?:\/batch)?$/.test(url);
}

/** An answer in JSON is read here, where one that is cut short can be asked for again; files go on as streams. */
async function whole(response: Response): Promise<Response> {
  const isJson =
    response.body !== null && /^application\/(?:problem\+)?json\b/.test(response.headers.get('content-type') ?? '');
  return isJson ? new Response(await response.text(), response) : response;
}

function withIdempotencyKey(request: Request): Request {
  if (request.method === 'GET' || request.headers.has('idempotency-key')) return request;
  const headers = new Headers(request.headers);
  headers.set('idempotency-key', randomKey());
  return new Request(request, { headers });
}

/** Browsers have `crypto.randomUUID` on HTTPS and on their own machine only. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(18)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function timeoutOf(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
}

/** `Retry-After`: seconds from us, perhaps a date from a proxy (RFC 9110, section 10.2.3). */
function retryAfterMs({ headers }: Response): number | null {
  const value = headers.get('retry-after') ?? '';
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** Twice as long each time, with jitter so that clients that failed together do not come back together. */
function pauseMs(attempt: number, askedMs: number | null): number {
  if (askedMs !== null) return askedMs;
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
