import { EventSource } from 'eventsource';
import { expect } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { startTestApp, type TestApp, type TestAppOptions } from '../../../test/app.ts';
import { EVENT_TYPES } from './index.ts';

/** An event as its readers get it. */
export interface CloudEvent {
  specversion: string;
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  position: number;
  actor: string;
  data: { seq?: number; sku?: string; onHand?: number; [field: string]: unknown };
}

/** A Holdfast that listens, on loopback. */
export interface LiveApp extends TestApp {
  /** Such as http://127.0.0.1:45123 */
  url: string;
  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<Record<string, unknown>>;
  makeProduct(sku: string, units?: number): Promise<void>;
  /** Puts one unit more on a shelf of WH. */
  add(sku: string): Promise<void>;
  /** The ledger of a product, oldest first, as GET /ledger shows it. */
  ledgerOf(sku: string): Promise<unknown[]>;
}

export async function startLiveApp(options: TestAppOptions & { key?: string } = {}): Promise<LiveApp> {
  const app = await startTestApp({ duties: true, ...options });
  const url = await app.app.listen({ port: 0, host: '127.0.0.1' });
  const headers = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` };
  const call: LiveApp['call'] = async (method, path, body) => {
    const answer = await app.app.inject({
      method,
      url: `/api/v1${path}`,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${answer.body}`);
    return answer.body === '' ? {} : answer.json<Record<string, unknown>>();
  };
  return {
    ...app,
    url,
    call,
    makeProduct: async (sku, units = 100) => {
      await call('POST', '/products', { sku, name: sku });
      await call('POST', `/inventory/${sku}/adjust`, { location: 'WH', type: 'add', quantity: units });
    },
    add: async (sku) => {
      await call('POST', `/inventory/${sku}/adjust`, { location: 'WH', type: 'add', quantity: 1 });
    },
    ledgerOf: async (sku) => {
      const items: unknown[] = [];
      let cursor = '';
      do {
        const page = await call('GET', `/inventory/${sku}/ledger?sort=seq&limit=200${cursor}`);
        items.push(...(page['items'] as unknown[]));
        const next = page['nextCursor'] as string | null;
        cursor = next === null ? '' : `&cursor=${next}`;
      } while (cursor !== '');
      return items;
    },
  };
}

/** A browser's EventSource, and all that it got. */
export interface Reader {
  source: EventSource;
  events: CloudEvent[];
  lastEventId(): string;
  /** What the last frame of a stream that the server ended said. */
  ends: { code: string; detail: string }[];
  /** HTTP statuses of connections that were refused. */
  refusals: (number | undefined)[];
  opened: number;
  close(): void;
}

export function readStream(url: string, { query = '', key }: { query?: string; key?: string } = {}): Reader {
  const source = new EventSource(`${url}/api/v1/events/stream${query}`, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, ...(key === undefined ? {} : { 'x-api-key': key }) } }),
  });
  let last = '';
  const reader: Reader = {
    source,
    events: [],
    ends: [],
    refusals: [],
    opened: 0,
    lastEventId: () => last,
    close: () => source.close(),
  };
  source.addEventListener('open', () => (reader.opened += 1));
  source.addEventListener('error', (event: Event & { data?: unknown; code?: number }) => {
    if (typeof event.data === 'string') reader.ends.push(JSON.parse(event.data) as { code: string; detail: string });
    else reader.refusals.push(event.code);
  });
  for (const type of EVENT_TYPES) {
    source.addEventListener(type, ({ data, lastEventId }) => {
      last = lastEventId;
      reader.events.push(JSON.parse(data as string) as CloudEvent);
    });
  }
  return reader;
}

export async function isOpen(reader: Reader, times = 1): Promise<void> {
  await expect.poll(() => reader.opened, { timeout: 10_000 }).toBeGreaterThanOrEqual(times);
}

type Message = Record<string, unknown> & { type: string; position?: number; event?: CloudEvent; code?: string };

/** A WebSocket, and all that came over it. */
export interface Socket {
  ws: WebSocket;
  messages: Message[];
  events(): CloudEvent[];
  send(message: object): void;
  /** The code and the reason, once it is closed. */
  closed: Promise<{ code: number; reason: string }>;
  close(): void;
}

export interface SocketOptions extends ClientOptions {
  protocols?: string[];
}

/** Resolves once it is open; a refusal is thrown with its status. */
export async function openSocket(url: string, { protocols = [], ...options }: SocketOptions = {}): Promise<Socket> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/api/v1/ws`, protocols, options);
  const messages: Message[] = [];
  ws.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    ws.on('open', () => resolve());
    ws.on('error', reject);
  });
  return {
    ws,
    messages,
    events: () => messages.flatMap(({ event }) => event ?? []),
    send: (message) => ws.send(JSON.stringify(message)),
    closed,
    close: () => ws.terminate(),
  };
}
