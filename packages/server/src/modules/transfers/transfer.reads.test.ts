import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

let test: TestApp;

async function call(method: 'GET' | 'POST', path: string, body?: object) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, ...payload });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

async function made(path: string, body: object) {
  const answer = await call('POST', path, body);
  if (answer.status >= 300) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const ids: string[] = [];

beforeAll(async () => {
  test = await startTestApp();
  for (const code of ['A', 'B', 'C']) await made('/locations', { code, name: code, type: 'warehouse' });
  for (const sku of ['CUP', 'JUG']) {
    await made('/products', { sku, name: sku });
    await made(`/inventory/${sku}/adjust`, { location: 'A', type: 'set', quantity: 100 });
  }
  for (const [to, sku] of [
    ['B', 'CUP'],
    ['C', 'CUP'],
    ['B', 'JUG'],
  ] as const) {
    const { id } = await made('/transfers', { from: 'A', to, lines: [{ sku, quantity: 1 }] });
    ids.push(id);
  }
});
afterAll(() => test.close());

it('answers what the command answered, lines in their order', async () => {
  const lines = [
    { sku: 'JUG', quantity: 3 },
    { sku: 'CUP', quantity: 2 },
  ];
  const answered = await made('/transfers', { from: 'A', to: 'C', lines, reference: { type: 'run', id: '7' } });
  const { status, headers, body } = await call('GET', `/transfers/${answered.id}`);
  expect(status).toBe(200);
  expect(headers['etag']).toBe('"1"');
  expect(body).toEqual(answered);
  expect(body).toMatchObject({ status: 'completed', mode: 'immediate', from: 'A', to: 'C', lines });
  expect((await call('GET', '/transfers?limit=1')).body.items).toEqual([answered]);
  ids.push(answered.id);
});

it('lists them newest first, and filters', async () => {
  const list = async (query: string) => {
    const { status, body } = await call('GET', `/transfers?${query}`);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body.items.map(({ id }: { id: string }) => ids.indexOf(id));
  };
  expect(await list('limit=50')).toEqual([3, 2, 1, 0]);
  expect(await list('sort=createdAt')).toEqual([0, 1, 2, 3]);
  expect(await list('to=B')).toEqual([2, 0]);
  expect(await list('from=A&sku=CUP')).toEqual([3, 1, 0]);
  expect(await list('from=B')).toEqual([]);
  expect(await list('sku=NOPE')).toEqual([]);
  expect(await list('status=completed&to=C')).toEqual([3, 1]);
  const { nextCursor } = (await call('GET', '/transfers?limit=2')).body;
  expect(await list(`limit=2&cursor=${nextCursor}`)).toEqual([1, 0]);
  expect(await call('GET', `/transfers?limit=2&to=B&cursor=${nextCursor}`)).toMatchObject({
    status: 400,
    body: { code: 'invalid_cursor' },
  });
});

it('knows its own ids alone', async () => {
  expect(await call('GET', '/transfers/0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b')).toMatchObject({
    status: 404,
    body: { code: 'transfer_not_found' },
  });
});
