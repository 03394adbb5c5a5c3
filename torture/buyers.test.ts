import { expect, inject, test } from 'vitest';
import { codeOf } from './api.client.ts';
import { checkInvariants } from './checker.ts';
import { numberOf, withClient } from './database.ts';
import { inParallel, startFleet, tally } from './fleet.ts';
import { openShop } from './shop.ts';

const UNITS = 1_000;
const ASKED = 3_000;
const BUYERS = 64;

/** 64 buyers at once, 1,000 units, 3,000 requests of one unit: the thousand-and-first must hear no. */
async function sellOut(instances: number): Promise<void> {
  const fleet = await startFleet(inject('postgres'), { servers: instances });
  try {
    await openShop(fleet.api(0), 1, 1, UNITS);
    const answers: string[] = [];
    await inParallel(ASKED, BUYERS, async (index) => {
      const answer = await fleet.api(index).call({
        method: 'POST',
        path: '/api/v1/reservations',
        body: { lines: [{ sku: 'SKU-1', location: 'LOC-1', quantity: 1 }] },
      });
      answers.push(`${answer.status} ${codeOf(answer)}`.trim());
    });
    expect(tally(answers)).toEqual({ 201: UNITS, '409 insufficient_stock': ASKED - UNITS });
    await withClient(fleet.database.connection, async (client) => {
      expect(await checkInvariants(client)).toEqual([]);
      expect(await numberOf(client, 'SELECT count(*) FROM reservation')).toBe(UNITS);
      expect(await numberOf(client, 'SELECT reserved FROM level')).toBe(UNITS);
      expect(await numberOf(client, `SELECT count(*) FROM ledger_entry WHERE type = 'reserve'`)).toBe(UNITS);
    });
  } finally {
    await fleet.close();
  }
}

test('64 buyers at one server get exactly the 1,000 units that there are', () => sellOut(1), 90_000);

test('64 buyers at two servers over one database get exactly the 1,000 units that there are', () => sellOut(2), 90_000);
