import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import {
  followEvents,
  HoldfastError,
  type EventType,
  type FollowOptions,
  type HoldfastEvent,
  type LiveState,
} from './index.ts';
import { createSseParser } from './sse.parser.ts';

const ASYNCAPI = new URL('../../server/asyncapi.json', import.meta.url);
/** Kept complete by its type. */
const KNOWN: Record<EventType, true> = {
  'stock.changed': true,
  'reservation.created': true,
  'reservation.confirmed': true,
  'reservation.shipped': true,
  'reservation.cancelled': true,
  'reservation.expired': true,
  'reservation.changed': true,
  'reservation.extended': true,
  'transfer.created': true,
  'alert.opened': true,
  'alert.acknowledged': true,
  'alert.resolved': true,
  'level.updated': true,
  'product.created': true,
  'product.updated': true,
  'product.archived': true,
  'location.created': true,
  'location.updated': true,
  'location.archived': true,
  'rate_limit.limited': true,
  'run.queued': true,
  'run.held': true,
  'run.skipped': true,
  'run.started': true,
  'run.progressed': true,
  'run.retrying': true,
  'run.succeeded': true,
  'run.failed': true,
  'run.cancel_requested': true,
  'run.cancelled': true,
  'run.deadline_at_risk': true,
  'run.deadline_missed': true,
};

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A real server that answers as it is told; `count` starts at 1. */
async function serverThat(handler: Handler): Promise<string> {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    handler(request, response, count);
  });
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function open(response: ServerResponse, position: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`: hello\n\nretry: 1\nid: ${position}\n\n`);
}

function tell(response: ServerResponse, position: number): void {
  response.write(`id: ${position}\nevent: stock.changed\ndata: {"type":"stock.changed","position":${position}}\n\n`);
}

async function take(count: number, options: FollowOptions): Promise<number[]> {
  const positions: number[] = [];
  for await (const { position } of followEvents(options)) {
    positions.push(position);
    if (positions.length === count) break;
  }
  return positions;
}

test('events come as they are told, and a connection that breaks goes on behind the last one', async () => {
  const asked: unknown[] = [];
  const baseUrl = await serverThat((request, response, count) => {
    asked.push([request.url, request.headers['last-event-id'], request.headers.authorization]);
    open(response, count === 1 ? 10 : 12);
    if (count === 1) {
      tell(response, 11);
      tell(response, 12);
      response.end();
    } else {
      tell(response, 12);
      tell(response, 15);
    }
  });
  const taken = await take(3, { baseUrl, key: 'hf_key', topics: ['product:A', 'alerts'], types: ['stock.changed'] });
  expect(taken).toEqual([11, 12, 15]);
  const url = '/api/v1/events/stream?topics=product%3AA%2Calerts&types=stock.changed';
  expect(asked).toEqual([
    [url, undefined, 'Bearer hf_key'],
    [url, '12', 'Bearer hf_key'],
  ]);
});

test('a connection that breaks before the first event goes on from where it began', async () => {
  const asked: unknown[] = [];
  const baseUrl = await serverThat((request, response, count) => {
    asked.push(request.headers['last-event-id']);
    open(response, 40);
    if (count === 1) response.end();
    else tell(response, 41);
  });
  expect(await take(1, { baseUrl })).toEqual([41]);
  expect(asked).toEqual([undefined, '40']);
});

test('an end that a retry may change is tried again; one that it will not is thrown', async () => {
  const states: LiveState['is'][] = [];
  const baseUrl = await serverThat((_request, response, count) => {
    if (count === 1) {
      response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{"code":"too_many_connections"}');
      return;
    }
    open(response, 7);
    const code = count === 2 ? 'slow_reader' : 'unauthorized';
    response.end(`retry: 1\nevent: error\ndata: {"code":"${code}","detail":"so it is"}\n\n`);
  });
  const failure = await take(1, { baseUrl, onState: ({ is }) => states.push(is) }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(HoldfastError);
  expect(failure).toMatchObject({ status: 401, code: 'unauthorized', message: 'so it is' });
  expect(states).toEqual(['connecting', 'waiting', 'connecting', 'open', 'waiting', 'connecting', 'open']);
});

test('a position that is kept no longer is thrown', async () => {
  const baseUrl = await serverThat((_request, response) => {
    response.writeHead(410, { 'content-type': 'application/problem+json' }).end('{"code":"position_gone"}');
  });
  await expect(take(1, { baseUrl, after: 3 })).rejects.toMatchObject({ status: 410, code: 'position_gone' });
});

test('what the caller aborts ends, and the connection with it', async () => {
  let isGone = false;
  const baseUrl = await serverThat((request, response) => {
    request.on('close', () => (isGone = true));
    open(response, 1);
    tell(response, 2);
  });
  const controller = new AbortController();
  const events: HoldfastEvent[] = [];
  for await (const event of followEvents({ baseUrl, signal: controller.signal })) {
    events.push(event);
    controller.abort();
  }
  expect(events).toHaveLength(1);
  await expect.poll(() => isGone).toBe(true);
});

test('the types of events that a server can tell are the types that the client knows', () => {
  const { channels } = JSON.parse(readFileSync(ASYNCAPI, 'utf8')) as { channels: { stream: { messages: object } } };
  const told = Object.keys(channels.stream.messages).filter((name) => name.includes('.'));
  expect(told.sort()).toEqual(Object.keys(KNOWN).sort());
});

test('a base address may end in a slash, or be below a path', async () => {
  const asked: unknown[] = [];
  const baseUrl = await serverThat((request, response) => {
    asked.push(request.url);
    open(response, 1);
    tell(response, 2);
  });
  expect(await take(1, { baseUrl: `${baseUrl}/` })).toEqual([2]);
  expect(await take(1, { baseUrl: `${baseUrl}/stock/` })).toEqual([2]);
  expect(asked).toEqual(['/api/v1/events/stream', '/stock/api/v1/events/stream']);
});

test.each([
  { baseUrl: '127.0.0.1:8080' },
  { baseUrl: 'localhost:8080' },
  { baseUrl: 'http://127.0.0.1:1', key: 'a\nb' },
])('what cannot be asked at all is thrown: %j', async (options) => {
  const told = followEvents({ ...options, signal: AbortSignal.timeout(2_000) });
  await expect(told.next()).rejects.toThrow(TypeError);
});

test('a stream is taken apart in whatever pieces it comes', () => {
  const text = ': hi\r\nid: 1\r\nevent: a\rdata: x\ndata:  y\n\nid: 2\nretry: 30\n\ndata\n\n';
  const expected = [
    { id: '1', event: 'a', data: 'x\n y', retryMs: null },
    { id: '2', event: 'message', data: null, retryMs: 30 },
    { id: null, event: 'message', data: '', retryMs: null },
  ];
  for (let size = 1; size <= text.length; size += 1) {
    const parse = createSseParser();
    const blocks = [];
    for (let from = 0; from < text.length; from += size) blocks.push(...parse(text.slice(from, from + size)));
    expect(blocks).toEqual(expected);
  }
});
