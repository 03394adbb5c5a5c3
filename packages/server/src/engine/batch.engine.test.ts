import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../test/app.ts';
import { ExpirySweeper } from './expiry.sweeper.ts';

const SKUS = ['HELD', 'FREE-1', 'FREE-2', 'FREE-3'];

let holdfast: TestApp;
let other: pg.Client;
let watcher: pg.Client;
beforeAll(async () => {
  holdfast = await startTestApp();
  await post('/locations', { code: 'W1', name: 'W1', type: 'warehouse' });
  for (const sku of SKUS) {
    await post('/products', { sku, name: sku });
    await post(`/inventory/${sku}/adjust`, { location: 'W1', type: 'add', quantity: 1000 });
  }
  other = new pg.Client(holdfast.connection);
  await other.connect();
  watcher = new pg.Client(holdfast.connection);
  await watcher.connect();
});
afterAll(async () => {
  await other.end();
  await watcher.end();
  await holdfast.close();
});

async function post(url: string, payload: object): Promise<{ status: number; ms: number; code: string | undefined }> {
  const startedMs = performance.now();
  const response = await holdfast.app.inject({ method: 'POST', url: `/api/v1${url}`, payload });
  const body = response.json<{ code?: string }>();
  return { status: response.statusCode, ms: performance.now() - startedMs, code: body.code };
}

const reserve = (sku: string) => post('/reservations', { lines: [{ sku, quantity: 1, location: 'W1' }] });

test('a level that another transaction holds delays its own callers alone, and they get an answer in time', async () => {
  await other.query('BEGIN');
  await other.query(`SELECT 1 FROM level WHERE product_id = (SELECT id FROM product WHERE sku = 'HELD') FOR UPDATE`);
  const held = Array.from({ length: 3 }, () => reserve('HELD'));
  const free = [];
  for (let round = 0; round < 10; round += 1) {
    free.push(...(await Promise.all([...SKUS.slice(1).map(reserve), reserve('FREE-1')])));
  }
  expect(free.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 201));
  // The first batch waits for the lock timeout; from then on the level is known to be stuck.
  expect(free.filter(({ ms }) => ms > 1_000)).toEqual([]);
  const answers = await Promise.all(held);
  expect(answers.map(({ status, code }) => [status, code])).toEqual([
    [503, 'level_busy'],
    [503, 'level_busy'],
    [503, 'level_busy'],
  ]);
  for (const { ms } of answers) expect(ms).toBeLessThan(5_000);
  await other.query('ROLLBACK');
  expect(await reserve('HELD')).toMatchObject({ status: 201 });
});

test('who waits for a held level is served when it is let go', async () => {
  await other.query('BEGIN');
  await other.query(`SELECT 1 FROM level WHERE product_id = (SELECT id FROM product WHERE sku = 'HELD') FOR UPDATE`);
  const waiting = reserve('HELD');
  await lockIsWaitedFor();
  await other.query('COMMIT');
  expect(await waiting).toMatchObject({ status: 201 });
});

test('levels are locked in one order, whatever the order in which they are named', async () => {
  const level = (sku: string, more = '') =>
    `SELECT 1 FROM level WHERE product_id = (SELECT id FROM product WHERE sku = '${sku}') FOR UPDATE ${more}`;
  await other.query('BEGIN');
  await other.query(level('HELD'));
  const waiting = post('/reservations', {
    lines: ['FREE-1', 'HELD'].map((sku) => ({ sku, location: 'W1', quantity: 1 })),
    partial: true,
  });
  await lockIsWaitedFor();
  expect((await watcher.query(level('FREE-1', 'NOWAIT'))).rows).toHaveLength(1);
  await other.query('COMMIT');
  expect(await waiting).toMatchObject({ status: 201 });
});

test('lapsed holds on a held level keep no others from being given back', async () => {
  for (const sku of ['HELD', 'FREE-1']) await reserve(sku);
  const { rows } = await watcher.query<{ id: string; sku: string }>(`
    WITH lapsed AS (
      UPDATE reservation r SET created_at = now() - interval '2 hours',
        expires_at = now() - CASE p.sku WHEN 'HELD' THEN interval '2 hours' ELSE interval '1 hour' END
      FROM product p
      WHERE p.id = r.product_ids[1] AND r.id IN (SELECT id FROM reservation ORDER BY id DESC LIMIT 2)
      RETURNING r.id, p.sku, p.id AS product_id, r.expires_at)
    UPDATE reservation_line l SET expires_at = lapsed.expires_at
    FROM lapsed WHERE l.product_id = lapsed.product_id AND l.reservation_id = lapsed.id
    RETURNING lapsed.id, lapsed.sku`);
  expect(rows.map(({ sku }) => sku).toSorted()).toEqual(['FREE-1', 'HELD']);
  const statuses = async () => {
    const found = await watcher.query<{ sku: string; status: string }>(
      'SELECT sku, status FROM reservation r JOIN product p ON p.id = r.product_ids[1] WHERE r.id = ANY ($1) ORDER BY sku',
      [rows.map(({ id }) => id)],
    );
    return found.rows.map(({ sku, status }) => `${sku} ${status}`);
  };
  const { database, server } = holdfast;
  const sweeper = new ExpirySweeper({ database, engine: server.engine, batchMax: 1 });
  const fail = () => Promise.reject(new Error('a defect'));
  const broken = new ExpirySweeper({ database, engine: { submit: fail, transact: fail } });
  await expect(broken.runOnce()).rejects.toThrow('a defect');
  await other.query('BEGIN');
  await other.query(`SELECT 1 FROM level WHERE product_id = (SELECT id FROM product WHERE sku = 'HELD') FOR UPDATE`);
  expect(await sweeper.runOnce()).toMatchObject({ expired: 0, more: true });
  expect(await sweeper.runOnce()).toMatchObject({ expired: 1, more: true });
  expect(await statuses()).toEqual(['FREE-1 expired', 'HELD pending']);
  await other.query('COMMIT');
  await expect.poll(async () => (await sweeper.runOnce()).expired, { timeout: 5_000 }).toBe(1);
  expect(await statuses()).toEqual(['FREE-1 expired', 'HELD expired']);
});

test('a level whose row has moved while it was waited for is written where it is now', async () => {
  const unitsHeld = async (): Promise<unknown[]> => {
    const { rows } = await watcher.query(`SELECT l.on_hand, l.reserved FROM level l
      JOIN product p ON p.id = l.product_id WHERE p.sku = 'HELD'`);
    return rows;
  };
  const [before] = (await unitsHeld()) as { on_hand: string; reserved: string }[];
  await other.query('BEGIN');
  await other.query(`UPDATE level SET on_hand = on_hand + 5, zone = repeat('far away ', 800)
    WHERE product_id = (SELECT id FROM product WHERE sku = 'HELD')`);
  const waiting = [reserve('HELD'), reserve('HELD')];
  await new Promise((resolve) => setTimeout(resolve, 100));
  await other.query('COMMIT');
  for (const answer of waiting) expect(await answer).toMatchObject({ status: 201 });
  expect(await unitsHeld()).toEqual([
    { on_hand: String(Number(before?.on_hand) + 5), reserved: String(Number(before?.reserved) + 2) },
  ]);
});

test('a rename between two commands is seen by the next one', async () => {
  expect(await reserve('FREE-3')).toMatchObject({ status: 201 });
  await holdfast.database.pool.query(`UPDATE product SET sku = 'MOVED', version = version + 1 WHERE sku = 'FREE-3'`);
  expect(await reserve('FREE-3')).toMatchObject({ status: 404, code: 'product_not_found' });
  expect(await reserve('MOVED')).toMatchObject({ status: 201 });
});

test('lines that are made and shipped within one batch are written as they ended', async () => {
  // With one lane, what comes in one tick is one batch.
  const single = await startTestApp({ secondLaneAt: Number.POSITIVE_INFINITY });
  const send = async (method: 'POST' | 'PUT', path: string, payload: object): Promise<{ id: string }> => {
    const answer = await single.app.inject({ method, url: `/api/v1${path}`, payload });
    expect(answer.statusCode).toBeLessThan(300);
    return answer.json();
  };
  try {
    await send('POST', '/locations', { code: 'W1', name: 'W1', type: 'warehouse' });
    await send('POST', '/products', { sku: 'MUG', name: 'Mug' });
    await send('POST', '/inventory/MUG/adjust', { location: 'W1', type: 'add', quantity: 10 });
    const lines = [{ sku: 'MUG', quantity: 5, location: 'W1' }];
    const { id } = await send('POST', '/reservations', { lines });
    await Promise.all([
      send('PUT', `/reservations/${id}/lines`, { lines }),
      send('POST', `/reservations/${id}/confirm`, {}),
      send('POST', `/reservations/${id}/ship`, { lines: [{ sku: 'MUG', quantity: 2, location: 'W1' }] }),
    ]);
    const { rows } = await single.database.pool.query(
      'SELECT quantity::int, shipped::int, cancelled::int, state FROM reservation_line WHERE reservation_id = $1',
      [id],
    );
    expect(rows).toEqual([{ quantity: 5, shipped: 2, cancelled: 0, state: 'committed' }]);
  } finally {
    await single.close();
  }
});

test('a level keeps the time of its last count while other movements come', async () => {
  await watcher.query(`UPDATE level SET last_count_at = '2026-01-01'`);
  await post('/inventory/FREE-1/adjust', { location: 'W1', type: 'add', quantity: 1 });
  const { lastCountAt } = (await holdfast.app.inject('/api/v1/inventory/FREE-1/locations/W1')).json<{
    lastCountAt: string;
  }>();
  expect(lastCountAt).toBe('2026-01-01T00:00:00.000Z');
});

test('a key that is too old is free again, whatever becomes of the request', async () => {
  const headers = { 'idempotency-key': 'an-old-one' };
  const send = async (quantity: number): Promise<number> => {
    const payload = { lines: [{ sku: 'FREE-1', quantity, location: 'W1' }] };
    return (await holdfast.app.inject({ method: 'POST', url: '/api/v1/reservations', headers, payload })).statusCode;
  };
  expect(await send(1)).toBe(201);
  expect(await send(2)).toBe(422);
  const age = (interval: string) =>
    watcher.query(`UPDATE idempotency_key SET created_at = created_at - $1::interval WHERE key = 'an-old-one'`, [
      interval,
    ]);
  await age('23 hours');
  expect(await send(2)).toBe(422);
  await age('2 hours');
  expect(await send(1_000_000)).toBe(409);
  expect(await send(2)).toBe(201);
  expect(await send(1)).toBe(422);
});

test('sessions of the engine that are cut are made anew, and nothing is lost', async () => {
  const before = await reserved('FREE-2');
  const asked = Array.from({ length: 50 }, () => reserve('FREE-2'));
  await watcher.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name LIKE 'holdfast lane%' AND datname = current_database()`,
  );
  const answers = await Promise.all([...asked, ...Array.from({ length: 50 }, () => reserve('FREE-2'))]);
  const made = answers.filter(({ status }) => status === 201).length;
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  expect((await reserved('FREE-2')) - before).toBe(made);
});

async function lockIsWaitedFor(): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await watcher.query<{ n: string }>(
        `SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return Number(rows[0]?.n);
    })
    .toBeGreaterThan(0);
}

async function reserved(sku: string): Promise<number> {
  const response = await holdfast.app.inject(`/api/v1/inventory/${sku}/locations/W1`);
  return response.json<{ reserved: number }>().reserved;
}
