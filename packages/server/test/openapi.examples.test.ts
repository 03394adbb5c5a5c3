import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from './app.ts';

interface Operation {
  parameters?: { name: string; description?: string; schema: { description?: string } }[];
  requestBody?: { content: Record<string, { example?: unknown }> };
  responses: Record<string, { headers?: Record<string, unknown> }>;
}

/** What an example names where only the server knows the id. */
const ANY_ID = '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b';
/** Headers that only the answer to a repeated request has. */
const ONLY_AGAIN = new Set(['Idempotency-Replayed']);
/** What others need, before them. */
const FIRST = ['/products', '/locations', '/inventory/{sku}/adjust', '/people', '/jobs', '/webhooks', '/rate-limits'];

const { paths } = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path: path.replace('/api/v1', ''), method, operation })),
);

const examples = operations
  .map(({ path, method, operation }) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    method: method.toUpperCase() as 'POST' | 'PUT' | 'PATCH',
    example: operation.requestBody?.content['application/json']?.example,
    responses: operation.responses,
  }))
  .filter(({ example }) => example !== undefined)
  .sort((left, right) => rankOf(left.path) - rankOf(right.path));

function rankOf(path: string): number {
  const rank = FIRST.indexOf(path);
  return rank < 0 ? FIRST.length : rank;
}

describe('the requests that the OpenAPI document shows, sent as they are', () => {
  let holdfast: TestApp;
  let key: string | null = null;

  beforeAll(async () => {
    holdfast = await startTestApp();
    key = (await send('POST', '/api-keys', { name: 'ops', scopes: ['admin'] })).json<{ key: string }>().key;
    await holdfast.server.jobs.queue.open();
    await made('POST', '/products', { sku: 'MUG-BLUE', name: 'Blue mug' });
    for (const code of ['BERLIN', 'WH002']) await made('POST', '/locations', { code, name: code, type: 'store' });
    await made('POST', '/inventory/MUG-BLUE/adjust', { location: 'BERLIN', type: 'add', quantity: 500 });
  });
  afterAll(() => holdfast.close());

  test.each(examples)('$name', async ({ method, path, example, responses }) => {
    const id = await idFor(path);
    const url = path.replace('{sku}', 'SKU-1').replace('{code}', 'WH001').replace('{tier}', 'gold').replace('{id}', id);
    const body = JSON.parse(JSON.stringify(example).replaceAll(ANY_ID, id)) as object;
    const answer = await send(method, url, body);
    expect({ status: answer.statusCode, body: answer.body }).toMatchObject({
      status: expect.toSatisfy((status: number) => status < 300, 'a success') as number,
    });
    const named = Object.keys(responses[answer.statusCode]?.headers ?? {}).filter((name) => !ONLY_AGAIN.has(name));
    for (const name of named) expect(answer.headers).toHaveProperty(name.toLowerCase());
  });

  const send = (method: 'GET' | 'POST' | 'PUT' | 'PATCH', url: string, payload?: object) =>
    holdfast.app.inject({
      method,
      url: `/api/v1${url}`,
      headers: key === null ? {} : { 'x-api-key': key },
      ...(payload === undefined ? {} : { payload }),
    });

  async function made(method: 'POST', url: string, body: object): Promise<string> {
    const answer = await send(method, url, body);
    if (answer.statusCode !== 201 && answer.statusCode !== 200) throw new Error(`${url}: ${answer.body}`);
    return answer.json<{ id: string }>().id;
  }

  /** Of what the path is about: a fresh reservation, an alert that is open, or the newest of the list. */
  async function idFor(path: string): Promise<string> {
    if (/^\/(?:reservations|transfers|inventory\/\{sku\}\/re)/.test(path)) {
      await made('POST', '/inventory/SKU-1/adjust', { location: 'WH001', type: 'add', quantity: 50 });
    }
    if (path.startsWith('/reservations/{id}') || path.endsWith('/release')) {
      const sku = path.endsWith('/release') ? 'SKU-1' : 'MUG-BLUE';
      const id = await made('POST', `/inventory/${sku}/reserve`, { quantity: 5 });
      if (path.endsWith('/ship')) await made('POST', `/reservations/${id}/confirm`, {});
      return id;
    }
    if (path === '/alerts/acknowledge') {
      await made('POST', '/products', { sku: 'LOW', name: 'Low', reorderPoint: 5 });
      await made('POST', '/inventory/LOW/adjust', { location: 'WH002', type: 'add', quantity: 5 });
    }
    const list = /^\/(?:alerts|people|webhooks|rate-limits|jobs)/.exec(path)?.[0] ?? '/jobs';
    const { items } = (await send('GET', `${list}?limit=1${list === '/jobs' ? '&system=false' : ''}`)).json<{
      items: { id: string }[];
    }>();
    return items[0]?.id ?? ANY_ID;
  }
});

test('every parameter of the OpenAPI document is described', () => {
  const silent = operations.flatMap(({ path, method, operation }) =>
    (operation.parameters ?? [])
      .filter(({ description, schema }) => (description ?? schema.description ?? '') === '')
      .map(({ name }) => `${method.toUpperCase()} ${path}: ${name}`),
  );
  expect(silent).toEqual([]);
});
