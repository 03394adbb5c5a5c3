import { isDeepStrictEqual } from 'node:util';
import { codeOf } from './api.client.ts';
import { checkInvariants } from './checker.ts';
import { numberOf, withClient, type PostgresServer } from './database.ts';
import { inParallel, startFleet, tally } from './fleet.ts';
import { faultUnless, type Report } from './scenario.ts';
import { openShop } from './shop.ts';

const UNITS = 1_000;

export interface BuyersOptions {
  postgres: PostgresServer;
  servers: number;
  buyers: number;
  /** Requests of one unit each, more than the 1,000 units that there are. */
  asked: number;
}

/** All want units of one level at once: the thousand-and-first must hear no. */
export async function sellOut({ postgres, servers, buyers, asked }: BuyersOptions): Promise<Report> {
  const fleet = await startFleet(postgres, { servers });
  try {
    await openShop(fleet.api(0), 1, 1, UNITS);
    const answers: string[] = [];
    await inParallel(asked, buyers, async (index) => {
      const answer = await fleet.api(index).call({
        method: 'POST',
        path: '/api/v1/reservations',
        body: { lines: [{ sku: 'SKU-1', location: 'LOC-1', quantity: 1 }] },
      });
      answers.push(`${answer.status} ${codeOf(answer)}`.trim());
    });
    const heard = tally(answers);
    return await withClient(fleet.database.connection, async (client) => {
      const held = {
        reservations: await numberOf(client, 'SELECT count(*) FROM reservation'),
        reserved: await numberOf(client, 'SELECT reserved FROM level'),
        entries: await numberOf(client, `SELECT count(*) FROM ledger_entry WHERE type = 'reserve'`),
      };
      const expected = { 201: UNITS, '409 insufficient_stock': asked - UNITS };
      return {
        faults: [
          ...(await checkInvariants(client)),
          ...faultUnless(isDeepStrictEqual(heard, expected), 'as many are served as there are units', heard),
          ...faultUnless(
            Object.values(held).every((count) => count === UNITS),
            'as many are held as were served',
            held,
          ),
        ],
        facts: heard,
      };
    });
  } finally {
    await fleet.close();
  }
}
