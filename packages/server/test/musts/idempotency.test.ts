import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../app.ts';
import { until } from '../holdfast.process.ts';
import { digestOf } from './database.digest.ts';

let one: TestApp;
let other: TestApp;
let client: pg.Client;

beforeAll(async () => {
  // A planted failure is no news.
  const env = { LOG_LEVEL: 'silent' };
  one = await startTestApp({ env });
  other = await startTestApp({ env, connection: one.connection });
  client = new pg.Client(one.connection);
  await client.connect();
  await send({ url: '/locations', payload: { code: 'LOC-1', name: 'One', type: 'store' } });
  for (const sku of ['SKU-1', 'SKU-2']) await send({ url: '/products', payload: { sku, name: sku } });
});

afterAll(async () => {
  await client.end();
  await other.close();
  await one.close();
});

interface Sent {
  at?: TestApp;
  method?: 'POST' | 'PATCH' | 'DELETE' | 'PUT';
  url: string;
  payload?: object;
  key?: string;
  headers?: Record<string, string>;
}

async function send({ at = one, method = 'POST', url, payload, key, headers = {} }: Sent) {
  const answer = await at.app.inject({
    method,
    url: `/api/v1${url}`,
    headers: { ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) },
    ...(payload === undefined ? {} : { payload }),
  });
  const { 'idempotency-replayed': replayed, location, etag } = answer.headers;
  return { status: answer.statusCode, text: answer.body, replayed: replayed ?? null, location, etag };
}

const codeOf = (answer: { text: string }): unknown => (JSON.parse(answer.text) as { code?: unknown }).code;

const add = (quantity: number, sku = 'SKU-1'): Omit<Sent, 'key'> => ({
  url: `/inventory/${sku}/adjust`,
  payload: { location: 'LOC-1', type: 'add', quantity },
});

/** One of each command of jobs, in an order in which all of them are possible. */
async function jobCommands(): Promise<Sent[]> {
  for (const { server } of [one, other]) await server.jobs.queue.open();
  // Holdfast makes its own jobs beside its start: their being made would look like a repeat that did something.
  await until('the jobs of its own', async () => (await numberOf('SELECT count(*) FROM job WHERE is_system')) > 0);
  const payload = (name: string) => ({ name, type: 'http_request', config: { url: 'https://93.184.216.34/hooks' } });
  const made = async (url: string, body: object): Promise<string> => {
    const answer = await send({ url, payload: body });
    if (answer.status >= 300) throw new Error(answer.text);
    return (JSON.parse(answer.text) as { id: string }).id;
  };
  const job = await made('/jobs', payload('Call'));
  const runs = [];
  for (let index = 0; index < 4; index += 1) runs.push(await made(`/jobs/${job}/run`, { delayMs: 86_400_000 }));
  const [waiting, failed, alsoFailed, held] = runs;
  const over = `ticket_id = NULL, finished_at = now(), error = '{"code":"failed","message":"planted"}'`;
  await client.query(`UPDATE run SET status = 'failed', ${over} WHERE id IN ($1, $2)`, [failed, alsoFailed]);
  await client.query(`UPDATE run SET status = 'held', ticket_id = NULL WHERE id = $1`, [held]);
  return [
    { url: '/jobs', payload: payload('Call again') },
    { method: 'PATCH', url: `/jobs/${job}`, payload: { retries: 7 } },
    { url: `/jobs/${job}/run`, payload: { delayMs: 86_400_000 } },
    { url: `/runs/${waiting}/cancel` },
    { url: `/runs/${failed}/redrive` },
    { url: '/runs/redrive', payload: { ids: [alsoFailed] } },
    { url: `/runs/${held}/release` },
    { method: 'DELETE', url: `/jobs/${job}` },
  ];
}

async function numberOf(statement: string): Promise<number> {
  const { rows } = await client.query<{ number: string }>(`SELECT (${statement}) AS number`);
  return Number(rows[0]?.number);
}

test('a repeat answers the first answer byte for byte, on any instance, and does nothing', async () => {
  const commands: Sent[] = [
    add(20),
    { url: '/products', payload: { sku: 'SKU-3', name: 'Three' } },
    { url: '/locations', payload: { code: 'LOC-3', name: 'Three', type: 'store' } },
    { method: 'PATCH', url: '/products/SKU-3', payload: { name: 'Tres' } },
    { method: 'PATCH', url: '/inventory/SKU-1/locations/LOC-1', payload: { reorderPoint: 50 } },
    { url: '/inventory/SKU-1/reserve', payload: { quantity: 1 } },
    { url: '/reservations', payload: { lines: [{ sku: 'SKU-1', quantity: 1 }] } },
    { url: '/transfers', payload: { from: 'LOC-1', to: 'LOC-3', lines: [{ sku: 'SKU-1', quantity: 1 }] } },
    { method: 'DELETE', url: '/products/SKU-3' },
    {
      url: '/rate-limits',
      payload: { name: 'Checkout', algorithm: 'token_bucket', limit: 9_000, windowMs: 1_000, subject: 'api_key' },
    },
    { method: 'PUT', url: '/rate-limit-tiers/gold', payload: { subjects: ['ada'] } },
    ...(await jobCommands()),
  ];
  for (const command of commands) {
    const key = randomUUID();
    const first = await send({ ...command, key });
    expect(first).toMatchObject({ replayed: null });
    expect(first.status).toBeLessThan(300);
    const before = await digestOf(client);
    expect(await send({ ...command, key })).toEqual({ ...first, replayed: 'true' });
    expect(await send({ ...command, key, at: other })).toEqual({ ...first, replayed: 'true' });
    expect(await digestOf(client)).toEqual(before);
  }
});

test('the same request, spelled otherwise, is the same request', async () => {
  const key = randomUUID();
  const first = await send({
    url: '/inventory/SKU-1/adjust',
    payload: { location: 'LOC-1', type: 'add', quantity: 1 },
    key,
  });
  const again = await send({
    url: '/inventory/SKU%2D1/adjust',
    payload: { quantity: 1, type: 'add', location: 'LOC-1' },
    key,
    at: other,
  });
  expect(again).toEqual({ ...first, replayed: 'true' });
});

test('a different request under the same key is refused, and does nothing', async () => {
  const key = randomUUID();
  await send({ ...add(1), key });
  const before = await digestOf(client);
  const others: Sent[] = [
    add(2),
    add(1, 'SKU-2'),
    { ...add(1), payload: { location: 'LOC-1', type: 'add', quantity: 1, reason: 'another' } },
    { url: '/products', payload: { sku: 'SKU-4', name: 'Four' } },
    { method: 'DELETE', url: '/products/SKU-2' },
    { url: '/adjustments', payload: { adjustments: [{ sku: 'SKU-1', location: 'LOC-1', type: 'add', quantity: 1 }] } },
  ];
  for (const [index, command] of others.entries()) {
    const answer = await send({ ...command, key, at: index % 2 === 0 ? one : other });
    expect([answer.status, codeOf(answer)]).toEqual([422, 'idempotency_key_reused']);
  }
  expect(await digestOf(client)).toEqual(before);
});

test('a refused request stores nothing: its key may be tried again, also with another body', async () => {
  const key = randomUUID();
  const take = (quantity: number): Sent => ({
    url: '/inventory/SKU-2/adjust',
    payload: { location: 'LOC-1', type: 'subtract', quantity },
    key,
  });
  const before = await digestOf(client);
  expect((await send(take(5))).status).toBe(409);
  expect((await send({ ...take(5), at: other })).status).toBe(409);
  expect((await send({ ...take(5), url: '/inventory/none/adjust' })).status).toBe(404);
  expect((await send(take(0))).status).toBe(400);
  expect(await digestOf(client)).toEqual(before);
  await send(add(10, 'SKU-2'));
  expect(await send(take(6))).toMatchObject({ status: 200, replayed: null });
  expect(await send({ ...take(6), at: other })).toMatchObject({ status: 200, replayed: 'true' });
});

test('a key is its caller’s own, and a secret is not kept with it', async () => {
  const app = await startTestApp();
  try {
    const key = randomUUID();
    const make = (credential: string | null, name: string) =>
      send({
        at: app,
        url: '/api-keys',
        payload: { name, scopes: ['admin'] },
        key,
        headers: credential === null ? {} : { authorization: `Bearer ${credential}` },
      });
    const first = await make(null, 'first');
    const { key: secret } = JSON.parse(first.text) as { key: string };
    expect(secret).toMatch(/^\S{20,}$/);
    // Under the same key, from another caller, and for another name: a request of its own.
    const second = await make(secret, 'second');
    expect(second).toMatchObject({ status: 201, replayed: null });
    const again = await make(secret, 'second');
    expect(again).toMatchObject({ status: 201, replayed: 'true' });
    expect(JSON.parse(again.text)).toEqual({ ...(JSON.parse(second.text) as object), key: null });
    const session = new pg.Client(app.connection);
    await session.connect();
    const dump = await session.query<{ all: string }>(
      `SELECT (SELECT string_agg(t::text, ' ') FROM idempotency_key t) || (SELECT string_agg(t::text, ' ') FROM journal_entry t)
         || (SELECT string_agg(t::text, ' ') FROM api_key t) AS all`,
    );
    await session.end();
    expect(dump.rows[0]?.all).toContain('second');
    expect(dump.rows[0]?.all).not.toContain(secret);
    expect(dump.rows[0]?.all).not.toContain((JSON.parse(second.text) as { key: string }).key);
  } finally {
    await app.close();
  }
});

test('a bulk request that broke off goes on at the first missing chunk, and nothing is done twice', async () => {
  const skus = Array.from({ length: 1_300 }, (_, index) => `BULK-${index}`);
  const products = skus.map((sku) => ({ sku, name: sku }));
  expect((await send({ url: '/products/batch', payload: { products } })).status).toBe(200);
  const adjustments = skus.map((sku) => ({ sku, location: 'LOC-1', type: 'add', quantity: 2 }));
  const bulk: Sent = { url: '/adjustments', payload: { adjustments }, key: randomUUID() };

  // The third chunk cannot be written: its key's place is taken for now, as if the server had died before it.
  await client.query(`CREATE FUNCTION refuse_third() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.chunk = 2 THEN RAISE 'planted' USING ERRCODE = '57014'; END IF; RETURN NEW; END $$`);
  await client.query(
    'CREATE TRIGGER planted BEFORE INSERT ON idempotency_key FOR EACH ROW EXECUTE FUNCTION refuse_third()',
  );
  const broken = await send(bulk);
  expect(broken.status).toBeGreaterThanOrEqual(500);
  const moved = `SELECT count(*) FROM ledger_entry e JOIN product p ON p.id = e.product_id WHERE p.sku LIKE 'BULK-%'`;
  expect(await numberOf(moved)).toBe(1_000);
  const wholeAgain = await send({ ...bulk, at: other });
  expect(wholeAgain.status).toBeGreaterThanOrEqual(500);
  expect(await numberOf(moved)).toBe(1_000);

  await client.query('DROP TRIGGER planted ON idempotency_key');
  const done = await send({ ...bulk, at: other });
  expect(done).toMatchObject({ status: 200, replayed: null });
  const { succeeded, failed, results } = JSON.parse(done.text) as {
    succeeded: number;
    failed: number;
    results: { index: number; ok: boolean }[];
  };
  expect({ succeeded, failed }).toEqual({ succeeded: 1_300, failed: 0 });
  expect(results.map(({ index }) => index)).toEqual(skus.map((_, index) => index));
  expect(await numberOf(moved)).toBe(1_300);
  expect(await send(bulk)).toEqual({ ...done, replayed: 'true' });
  expect(await numberOf(moved)).toBe(1_300);
  expect(
    await numberOf(`SELECT sum(on_hand) FROM level l JOIN product p ON p.id = l.product_id WHERE p.sku LIKE 'BULK-%'`),
  ).toBe(2_600);
}, 60_000);
