import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

let test: TestApp;

async function post(path: string, payload: object) {
  const answer = await test.app.inject({ method: 'POST', url: `/api/v1${path}`, payload });
  return { status: answer.statusCode, body: answer.json() };
}

const ask = (count: number, line: object) =>
  post('/availability', { lines: Array.from({ length: count }, () => ({ sku: 'WIDE', quantity: 1, ...line })) });

beforeAll(async () => {
  test = await startTestApp();
  await post('/products', { sku: 'WIDE', name: 'Sold everywhere' });
  const codes = Array.from({ length: 201 }, (_, index) => `L-${index}`);
  for (const code of codes) await post('/locations', { code, name: code, type: 'store' });
  const adjustments = codes.map((location) => ({ sku: 'WIDE', location, type: 'add', quantity: 1 }));
  await post('/adjustments', { adjustments });
});
afterAll(() => test.close());

it('answers at most 100,000 places', async () => {
  const { status, body } = await ask(497, {});
  expect([status, body.lines[496].byLocation.length]).toEqual([200, 201]);
  expect(await ask(498, {})).toMatchObject({ status: 400, body: { errors: [{ path: '/lines' }] } });
});

it('counts one place for a line that names it', async () => {
  const { status, body } = await ask(500, { location: 'L-7' });
  expect([status, body.lines[499].available, body.lines[499].fulfillable]).toEqual([200, 1, false]);
  const lines = [
    { sku: 'WIDE', quantity: 200 },
    { sku: 'WIDE', quantity: 1, location: 'L-7' },
  ];
  expect((await post('/availability', { lines })).body.lines).toMatchObject([
    { available: 201, fulfillable: true },
    { available: 1, fulfillable: true },
  ]);
});
