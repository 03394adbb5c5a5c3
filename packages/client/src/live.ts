import { HoldfastError, type Problem } from './error.ts';
import type { EventType, HoldfastEvent } from './live.types.ts';
import { createSseParser, type Block } from './sse.parser.ts';

/** Whether events arrive now. */
export type LiveState =
  | { is: 'connecting' }
  /** Everything behind this position will be told. */
  | { is: 'open'; position: number }
  /** The connection was lost; another is tried after this. */
  | { is: 'waiting'; forMs: number };

export interface FollowOptions {
  /** Where the server is, such as `http://127.0.0.1:8080`; empty in a page that it serves itself. */
  baseUrl: string;
  /** An API key, or a token of your identity provider; a function where it changes. */
  key?: string | (() => string) | undefined;
  /**
   * `product:<sku>`, `location:<code>`, `alerts`, `reservations`, `rate-limits`, `jobs`, `job:<id>`: one suffices. None:
   * everything.
   */
  topics?: readonly string[] | undefined;
  /** None: all. */
  types?: readonly (EventType | `${string}.*`)[] | undefined;
  /** The position that you have already: what follows it is told first. Without it, what happens from now on. */
  after?: number | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
  /** Called whenever it changes. */
  onState?: ((state: LiveState) => void) | undefined;
  /** What sends requests, in place of the global `fetch`. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
}

/** The server says something every 15 s. */
const SILENT_MS = 45_000;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/**
 * Every event from a position on, in order and each once, for as long as you like: a connection that is lost is made
 * again and goes on where it was. Reading goes only as fast as you take.
 *
 * ```ts
 * for await (const event of followEvents({ baseUrl, key, topics: ['product:MUG-BLUE'] })) {
 *   if (event.type === 'stock.changed') console.log(event.data.onHand);
 *   await save(event.position); // `after`, when you start again
 * }
 * ```
 *
 * It ends when `signal` is aborted. A refusal that no retry will change throws {@link HoldfastError}: `position_gone`
 * where what you ask for is kept no longer (read the present state, then follow from now on), `unauthorized`,
 * `forbidden`, `validation_failed`.
 *
 * @throws TypeError where `baseUrl` is no address, or no header can carry `key`
 */
export async function* followEvents(options: FollowOptions): AsyncGenerator<HoldfastEvent, void, undefined> {
  const { signal = new AbortController().signal, onState = () => undefined } = options;
  let position = options.after;
  let failures = 0;
  let retryMs = RETRY_MS;
  while (!signal.aborted) {
    onState({ is: 'connecting' });
    // Not within the try: what cannot be asked at all would be tried for ever.
    const asked = requestOf(options, position);
    try {
      for await (const block of blocksOf(options, asked, signal)) {
        if (block.retryMs !== null) retryMs = block.retryMs;
        if (block.event === 'error' && block.data !== null) throw endedBy(block.data);
        const at = block.id === null || block.id === '' ? null : Number(block.id);
        if (at !== null && block.data === null) {
          failures = 0;
          position = Math.max(at, position ?? 0);
          onState({ is: 'open', position });
        }
        if (at === null || block.data === null || (position !== undefined && at <= position)) continue;
        position = at;
        yield JSON.parse(block.data) as HoldfastEvent;
      }
    } catch (error) {
      if (isAborted(signal)) return;
      if (isFinal(error)) throw error;
    }
    if (isAborted(signal)) return;
    const forMs = Math.min(RETRY_MAX_MS, retryMs * 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    onState({ is: 'waiting', forMs });
    await pause(forMs, signal);
  }
}

/** One connection, until it ends. */
async function* blocksOf(
  { fetch: send = (url, init) => fetch(url, init) }: FollowOptions,
  { url, headers }: Asked,
  signal: AbortSignal,
): AsyncGenerator<Block> {
  const connection = new AbortController();
  let hush: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(hush);
    hush = setTimeout(() => connection.abort(new Error('nothing was heard for too long')), SILENT_MS);
  };
  heard();
  try {
    const both = AbortSignal.any([signal, connection.signal]);
    const response = await send(url, { headers, cache: 'no-store', signal: both });
    if (!response.ok || response.body === null) throw await refusalOf(response);
    const parse = createSseParser();
    const decoder = new TextDecoder();
    const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const text = decoder.decode(value, { stream: true });
      // A reader that takes its time over an event is not the server's silence.
      clearTimeout(hush);
      yield* parse(text);
      heard();
    }
  } finally {
    clearTimeout(hush);
    connection.abort();
  }
}

interface Asked {
  url: string;
  headers: Record<string, string>;
}

function requestOf(options: FollowOptions, after: number | undefined): Asked {
  const asked = { url: urlOf(options), headers: headersOf(options, after) };
  const { protocol } = new URL(new Request(asked.url, asked).url);
  if (!/^https?:$/.test(protocol)) throw new TypeError(`${options.baseUrl} is not an address of http or https`);
  return asked;
}

function urlOf({ baseUrl, topics = [], types = [] }: FollowOptions): string {
  const query = new URLSearchParams();
  if (topics.length > 0) query.set('topics', topics.join(','));
  if (types.length > 0) query.set('types', types.join(','));
  return `${baseUrl.replace(/\/$/, '')}/api/v1/events/stream${query.size === 0 ? '' : `?${query.toString()}`}`;
}

function headersOf({ key }: FollowOptions, after: number | undefined): Record<string, string> {
  const secret = typeof key === 'function' ? key() : key;
  return {
    accept: 'text/event-stream',
    ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
    ...(after === undefined ? {} : { 'last-event-id': String(after) }),
  };
}

async function refusalOf(response: Response): Promise<HoldfastError> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const problem = isProblem ? ((await response.json()) as Problem) : null;
  return new HoldfastError(response.status, problem, response.headers.get('x-request-id'));
}

/** What the last frame of a stream that the server ended says. */
function endedBy(data: string): HoldfastError {
  const said = JSON.parse(data) as Pick<Problem, 'code' | 'detail'>;
  const status = STATUS_OF_ENDS[said.code] ?? 503;
  return new HoldfastError(
    status,
    { type: `urn:holdfast:problem:${said.code}`, title: said.detail, status, ...said },
    null,
  );
}

const STATUS_OF_ENDS: Readonly<Record<string, number>> = { unauthorized: 401, forbidden: 403, position_gone: 410 };

/** Whether it would be refused again. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof HoldfastError && error.status >= 400 && error.status < 500 && ![408, 429].includes(error.status)
  );
}

/** As a call: an event may have aborted it since it was last asked. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
