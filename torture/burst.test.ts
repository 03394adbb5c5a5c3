import { setTimeout as delay } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { codeOf } from './api.client.ts';
import { checkInvariants } from './checker.ts';
import { numberOf, withClient } from './database.ts';
import { inParallel, startFleet, tally } from './fleet.ts';
import { expectHeld, JUDGED } from './report.fixture.ts';
import { faultUnless } from './scenario.ts';
import { openShop } from './shop.ts';

const HOLDS = 5_000;
const PRODUCTS = 4;
const UNITS_EACH = HOLDS / PRODUCTS;
const BUYERS = 200;

test(
  '5,000 holds that lapse at once are given back once each within 30 s by two servers, and sold meanwhile',
  JUDGED,
  async () => {
    // A slow machine has more time to make them.
    for (let leadMs = 8_000; !(await lapseTogether(leadMs)); leadMs *= 2);
  },
);

/** @returns false where they could not be made in time */
async function lapseTogether(leadMs: number): Promise<boolean> {
  const fleet = await startFleet(inject('postgres'), { servers: 2 });
  try {
    await openShop(fleet.api(0), PRODUCTS, 1, UNITS_EACH);
    return await withClient(fleet.database.connection, async (client) => {
      const startsAtMs = (await numberOf(client, 'SELECT extract(epoch FROM clock_timestamp()) * 1000')) + leadMs;
      const expiresAt = new Date(startsAtMs).toISOString();
      const sinceMs = async (): Promise<number> =>
        (await numberOf(client, 'SELECT extract(epoch FROM clock_timestamp()) * 1000')) - startsAtMs;
      for (let chunk = 0; chunk < 5; chunk += 1) {
        const reservations = Array.from({ length: 1_000 }, (_, index) => ({
          lines: [{ sku: `SKU-${(index % PRODUCTS) + 1}`, location: 'LOC-1', quantity: 1 }],
          expiresAt,
        }));
        const body = { reservations };
        const { failed } = await fleet.api(chunk).must({ method: 'POST', path: '/api/v1/reservations/batch', body });
        if ((await sinceMs()) > 0) return false;
        expect(failed).toBe(0);
      }
      const early = codeOf(await fleet.api(0).call(buy(0)));
      if ((await sinceMs()) > 0) return false;
      expect(early).toBe('insufficient_stock');
      await delay(-(await sinceMs()));
      while ((await sinceMs()) < 0) await delay(5);

      // From the instant on every unit can be bought, swept or not.
      const bought: string[] = [];
      await inParallel(BUYERS, 16, async (index) => {
        // A machine that stands still has an answer say that nothing was done: it is asked for again.
        let answer = await fleet.api(index).call(buy(index));
        while (codeOf(answer) === 'database_unavailable') answer = await fleet.api(index + 1).call(buy(index));
        bought.push(`${answer.status} ${codeOf(answer)}`.trim());
      });
      expect(tally(bought)).toEqual({ 201: BUYERS });

      const pending = `SELECT count(*) FROM reservation WHERE status = 'pending' AND expires_at <= clock_timestamp()`;
      while ((await numberOf(client, pending)) > 0) await delay(100);
      const tookMs = Math.round(await sinceMs());
      console.log(`${HOLDS} lapsed holds were given back in ${tookMs} ms`);

      expect(await numberOf(client, `SELECT count(*) FROM reservation WHERE status = 'expired'`)).toBe(HOLDS);
      const entries = `SELECT count(*) FROM ledger_entry WHERE type = 'expire'`;
      expect(await numberOf(client, entries)).toBe(HOLDS);
      const each = `SELECT count(DISTINCT reference_id) FROM ledger_entry WHERE type = 'expire'`;
      expect(await numberOf(client, each)).toBe(HOLDS);
      expect(await numberOf(client, 'SELECT sum(reserved) FROM level')).toBe(BUYERS);
      const faults = await checkInvariants(client);
      expectHeld({ faults: [...faults, ...faultUnless(tookMs < 30_000, 'given back within 30 s', tookMs)] });
      return true;
    });
  } finally {
    await fleet.close();
  }
}

function buy(index: number) {
  const sku = `SKU-${(index % PRODUCTS) + 1}`;
  const body = { lines: [{ sku, location: 'LOC-1', quantity: 1 }] };
  return { method: 'POST', path: '/api/v1/reservations', body } as const;
}
