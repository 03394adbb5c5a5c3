import { expect, inject, test } from 'vitest';
import { checkInvariants } from './checker.ts';
import { numberOf, withClient } from './database.ts';
import { inParallel, startFleet } from './fleet.ts';
import { openShop } from './shop.ts';

const KEYS = 300;
const REPEATS = 20;
const SKUS = 10;
const OPENED_WITH = 1_000;

interface Heard {
  status: number;
  text: string;
  location: string | undefined;
  replayed: boolean;
}

test('300 keys, each sent 20 times at once over two servers, have 300 effects and one answer each', async () => {
  const fleet = await startFleet(inject('postgres'), { servers: 2 });
  try {
    await openShop(fleet.api(0), SKUS, 1, OPENED_WITH);
    const heard: Heard[][] = Array.from({ length: KEYS }, () => []);
    // A client sends all repeats of a key at once, half of them to each server.
    await inParallel(KEYS, 6, async (index) => {
      const call = callOf(index);
      const repeats = Array.from({ length: REPEATS }, (_, turn) => fleet.api(turn).call(call));
      for (const { status, text, headers } of await Promise.all(repeats)) {
        const replayed = headers['idempotency-replayed'] === 'true';
        heard[index]?.push({ status, text, location: headers.location, replayed });
      }
    });
    for (const [index, answers] of heard.entries()) {
      const [first] = answers;
      const expected = index % 2 === 0 ? 200 : 201;
      expect(first).toMatchObject({ status: expected });
      expect(answers.map(({ text }) => text)).toEqual(new Array(REPEATS).fill(first?.text));
      expect(new Set(answers.map(({ status, location }) => `${status} ${location}`)).size).toBe(1);
      expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    }
    await withClient(fleet.database.connection, async (client) => {
      expect(await checkInvariants(client)).toEqual([]);
      const adjusted = `SELECT count(*) FROM ledger_entry WHERE type = 'adjustment'`;
      expect(await numberOf(client, adjusted)).toBe(KEYS / 2);
      expect(await numberOf(client, 'SELECT count(*) FROM reservation')).toBe(KEYS / 2);
      expect(await numberOf(client, 'SELECT count(*) FROM idempotency_key')).toBe(KEYS);
      const onHand = await numberOf(client, 'SELECT sum(on_hand) FROM level');
      expect(onHand).toBe(SKUS * OPENED_WITH + KEYS / 2);
    });
  } finally {
    await fleet.close();
  }
}, 120_000);

/** Half of them bring a unit, half of them hold one. */
function callOf(index: number) {
  const sku = `SKU-${(index % SKUS) + 1}`;
  const key = `key-${index}`;
  return index % 2 === 0
    ? ({
        method: 'POST',
        path: `/api/v1/inventory/${sku}/adjust`,
        key,
        body: { location: 'LOC-1', type: 'add', quantity: 1, reference: { type: 'torture', id: key } },
      } as const)
    : ({
        method: 'POST',
        path: '/api/v1/reservations',
        key,
        body: { orderId: key, lines: [{ sku, location: 'LOC-1', quantity: 1 }] },
      } as const);
}
