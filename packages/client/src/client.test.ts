import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { createHoldfast, HoldfastError } from './index.ts';

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

function answer(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type, ...headers }).end(JSON.stringify(body));
}

const reserve = { body: { lines: [{ sku: 'MUG', quantity: 1 }] } };

test('a lost answer is asked for again under the same key', async () => {
  const keys: unknown[] = [];
  const baseUrl = await serverThat((request, response, count) => {
    keys.push(request.headers['idempotency-key']);
    if (count === 1) request.socket.destroy();
    else answer(response, 201, { id: 'r-1' });
  });
  const { data } = await createHoldfast({ baseUrl }).POST('/api/v1/reservations', reserve);
  expect(data).toEqual({ id: 'r-1' });
  expect(keys).toHaveLength(2);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(keys[1]).toBe(keys[0]);
});

test('503 is tried again after Retry-After; other refusals are thrown at once', async () => {
  let calls = 0;
  const baseUrl = await serverThat((_request, response, count) => {
    calls = count;
    if (count === 1) answer(response, 503, { code: 'database_unavailable', detail: 'away' }, { 'retry-after': '0' });
    else
      answer(response, 409, { code: 'insufficient_stock', detail: 'too few', status: 409 }, { 'x-request-id': 'q-7' });
  });
  const refused = await createHoldfast({ baseUrl })
    .POST('/api/v1/reservations', reserve)
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(HoldfastError);
  expect(refused).toMatchObject({ status: 409, code: 'insufficient_stock', message: 'too few', requestId: 'q-7' });
  expect(calls).toBe(2);
});

test('the key goes with every request, and a GET carries no idempotency key', async () => {
  let headers: IncomingMessage['headers'] = {};
  const baseUrl = await serverThat((request, response) => {
    ({ headers } = request);
    answer(response, 200, { items: [], nextCursor: null });
  });
  await createHoldfast({ baseUrl, key: 'hf_key' }).GET('/api/v1/products');
  expect(headers.authorization).toBe('Bearer hf_key');
  expect(headers['idempotency-key']).toBeUndefined();
});

test('a server that is not there is unreachable', async () => {
  const holdfast = createHoldfast({ baseUrl: 'http://127.0.0.1:9', retries: 1 });
  await expect(holdfast.GET('/api/v1/products')).rejects.toMatchObject({ status: 0, code: 'unreachable' });
});

test('what the caller aborts is not tried again', async () => {
  let calls = 0;
  const baseUrl = await serverThat((_request, _response, count) => {
    calls = count;
  });
  const controller = new AbortController();
  const asked = createHoldfast({ baseUrl }).GET('/api/v1/products', { signal: controller.signal });
  await expect.poll(() => calls).toBe(1);
  controller.abort();
  await expect(asked).rejects.toThrow(/abort/i);
  expect(calls).toBe(1);
});

test('an answer that is cut short is asked for again under the same key', async () => {
  const keys: unknown[] = [];
  const baseUrl = await serverThat((request, response, count) => {
    keys.push(request.headers['idempotency-key']);
    if (count > 1) return answer(response, 201, { id: 'r-1' });
    response.writeHead(201, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"id":', () => request.socket.destroy());
  });
  const { data } = await createHoldfast({ baseUrl }).POST('/api/v1/reservations', reserve);
  expect(data).toEqual({ id: 'r-1' });
  expect(keys).toEqual([keys[0], keys[0]]);
});

test.each([502, 504])('%i of a proxy, whose instance has died under the request, is a lost answer', async (status) => {
  const keys: unknown[] = [];
  const baseUrl = await serverThat((request, response, count) => {
    keys.push(request.headers['idempotency-key']);
    if (count === 1) response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>');
    else answer(response, 201, { id: 'r-1' });
  });
  const { data } = await createHoldfast({ baseUrl }).POST('/api/v1/reservations', reserve);
  expect(data).toEqual({ id: 'r-1' });
  expect(keys).toEqual([keys[0], keys[0]]);
});

test('a check of a rate limit counts each time: one whose answer was lost is not made again', async () => {
  let calls = 0;
  const baseUrl = await serverThat((request, _response, count) => {
    calls = count;
    request.socket.destroy();
  });
  const asked = createHoldfast({ baseUrl }).POST('/api/v1/rate-limits/check', { body: { subject: 'customer-42' } });
  await expect(asked).rejects.toMatchObject({ code: 'unreachable' });
  expect(calls).toBe(1);
});

test.each([
  ['seconds', '60'],
  ['a date', new Date(Date.now() + 3_600_000).toUTCString()],
])(
  'a pause that is longer than it waits, in %s, is for the caller: it does not come back too early',
  async (_, asks) => {
    let calls = 0;
    const baseUrl = await serverThat((_request, response, count) => {
      calls = count;
      answer(response, 429, { code: 'rate_limited', retryAfterMs: 60_000 }, { 'retry-after': asks });
    });
    const asked = createHoldfast({ baseUrl }).GET('/api/v1/products');
    await expect(asked).rejects.toMatchObject({ status: 429, code: 'rate_limited', problem: { retryAfterMs: 60_000 } });
    expect(calls).toBe(1);
  },
);

test('304 is an answer and no refusal', async () => {
  const baseUrl = await serverThat((_request, response) => {
    // What a proxy may say of a body that there is not.
    response.writeHead(304, { etag: '"1"', 'content-type': 'application/json' }).end();
  });
  const { data, response } = await createHoldfast({ baseUrl }).GET('/api/v1/inventory/{sku}', {
    params: { path: { sku: 'MUG' }, header: { 'If-None-Match': '"1"' } },
  });
  expect([response.status, data]).toEqual([304, undefined]);
});

test('a page on plain HTTP, where browsers have no crypto.randomUUID, sends commands too', async () => {
  vi.stubGlobal('crypto', { getRandomValues: <Bytes extends Uint8Array>(bytes: Bytes) => bytes.fill(7) });
  closers.push(() => vi.unstubAllGlobals());
  const keys: unknown[] = [];
  const baseUrl = await serverThat((request, response) => {
    keys.push(request.headers['idempotency-key']);
    answer(response, 201, { id: 'r-1' });
  });
  await createHoldfast({ baseUrl }).POST('/api/v1/reservations', reserve);
  expect(keys).toEqual(['07'.repeat(18)]);
});
