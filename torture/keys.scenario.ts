import { isDeepStrictEqual } from 'node:util';
import type { Call } from './api.client.ts';
import { checkInvariants } from './checker.ts';
import { numberOf, withClient, type PostgresServer } from './database.ts';
import { inParallel, startFleet } from './fleet.ts';
import { faultUnless, type Report } from './scenario.ts';
import { openShop } from './shop.ts';

const REPEATS = 20;
const SKUS = 10;
const OPENED_WITH = 1_000;

interface Heard {
  status: number;
  text: string;
  location: string | undefined;
  replayed: boolean;
}

/** Each of so many keys is sent 20 times at once, half of them to each of two servers. */
export async function repeatKeys({ postgres, keys }: { postgres: PostgresServer; keys: number }): Promise<Report> {
  const fleet = await startFleet(postgres, { servers: 2 });
  try {
    await openShop(fleet.api(0), SKUS, 1, OPENED_WITH);
    const heard: Heard[][] = Array.from({ length: keys }, () => []);
    await inParallel(keys, 6, async (index) => {
      const call = callOf(index);
      const repeats = Array.from({ length: REPEATS }, (_, turn) => fleet.api(turn).call(call));
      for (const { status, text, headers } of await Promise.all(repeats)) {
        const replayed = headers['idempotency-replayed'] === 'true';
        heard[index]?.push({ status, text, location: headers.location, replayed });
      }
    });
    return await withClient(fleet.database.connection, async (client) => {
      const done = {
        adjusted: await numberOf(client, `SELECT count(*) FROM ledger_entry WHERE type = 'adjustment'`),
        reserved: await numberOf(client, 'SELECT count(*) FROM reservation'),
        keys: await numberOf(client, 'SELECT count(*) FROM idempotency_key'),
        onHand: await numberOf(client, 'SELECT sum(on_hand) FROM level'),
      };
      const half = keys / 2;
      const expected = { adjusted: half, reserved: half, keys, onHand: SKUS * OPENED_WITH + half };
      const wrong = heard.filter((answers, index) => !isOneAnswer(answers, isAdjusting(index) ? 200 : 201));
      return {
        faults: [
          ...(await checkInvariants(client)),
          ...faultUnless(wrong.length === 0, 'a key has one answer, and its repeats say that they are', ...wrong),
          ...faultUnless(isDeepStrictEqual(done, expected), 'a key has one effect', done),
        ],
        facts: { ...done, answers: heard.flat().length },
      };
    });
  } finally {
    await fleet.close();
  }
}

/** Byte for byte, and but one of them the first. */
function isOneAnswer(answers: readonly Heard[], status: number): boolean {
  const said = new Set(answers.map((answer) => JSON.stringify([answer.status, answer.text, answer.location])));
  const firsts = answers.filter(({ replayed }) => !replayed).length;
  return answers.length === REPEATS && said.size === 1 && firsts === 1 && answers[0]?.status === status;
}

/** Half of them bring a unit, half of them hold one. */
function isAdjusting(index: number): boolean {
  return index % 2 === 0;
}

function callOf(index: number): Call {
  const sku = `SKU-${(index % SKUS) + 1}`;
  const key = `key-${index}`;
  return isAdjusting(index)
    ? {
        method: 'POST',
        path: `/api/v1/inventory/${sku}/adjust`,
        key,
        body: { location: 'LOC-1', type: 'add', quantity: 1, reference: { type: 'torture', id: key } },
      }
    : {
        method: 'POST',
        path: '/api/v1/reservations',
        key,
        body: { orderId: key, lines: [{ sku, location: 'LOC-1', quantity: 1 }] },
      };
}
