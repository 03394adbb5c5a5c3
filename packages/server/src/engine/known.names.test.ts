import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Answer } from '../kernel/command.ts';
import { createIdSource } from '../kernel/ids.ts';
import { loadedWorld, META, NOON } from './decide.fixture.ts';
import { KnownStock } from './known.stock.ts';
import { buildState } from './loaded.ts';
import { BLOCK_SIZE } from './numbers.ts';
import { decideKnown } from './optimistic.batch.ts';
import type { Command, ReserveRequest } from './stock.command.ts';
import { openEngine, openStock, type OpenEngine, type Stock } from './stock.fixture.ts';

let stock: Stock;
let opened: OpenEngine;

beforeEach(async () => {
  stock = await openStock({ A: 1_000 });
  await stock.watcher.query(`
    INSERT INTO location (code, name, type, created_at, updated_at) VALUES ('W2', 'W2', 'warehouse', now(), now());
    INSERT INTO level (product_id, location_id, on_hand) SELECT p.id, l.id, 1000 FROM product p, location l
      WHERE l.code = 'W2'`);
  opened = await openEngine(stock.connection);
  // From here on both levels of A are known; as another instance sees it, W2 is W9 then.
  for (const code of ['W1', 'W2', 'W1', 'W2']) await reserve(code);
  await stock.watcher.query(`UPDATE location SET code = 'W9', version = version + 1 WHERE code = 'W2'`);
});
afterEach(async () => {
  await opened.close();
  await stock.close();
});

function reserve(location: string, more: Partial<ReserveRequest> = {}): Promise<Answer> {
  const lines = [{ sku: 'A', location, quantity: 1 }];
  return opened.engine.submit({ kind: 'reserve', request: { lines, ...more } }, META);
}

test('the old code of a location is nobody’s, also for one that comes together with the new code', async () => {
  await reserve('W9');
  const [, old] = await Promise.allSettled([reserve('W9'), reserve('W2')]);
  expect(old).toMatchObject({ status: 'rejected', reason: { code: 'location_not_found' } });
});

test('the old code of a location was given to another one, which has none: nothing is taken from the first', async () => {
  await stock.watcher.query(`INSERT INTO location (code, name, type, created_at, updated_at)
    VALUES ('W2', 'another', 'warehouse', now(), now())`);
  await reserve('W9');
  const [, other] = await Promise.allSettled([reserve('W9'), reserve('W2')]);
  expect(other).toMatchObject({ status: 'rejected', reason: { code: 'insufficient_stock' } });
  const { rows } = await stock.watcher.query(
    `SELECT reserved::int AS reserved FROM level l JOIN location o ON o.id = l.location_id WHERE o.code = 'W9'`,
  );
  expect(rows).toEqual([{ reserved: 4 }]);
});

test('a place that sourcing allows must exist, whether or not a line is sourced', async () => {
  await expect(reserve('W1', { sourcing: { locations: ['W2'] } })).rejects.toMatchObject({
    code: 'location_not_found',
  });
});

test('a level that is not known leaves no trace in what is known of others', () => {
  const known = new KnownStock(900_000);
  const levels = [
    { sku: 'A', location: 'W1', onHand: 10 },
    { sku: 'B', location: 'W2', onHand: 5 },
  ];
  const numbers = { next: BLOCK_SIZE, end: 2 * BLOCK_SIZE };
  const state = buildState(loadedWorld({ levels }));
  known.learn({ state, written: new Set(), numbers, clock: { nowMs: NOON, heardAtMs: 0 } });
  const decides = (sku: string, location: string): boolean | undefined => {
    const command: Command = { kind: 'reserve', request: { lines: [{ sku, location, quantity: 1 }] } };
    return decideKnown([{ command, meta: META }], known, NOON, 0, createIdSource()).accepted[0];
  };
  // As where a code came to mean another location after the command was found to be known.
  expect([decides('B', 'W2'), decides('A', 'W2'), decides('B', 'W2')]).toEqual([true, false, true]);
});
