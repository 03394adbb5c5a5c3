import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Answer, type ApiClient, type Call, codeOf } from './api.client.ts';
import { checkInvariants } from './checker.ts';
import { numberOf, type PostgresServer, runOnce, withClient } from './database.ts';
import { checkEffects } from './effects.ts';
import { type Fleet, startFleet, tally } from './fleet.ts';
import type { Journal, Place } from './journal.ts';
import { faultUnless, type Report } from './scenario.ts';
import { openShop, placesOf, type Shop } from './shop.ts';
import { startTraffic } from './traffic.ts';

export interface FreezeOptions {
  postgres: PostgresServer;
  /** How long the freeze lasts. */
  forMs: number;
  seed: number;
}

/** "None beyond the first 500 ms": from then on callers of other levels notice nothing. */
const NOTICED_FOR_MS = 500;
const SLOW_MS = 1_000;
/** "An answer within 5 s"; a busy machine is given a little more. */
const ANSWER_WITHIN_MS = 6_000;
const FREEZES_TRIED_MAX = 60;
/** Of a product that the server that freezes does not touch. */
const HOT_PLACE = 4;
const HOT_CLIENTS = 24;
/** More of each product at each place than anybody can ask for meanwhile. */
const UNITS = 1_000_000;
/** Before a client asks again: enough to be seen, and no load by itself; the many on one place keep that in use. */
const REST_MS = 100;
const HOT_REST_MS = 20;

/** An answer, and when it was asked for, in milliseconds after the freeze. */
interface Asked extends Place {
  /** A read waits for no lock. */
  reads: boolean;
  askedAtMs: number;
  answer: Answer;
}

/** A server is stopped (SIGSTOP) in mid-transaction: what it holds stays held until PostgreSQL gives up on it. */
export async function freezeServer({ postgres, forMs, seed }: FreezeOptions): Promise<Report> {
  const user = `torture_frozen_${process.pid}_${seed}`;
  // A user of its own tells the sessions of the server that freezes from those of the other.
  await runOnce(postgres, `CREATE ROLE ${user} LOGIN SUPERUSER`);
  let fleet: Fleet | undefined;
  try {
    fleet = await startFleet(postgres, {
      servers: 2,
      env: (index, database) => (index === 0 ? { DATABASE_URL: database.urlThrough({ user }) } : {}),
    });
    const [frozen] = fleet.servers;
    if (frozen === undefined) throw new Error('there is no server to freeze');
    const shop = await openShop(fleet.api(0), 12, 2, UNITS);
    await warmUp(fleet.api(1), shop);
    // The one that freezes works on two products alone: on the others nothing is held.
    const traffic = startTraffic({
      api: fleet.api(0),
      shop: { ...shop, skus: shop.skus.slice(0, 2) },
      clients: 8,
      seed,
    });
    const held = await freezeInTransaction(fleet, user);
    const asked = await askEverywhere([fleet.api(1)], shop, forMs);
    frozen.signal('SIGCONT');
    await traffic.finish();
    const report = judge(asked, held, shop);
    return await withClient(fleet.database.connection, async (client) => ({
      ...report,
      faults: [
        ...report.faults,
        ...(await checkInvariants(client)),
        ...(await checkEffectsOf(client, traffic.journal)),
      ],
    }));
  } finally {
    await fleet?.close();
    await runOnce(postgres, `DROP ROLE ${user}`);
  }
}

/** What a plain session sits on, and the places that this may delay. */
interface Seat {
  statement: string;
  held: string[];
  /** What callers of those places may hear besides success and `level_busy`. */
  mayHear?: string;
  /** Before the session comes. */
  prepare?: (api: ApiClient) => Promise<void>;
}

const LEVEL: Seat = {
  statement: `SELECT * FROM level JOIN product p ON p.id = product_id JOIN location w ON w.id = location_id
    WHERE p.sku = 'SKU-1' AND w.code = 'LOC-1' FOR UPDATE OF level`,
  held: ['SKU-1 LOC-1'],
};

/** One that lapses meanwhile, so that the sweeper and buyers of its units come upon it. */
const RESERVATION: Seat = {
  prepare: async (api) => {
    const lines = ['SKU-1', 'SKU-2'].map((sku) => ({ sku, location: 'LOC-1', quantity: UNITS - 2 }));
    await api.must({ method: 'POST', path: '/api/v1/reservations', body: { orderId: 'seat', lines, ttlSeconds: 1 } });
  },
  statement: `SELECT * FROM reservation WHERE order_id = 'seat' FOR UPDATE`,
  held: ['SKU-1 LOC-1', 'SKU-2 LOC-1'],
  mayHear: 'insufficient_stock',
};

/** A plain session holds one level for as long as it likes: no timeout of ours ends it. */
export function holdLevel(options: FreezeOptions): Promise<Report> {
  return sitOn(LEVEL, options);
}

/** The same with the row of a reservation. */
export function holdReservation(options: FreezeOptions): Promise<Report> {
  return sitOn(RESERVATION, options);
}

async function sitOn({ statement, held, mayHear, prepare }: Seat, { postgres, forMs }: FreezeOptions): Promise<Report> {
  const fleet = await startFleet(postgres, { servers: 2 });
  const session = new pg.Client(fleet.database.connection);
  try {
    const shop = await openShop(fleet.api(0), 12, 2, UNITS);
    for (const api of fleet.apis) await warmUp(api, shop);
    await session.connect();
    await prepare?.(fleet.api(0));
    await session.query('BEGIN');
    const { rowCount } = await session.query(statement);
    const asked = await askEverywhere(fleet.apis, shop, forMs);
    await session.query('ROLLBACK');
    const report = judge(asked, new Set(held), shop, mayHear);
    const faults = await withClient(fleet.database.connection, checkInvariants);
    return {
      ...report,
      faults: [...faultUnless(rowCount === 1, 'one row was held'), ...report.faults, ...faults],
    };
  } finally {
    await session.end().catch(() => undefined);
    await fleet.close();
  }
}

/** Names, plans and connections are learned before the clock runs. */
async function warmUp(api: ApiClient, shop: Shop): Promise<void> {
  await Promise.all(placesOf(shop).map((place) => api.call(reserveAt(place))));
}

/** @returns the places whose levels it holds, as `sku code` */
async function freezeInTransaction(fleet: Fleet, user: string): Promise<Set<string>> {
  const [frozen] = fleet.servers;
  for (let attempt = 0; attempt < FREEZES_TRIED_MAX; attempt += 1) {
    await delay(60 + 7 * attempt);
    frozen?.signal('SIGSTOP');
    const held = await withClient(fleet.database.connection, async (client) => {
      // Statements that it had sent are still worked off.
      await delay(60);
      const idle = `SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND state = 'idle in transaction'`;
      return (await numberOf(client, idle, [user])) === 0 ? new Set<string>() : findHeldLevels(client);
    });
    if (held.size > 0) return held;
    frozen?.signal('SIGCONT');
  }
  throw new Error('the server was never caught in mid-transaction');
}

async function findHeldLevels(client: pg.Client): Promise<Set<string>> {
  const { rows } = await client.query<{ place: string }>(
    `SELECT p.sku || ' ' || w.code AS place FROM level l JOIN product p ON p.id = product_id
     JOIN location w ON w.id = location_id
     WHERE NOT EXISTS (
       SELECT FROM (SELECT product_id, location_id FROM level FOR UPDATE SKIP LOCKED) free
       WHERE (free.product_id, free.location_id) = (l.product_id, l.location_id))`,
  );
  return new Set(rows.map(({ place }) => place));
}

function reserveAt(...places: Place[]): Call {
  const lines = places.map((place) => ({ ...place, quantity: 1 }));
  return { method: 'POST', path: '/api/v1/reservations', body: { lines } };
}

function readAt({ sku, location }: Place): Call {
  return { method: 'GET', path: `/api/v1/inventory/${sku}/locations/${location}` };
}

/**
 * One client per place that reserves, one that reads, some that want units of the first and of the last place at once,
 * and many on one place that nobody holds, which is in use nearly all the time. Each asks again when it is
 * answered.
 */
async function askEverywhere(apis: readonly ApiClient[], shop: Shop, forMs: number): Promise<Asked[]> {
  const startedMs = performance.now();
  const elapsed = (): number => performance.now() - startedMs;
  const asked: Asked[] = [];
  const places = placesOf(shop);
  const [first, hot, last] = [places[0], places[HOT_PLACE], places.at(-1)];
  if (first === undefined || hot === undefined || last === undefined) throw new RangeError('the shop is too small');
  const client = async (place: Place, call: Call, index: number, restMs = REST_MS): Promise<void> => {
    const api = apis[index % apis.length] as ApiClient;
    while (elapsed() < forMs) {
      const askedAtMs = elapsed();
      asked.push({ ...place, reads: call.method === 'GET', askedAtMs, answer: await api.call(call) });
      await delay(restMs);
    }
  };
  await Promise.all([
    ...places.map((place, index) => client(place, reserveAt(place), index)),
    ...places.map((place, index) => client(place, readAt(place), index)),
    ...[1, 2, 3].map((_, index) => client(first, reserveAt(first, last), index)),
    ...Array.from({ length: HOT_CLIENTS }, (_, index) => client(hot, reserveAt(hot), index, HOT_REST_MS)),
  ]);
  return asked;
}

function judge(asked: Asked[], held: ReadonlySet<string>, shop: Shop, mayHear = 'level_busy'): Report {
  const isHeld = ({ sku, location, reads }: Asked): boolean => !reads && held.has(`${sku} ${location}`);
  const others = asked.filter((one) => !isHeld(one));
  // A machine that is busy with something else is slow for reads too, which wait for no lock.
  const slowestReadMs = slowestOf(others.filter(({ reads }) => reads));
  const limitOf = ({ reads }: Asked): number => (reads ? SLOW_MS : SLOW_MS + slowestReadMs);
  const later = others.filter(({ askedAtMs }) => askedAtMs > NOTICED_FOR_MS);
  const slow = later.filter((one) => one.answer.tookMs > limitOf(one));
  const waiting = asked.filter(isHeld);
  const slowestMs = slowestOf(asked);
  const shown = (one: Asked): string =>
    `${one.sku} ${one.location} at ${Math.round(one.askedAtMs)} ms: ${one.answer.status} in ${Math.round(one.answer.tookMs)} ms`;
  const wrong = others.filter(({ answer }) => answer.status >= 300);
  const expected = new Set(['', 'level_busy', mayHear]);
  const strange = waiting.filter(({ answer }) => !expected.has(codeOf(answer)));
  return {
    faults: [
      ...faultUnless(held.size < placesOf(shop).length, 'some levels are free', ...held),
      ...faultUnless(slow.length === 0, `others are not slowed down (${slow.length})`, ...slow.slice(0, 5).map(shown)),
      ...faultUnless(wrong.length === 0, `others are served (${wrong.length})`, ...wrong.slice(0, 5).map(shown)),
      ...faultUnless(strange.length === 0, 'who waits is served or told level_busy', ...strange.slice(0, 5).map(shown)),
      ...faultUnless(slowestMs < ANSWER_WITHIN_MS, 'everybody has an answer within 5 s', slowestMs),
      ...faultUnless(
        waiting.some(({ answer }) => answer.tookMs > 200),
        'somebody had to wait, or nothing was held',
      ),
    ],
    facts: {
      held: [...held].join(', '),
      others: others.length,
      slowestReadMs: Math.round(slowestReadMs),
      slowestOtherMs: Math.round(slowestOf(others)),
      slowestOtherLaterMs: Math.round(slowestOf(later)),
      slowestMs: Math.round(slowestMs),
      ...tally(waiting.map(({ answer }) => `waiting: ${answer.status} ${codeOf(answer)}`.trim())),
    },
  };
}

function slowestOf(asked: readonly Asked[]): number {
  return asked.reduce((slowest, { answer }) => Math.max(slowest, answer.tookMs), 0);
}

/** The other server's own reservations are nobody's in the journal: only what it keeps is compared. */
async function checkEffectsOf(client: pg.Client, journal: Journal) {
  await client.query('BEGIN');
  try {
    // Seen without the reservations that have no order: those of the server that went on.
    await client.query(`CREATE TEMP VIEW reservation AS SELECT * FROM public.reservation WHERE order_id IS NOT NULL`);
    await client.query(`CREATE TEMP VIEW ledger_entry AS SELECT * FROM public.ledger_entry e WHERE NOT EXISTS (
      SELECT FROM public.reservation r WHERE r.order_id IS NULL AND r.id::text = e.reference_id)`);
    return await checkEffects(client, journal);
  } finally {
    await client.query('ROLLBACK');
  }
}
