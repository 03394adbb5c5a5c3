import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

let server: TestApp;
beforeAll(async () => {
  server = await startTestApp();
  await post('/locations', { code: 'WH', name: 'Warehouse', type: 'warehouse' });
});
afterAll(() => server.close());

async function post(path: string, payload: object) {
  const answer = await server.app.inject({ method: 'POST', url: `/api/v1${path}`, payload });
  return { status: answer.statusCode, body: answer.json() };
}

async function stocked(sku: string, quantity: number) {
  await post('/products', { sku, name: sku });
  await post(`/inventory/${sku}/adjust`, { location: 'WH', type: 'set', quantity });
}

test('every contradiction is named, of one reservation and of many', async () => {
  const lines = [{ sku: 'CUP', quantity: 1 }];
  const twice = { lines, ttlSeconds: 60, expiresAt: '2030-01-01T00:00:00Z' };
  const nowhere = { lines, sourcing: { strategy: 'nearest' } };
  const paths = ({ body }: { body: { errors: { path: string }[] } }) => body.errors.map(({ path }) => path);
  expect(paths(await post('/reservations', { ...twice, ...nowhere }))).toEqual(['/ttlSeconds', '/sourcing/near']);
  expect(paths(await post('/reservations/batch', { reservations: [twice, { lines }, nowhere] }))).toEqual([
    '/reservations/0/ttlSeconds',
    '/reservations/2/sourcing/near',
  ]);
});

test('a thousand lines that want whatever is left of one product share it', async () => {
  await stocked('CUP', 10);
  await post('/inventory/CUP/reserve', { quantity: 3 });
  const lines = Array.from({ length: 1_000 }, () => ({ sku: 'CUP', quantity: 1 }));
  const { status, body } = await post('/reservations', { lines, partial: true });
  expect(status).toBe(201);
  expect(body.lines.filter(({ quantity }: { quantity: number }) => quantity === 1)).toHaveLength(7);
});

test('a batch that asks a thousand times for the place with the most is answered item by item', async () => {
  await stocked('JUG', 5);
  await post('/inventory/JUG/reserve', { quantity: 2 });
  const line = { sku: 'JUG', quantity: 1 };
  const one = { lines: [line, line], sourcing: { strategy: 'most_available' } };
  const { status, body } = await post('/reservations/batch', { reservations: Array.from({ length: 500 }, () => one) });
  expect([status, body.succeeded, body.failed]).toEqual([200, 1, 499]);
});
