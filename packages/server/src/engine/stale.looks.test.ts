import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Problem } from '../kernel/problem.ts';
import type { Command } from './stock.command.ts';
import { META, openEngine, openStock, reserveUnits, type OpenEngine, type Stock } from './stock.fixture.ts';

// What a batch has looked up may be another by the time that it has its locks.

let stock: Stock;
let opened: OpenEngine;
let other: pg.Client;

beforeEach(async () => {
  stock = await openStock({ A: 10 });
  await stock.watcher.query(`INSERT INTO location (code, name, type, created_at, updated_at)
    VALUES ('W2', 'W2', 'warehouse', now(), now())`);
  other = new pg.Client(stock.connection);
  await other.connect();
  opened = await openEngine(stock.connection);
});
afterEach(async () => {
  await opened.close();
  await other.end();
  await stock.close();
});

/** Has a command wait for rows that another has locked, does something else meanwhile, and lets it go on. */
async function meanwhile(lock: string, command: Command, change: string): Promise<number | string> {
  await other.query('BEGIN');
  await other.query(lock);
  const asked = opened.engine.submit(command, META);
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
  await expect.poll(async () => (await stock.watcher.query(waiting)).rows.length, { interval: 1 }).toBeGreaterThan(0);
  await other.query(change);
  await other.query('COMMIT');
  return asked.then(
    ({ status }) => status,
    ({ code }: Problem) => code,
  );
}

async function levels(columns: string): Promise<unknown[]> {
  const { rows } = await stock.watcher.query<{ row: string }>(`SELECT concat_ws(' ', o.code, ${columns}) AS row
    FROM level l JOIN location o ON o.id = l.location_id ORDER BY o.code`);
  return rows.map(({ row }) => row);
}

const LEVEL_AT_W2 = `INSERT INTO level (product_id, location_id, on_hand)
  SELECT p.id, o.id, 10 FROM product p, location o WHERE o.code = 'W2'`;

test('lines that have moved to another level are confirmed there', async () => {
  await stock.watcher.query(LEVEL_AT_W2);
  const [held] = await reserveUnits(opened.engine, 'A', 1);
  const { id } = JSON.parse(held?.body ?? '') as { id: string };
  const move = `WITH line AS (UPDATE reservation_line SET location_id = (SELECT id FROM location WHERE code = 'W2'))
    UPDATE level SET reserved = 1 - reserved`;
  expect(await meanwhile('SELECT 1 FROM level FOR UPDATE', { kind: 'confirm', id, ship: false }, move)).toBe(200);
  expect(await levels('reserved, committed')).toEqual(['W1 0 0', 'W2 0 1']);
});

test('a level that is made while its product changes follows the product', async () => {
  const change: Command = { kind: 'updateProduct', sku: 'A', patch: { reorderPoint: 5 }, ifMatch: null };
  expect(await meanwhile('SELECT 1 FROM level FOR UPDATE', change, LEVEL_AT_W2)).toBe(200);
  expect(await levels('reorder_point')).toEqual(['W1 5', 'W2 5']);
});

test('a product that changes while a level of it is made is followed by the level', async () => {
  const change = 'UPDATE product SET reorder_point = 5, version = version + 1';
  const add: Command = { kind: 'adjust', request: { sku: 'A', location: 'W2', type: 'add', quantity: 9 } };
  expect(await meanwhile(change, add, 'SELECT 1')).toBe(200);
  expect(await levels('reorder_point')).toEqual(['W1', 'W2 5']);
});

test('a hold that lapses while its level is waited for has lapsed', async () => {
  const [held] = await reserveUnits(opened.engine, 'A', 1);
  const { id } = JSON.parse(held?.body ?? '') as { id: string };
  // The time of day, not that of the transaction: the one that waits had begun before.
  const lapse = `UPDATE reservation SET expires_at = date_trunc('milliseconds', clock_timestamp());
    UPDATE reservation_line SET expires_at = r.expires_at FROM reservation r WHERE r.id = reservation_id`;
  const confirm: Command = { kind: 'confirm', id, ship: false };
  expect(await meanwhile('SELECT 1 FROM level FOR UPDATE', confirm, lapse)).toBe('reservation_expired');
});

test('a product that two change at once keeps what each of them has changed', async () => {
  const change: Command = { kind: 'updateProduct', sku: 'A', patch: { reorderPoint: 5 }, ifMatch: null };
  const rename = `UPDATE product SET name = 'renamed', version = version + 1`;
  expect(await meanwhile('SELECT 1 FROM product FOR UPDATE', change, rename)).toBe(200);
  const { rows } = await stock.watcher.query('SELECT name, reorder_point::int, version::int FROM product');
  expect(rows).toEqual([{ name: 'renamed', reorder_point: 5, version: 3 }]);
});

test('a lapsed hold whose other line is given back meanwhile is settled with its last line', async () => {
  await stock.watcher.query(LEVEL_AT_W2);
  await stock.watcher.query(`
    WITH held AS (
      INSERT INTO reservation (id, status, type, product_ids, expires_at, created_at)
      SELECT gen_random_uuid(), 'pending', 'cart', ARRAY[id], now() - interval '1 minute', now() - interval '2 minutes'
      FROM product
      RETURNING id, expires_at),
    full_level AS (UPDATE level SET reserved = on_hand)
    INSERT INTO reservation_line (product_id, reservation_id, line_no, line, location_id, quantity, requested, state,
      expires_at)
    SELECT p.id, held.id, l.id, 0, l.id, 10, 10, 'held', held.expires_at FROM held, product p, location l`);
  const at = `location_id = (SELECT id FROM location WHERE code = 'W2')`;
  const giveBack = `WITH line AS (UPDATE reservation_line SET state = 'expired' WHERE ${at})
    UPDATE level SET reserved = 0 WHERE ${at}`;
  const request = { lines: [{ sku: 'A', location: 'W1', quantity: 1 }] };
  expect(await meanwhile('SELECT 1 FROM reservation FOR UPDATE', { kind: 'reserve', request }, giveBack)).toBe(201);
  const { rows } = await stock.watcher.query(`SELECT status FROM reservation WHERE expires_at < now()`);
  expect(rows).toEqual([{ status: 'expired' }]);
});
