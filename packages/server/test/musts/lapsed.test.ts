import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createDatabase, startTestApp, type TestApp } from '../app.ts';
import { shiftClockOf, type ShiftedClock } from '../model/shifted.clock.ts';

// Nothing sweeps here: from its instant of expiry on, by the database's clock alone, a hold is gone and its units are
// anybody's. That clock is put forward: nothing lapses before it should, however slow the machine. torture/clock.test.ts
// holds whole servers to the same as time passes.

const HOUR_MS = 3_600_000;

let app: TestApp;
let clock: ShiftedClock;
let dropDatabase: () => Promise<void>;
let client: pg.Client;
let sku: string;
let count = 0;

beforeAll(async () => {
  const { connection, drop } = await createDatabase();
  dropDatabase = drop;
  clock = await shiftClockOf(connection);
  app = await startTestApp({ connection, duties: false });
  client = new pg.Client(app.connection);
  await client.connect();
  await must('/locations', { code: 'LOC-1', name: 'One', type: 'store' });
});

afterAll(async () => {
  await client.end();
  await app.close();
  await clock.close();
  await dropDatabase();
});

beforeEach(async () => {
  count += 1;
  sku = `SKU-${count}`;
  await must('/products', { sku, name: sku });
  await must(`/inventory/${sku}/adjust`, { location: 'LOC-1', type: 'add', quantity: 5 });
});

async function post(url: string, payload: object = {}) {
  const answer = await app.app.inject({ method: 'POST', url: `/api/v1${url}`, payload });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

async function must(url: string, payload: object) {
  const { status, body } = await post(url, payload);
  if (status >= 300) throw new Error(`${url}: ${status} ${JSON.stringify(body)}`);
  return body;
}

async function get(url: string): Promise<Record<string, unknown>> {
  return (await app.app.inject({ url: `/api/v1${url}` })).json();
}

const hold = (quantity: number, more: object = {}) => must('/reservations', { lines: [{ sku, quantity }], ...more });

/** Puts the database's clock to this instant. */
async function until(instant: unknown): Promise<void> {
  const { rows } = await client.query<{ ms: number }>(
    'SELECT ceil(extract(epoch FROM $1::timestamptz - clock_timestamp()) * 1000)::float8 AS ms',
    [instant],
  );
  const ms = rows[0]?.ms ?? 0;
  expect(ms).toBeGreaterThan(0);
  await clock.advance(ms);
}

async function ledger(): Promise<string[]> {
  const { rows } = await client.query<{ entry: string }>(
    `SELECT type || ' ' || delta_reserved || ' = ' || e.reserved AS entry FROM ledger_entry e
     JOIN product p ON p.id = product_id WHERE p.sku = $1 ORDER BY seq`,
    [sku],
  );
  return rows.map(({ entry }) => entry);
}

test.each([-1, 0, 1])(
  'with the server’s clock %i h off, a lapsed hold is gone and its units are sold',
  async (hours) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * HOUR_MS });
    try {
      const { id, expiresAt } = await hold(5, { ttlSeconds: 60 });
      expect(await get(`/reservations/${String(id)}`)).toMatchObject({ status: 'pending' });
      expect(await post('/reservations', { lines: [{ sku, quantity: 1 }] })).toMatchObject({ status: 409 });

      await until(expiresAt);
      expect(await get(`/reservations/${String(id)}`)).toMatchObject({ status: 'expired', expiredAt: expiresAt });
      for (const what of ['confirm', 'ship', 'extend']) {
        const answer = await post(`/reservations/${String(id)}/${what}`, what === 'extend' ? { ttlSeconds: 60 } : {});
        expect(answer).toMatchObject({ status: 409, body: { code: 'reservation_expired' } });
      }
      // Refused commands released nothing.
      expect(await get(`/inventory/${sku}/locations/LOC-1`)).toMatchObject({ reserved: 5, available: 0 });
      expect(await hold(5)).toMatchObject({ status: 'pending' });
      expect(await ledger()).toEqual(['adjustment 0 = 0', 'reserve 5 = 5', 'expire -5 = 0', 'reserve 5 = 5']);
      const swept = await app.server.sweeper.runOnce();
      expect(swept.expired).toBe(0);
      expect(await ledger()).toHaveLength(4);
    } finally {
      vi.useRealTimers();
    }
  },
);

test('a command takes of lapsed holds what it needs, oldest first, line by line', async () => {
  const older = await hold(2, { ttlSeconds: 60 });
  const younger = await hold(3, { ttlSeconds: 60 });
  await until(younger['expiresAt']);
  await hold(1);
  expect(await ledger()).toEqual([
    'adjustment 0 = 0',
    'reserve 2 = 2',
    'reserve 3 = 5',
    'expire -2 = 3',
    'reserve 1 = 4',
  ]);
  // One unit is free now, so that this takes nothing; the next one needs the younger.
  await hold(1);
  await hold(3);
  expect((await ledger()).slice(5)).toEqual(['reserve 1 = 5', 'expire -3 = 2', 'reserve 3 = 5']);
  for (const { id } of [older, younger]) {
    expect(await get(`/reservations/${String(id)}`)).toMatchObject({ status: 'expired' });
  }
});

test('a hold that was extended in time lives on, and one that was confirmed in time never lapses', async () => {
  const extended = await hold(2, { ttlSeconds: 60 });
  const confirmed = await hold(3, { ttlSeconds: 60 });
  await must(`/reservations/${String(extended['id'])}/extend`, { ttlSeconds: 600 });
  await must(`/reservations/${String(confirmed['id'])}/confirm`, {});
  await until(confirmed['expiresAt']);
  expect(await post('/reservations', { lines: [{ sku, quantity: 1 }] })).toMatchObject({ status: 409 });
  expect((await app.server.sweeper.runOnce()).expired).toBe(0);
  await must(`/reservations/${String(extended['id'])}/confirm`, {});
  expect(await get(`/inventory/${sku}/locations/LOC-1`)).toMatchObject({ reserved: 0, committed: 5 });
});
