import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
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
