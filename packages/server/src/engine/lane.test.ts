import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Answer } from '../kernel/command.ts';
import { Door } from './door.fixture.ts';
import { META, openEngine, openStock, reserveUnits, type OpenEngine, type Stock } from './stock.fixture.ts';

let stock: Stock;
let door: Door;
let opened: OpenEngine;

beforeEach(async () => {
  stock = await openStock({ A: 100, B: 100, NEW: null });
  door = new Door(stock.connection);
  opened = await openEngine({ ...stock.connection, host: '127.0.0.1', port: await door.open() }, { optimistic: false });
  // Connects, prepares and learns the names.
  await reserve('A', 2);
  await reserve('A', 2);
});
afterEach(async () => {
  await opened.close();
  door.close();
  await stock.close();
});

function reserve(sku: string, times: number): Promise<Answer[]> {
  return reserveUnits(opened.engine, sku, times);
}

async function reservedOf(sku: string): Promise<number> {
  const { rows } = await stock.watcher.query<{ reserved: string; lines: string; ledger: string }>(
    `SELECT l.reserved,
       (SELECT count(*) FROM reservation_line WHERE product_id = l.product_id) AS lines,
       (SELECT sum(delta_reserved) FROM ledger_entry WHERE product_id = l.product_id) AS ledger
     FROM level l JOIN product p ON p.id = l.product_id WHERE p.sku = $1`,
    [sku],
  );
  const [row] = rows;
  expect([row?.lines, row?.ledger]).toEqual([row?.reserved, row?.reserved]);
  return Number(row?.reserved);
}

/** How often the client has asked for this since `door.sent` was emptied. */
const timesSent = (statement: string): number => door.sent.split(`${statement}\0`).length - 1;

/** Has two commands run in batches of their own: the second one's BEGIN follows the first one's COMMIT, which is held. */
async function underWay(command: () => Promise<Answer[]>): Promise<[Promise<Answer[]>, Promise<Answer[]>]> {
  door.sent = '';
  door.holdsCommits = true;
  const first = command();
  await expect.poll(() => timesSent('COMMIT'), POLL).toBe(1);
  const second = command();
  await expect.poll(() => timesSent('begin'), POLL).toBe(2);
  expect(timesSent('COMMIT')).toBe(1);
  return [first, second];
}

const POLL = { interval: 1, timeout: 5_000 };
const done = [201, 201, 201, 201];
const statuses = (answers: Answer[]): number[] => answers.map(({ status }) => status);

test('lost after COMMIT was sent, with a batch behind it: the first is found, the second is done once', async () => {
  const [first, second] = await underWay(() => reserve('A', 4));
  door.isAnswering = false;
  door.letGo();
  // Committed, and the second one's locks taken; nobody has heard of either.
  await expect.poll(() => reservedOf('A'), POLL).toBe(8);
  door.cut();
  expect(statuses(await first)).toEqual(done);
  expect(statuses(await second)).toEqual(done);
  expect(await reservedOf('A')).toBe(12);
});

test('lost before COMMIT arrived, with a batch behind it: both are done once', async () => {
  const [first, second] = await underWay(() => reserve('A', 4));
  door.cut();
  expect(statuses(await first)).toEqual(done);
  expect(statuses(await second)).toEqual(done);
  expect(await reservedOf('A')).toBe(12);
});

test('a batch that fails in its write takes the one behind it along, and both are tried again before who came later', async () => {
  const change = (type: 'add' | 'set' | 'subtract', quantity: number): Promise<Answer> =>
    opened.engine.submit({ kind: 'adjust', request: { sku: 'NEW', location: 'W1', type, quantity } }, META);
  let turn = 0;
  const [first, second] = await underWay(async () => [
    await ((turn += 1) === 1 ? change('add', 3) : change('set', 20)),
  ]);
  const third = change('subtract', 5);
  // Another makes the level's row first.
  await stock.watcher.query(
    `INSERT INTO level (product_id, location_id, on_hand)
     SELECT p.id, l.id, 7 FROM product p, location l WHERE p.sku = 'NEW' AND l.code = 'W1'`,
  );
  door.letGo();
  expect(statuses([...(await first), ...(await second), await third])).toEqual([200, 200, 200]);
  expect(timesSent('ROLLBACK')).toBeGreaterThan(0);
  const { rows } = await stock.watcher.query(
    `SELECT delta_on_hand::int AS delta, on_hand::int FROM ledger_entry e JOIN product p ON p.id = e.product_id
     WHERE p.sku = 'NEW' ORDER BY seq`,
  );
  expect(rows).toEqual([
    { delta: 3, on_hand: 10 },
    { delta: 10, on_hand: 20 },
    { delta: -5, on_hand: 15 },
  ]);
});

test('what is free of the levels under way is done beside them, on another connection', async () => {
  const [first, second] = await underWay(() => reserve('A', 4));
  const beside = reserve('B', 4);
  // It is held as well, at its own COMMIT, which that connection parses for the first time.
  await expect.poll(() => timesSent('COMMIT'), POLL).toBeGreaterThan(1);
  door.letGo();
  for (const answers of [first, second, beside]) expect(statuses(await answers)).toEqual(done);
  expect([await reservedOf('A'), await reservedOf('B')]).toEqual([12, 4]);
});
