import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Command } from './stock.command.ts';
import { META, openEngine, openStock, type OpenEngine, type Stock } from './stock.fixture.ts';

let stock: Stock;
let opened: OpenEngine;

/** All units are in lapsed holds of one each that nobody has swept: more than the numbers of one block tell of. */
beforeEach(async () => {
  stock = await openStock({ A: 2_500 });
  await stock.watcher.query('UPDATE level SET reserved = on_hand');
  await stock.watcher.query(`
    WITH held AS (
      INSERT INTO reservation (id, status, type, product_ids, expires_at, created_at)
      SELECT gen_random_uuid(), 'pending', 'cart', ARRAY[p.id], now() - interval '1 minute', now() - interval '2 minutes'
      FROM product p, generate_series(1, 2500)
      RETURNING id, expires_at)
    INSERT INTO reservation_line (product_id, reservation_id, line_no, line, location_id, quantity, requested, state,
      expires_at)
    SELECT p.id, held.id, 0, 0, l.id, 1, 1, 'held', held.expires_at FROM held, product p, location l`);
  opened = await openEngine(stock.connection);
});
afterEach(async () => {
  await opened.close();
  await stock.close();
});

const submit = (command: Command) => opened.engine.submit(command, META);

test('the units of lapsed holds are free, however many they are', async () => {
  const lines = [{ sku: 'A', location: 'W1', quantity: 2_400 }];
  expect(await submit({ kind: 'reserve', request: { lines } })).toMatchObject({ status: 201 });
});

test('lapsed holds keep no product from being archived, however many they are', async () => {
  const request = { sku: 'A', location: 'W1', type: 'set', movement: 'count', quantity: 0, force: true } as const;
  await submit({ kind: 'adjust', request });
  expect(await submit({ kind: 'archiveProduct', sku: 'A', ifMatch: null })).toMatchObject({ status: 204 });
});
