import { setTimeout as delay } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { codeOf } from './api.client.ts';
import { checkInvariants } from './checker.ts';
import { numberOf, withClient } from './database.ts';
import { inParallel, startFleet, tally } from './fleet.ts';
import { openShop } from './shop.ts';

const HOLDS = 5_000;
const PRODUCTS = 4;
const UNITS_EACH = HOLDS / PRODUCTS;
const BUYERS = 200;

test('5,000 holds that lapse at once are given back once each within 30 s by two servers, and sold meanwhile', async () => {
  const fleet = await startFleet(inject('postgres'), { servers: 2 });
  try {
    await openShop(fleet.api(0), PRODUCTS, 1, UNITS_EACH);
    await withClient(fleet.database.connection, async (client) => {
      const startsAtMs = (await numberOf(client, 'SELECT extract(epoch FROM clock_timestamp()) * 1000')) + 8_000;
      const expiresAt = new Date(startsAtMs).toISOString();
      for (let chunk = 0; chunk < 5; chunk += 1) {
        const reservations = Array.from({ length: 1_000 }, (_, index) => ({
          lines: [{ sku: `SKU-${(index % PRODUCTS) + 1}`, location: 'LOC-1', quantity: 1 }],
          expiresAt,
        }));
        const body = { reservations };
        const { failed } = await fleet.api(chunk).must({ method: 'POST', path: '/api/v1/reservations/batch', body });
        expect(failed).toBe(0);
      }
      expect(codeOf(await fleet.api(0).call(buy(0)))).toBe('insufficient_stock');
      const sinceMs = async (): Promise<number> =>
        (await numberOf(client, 'SELECT extract(epoch FROM clock_timestamp()) * 1000')) - startsAtMs;
      await delay(-(await sinceMs()));
      while ((await sinceMs()) < 0) await delay(5);

      // From the instant on every unit can be bought, swept or not.
      const bought: string[] = [];
      await inParallel(BUYERS, 16, async (index) => {
        const answer = await fleet.api(index).call(buy(index));
        bought.push(`${answer.status} ${codeOf(answer)}`.trim());
      });
      expect(tally(bought)).toEqual({ 201: BUYERS });

      const pending = `SELECT count(*) FROM reservation WHERE status = 'pending' AND expires_at <= clock_timestamp()`;
      while ((await numberOf(client, pending)) > 0 && (await sinceMs()) < 30_000) await delay(100);
      console.log(`${HOLDS} lapsed holds were given back in ${Math.round(await sinceMs())} ms`);
      expect(await numberOf(client, pending)).toBe(0);

      expect(await numberOf(client, `SELECT count(*) FROM reservation WHERE status = 'expired'`)).toBe(HOLDS);
      const entries = `SELECT count(*) FROM ledger_entry WHERE type = 'expire'`;
      expect(await numberOf(client, entries)).toBe(HOLDS);
      const each = `SELECT count(DISTINCT reference_id) FROM ledger_entry WHERE type = 'expire'`;
      expect(await numberOf(client, each)).toBe(HOLDS);
      expect(await numberOf(client, 'SELECT sum(reserved) FROM level')).toBe(BUYERS);
      expect(await checkInvariants(client)).toEqual([]);
    });
  } finally {
    await fleet.close();
  }
}, 120_000);

function buy(index: number) {
  const sku = `SKU-${(index % PRODUCTS) + 1}`;
  const body = { lines: [{ sku, location: 'LOC-1', quantity: 1 }] };
  return { method: 'POST', path: '/api/v1/reservations', body } as const;
}
