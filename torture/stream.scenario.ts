import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient, bodyOf, NoAnswer } from './api.client.ts';
import { checkInvariants, type Fault } from './checker.ts';
import { makeDatabase, numberOf, withClient, type PostgresServer, type TestDatabase } from './database.ts';
import { startHoldfast, type Holdfast } from './holdfast.ts';
import { seededRandom, type Random } from './random.ts';
import { readBySse, readByWebSocket, readRestlessly, type Reader } from './readers.ts';
import { startRedis, type Redis } from './redis.ts';
import { faultUnless, lastLinesOf, type Report } from './scenario.ts';
import { openShop, type Shop } from './shop.ts';
import { checkReader, expectedEvents } from './stream.checks.ts';
import { startTraffic } from './traffic.ts';

export interface StreamOptions {
  postgres: PostgresServer;
  /** Each kills one of the two servers under load, in turn. */
  kills: number;
  /** Under load before and after each kill. */
  betweenMs: number;
  clients: number;
  seed: number;
  /** Transactions that are committed while another one stays open, which took its numbers before them. */
  commits: number;
  openForMs: number;
  /** How long Redis is away, where this machine has one. */
  redisAwayMs: number;
}

const AT_THE_END_WITHIN_MS = 60_000;

/** Two servers over one database, and how to find them. */
interface Ground {
  database: TestDatabase;
  redis: Redis | null;
  servers: Holdfast[];
  apis: ApiClient[];
  /** Resolves when a server that was killed is back. */
  returns: Promise<void>;
  logs: string[];
}

/**
 * Two servers, and readers of each, under a mixed load of every command: what the readers have in the end is exactly the
 * ledger and the journal, each event once and in order. Meanwhile either server is killed, Redis is lost, one reader
 * changes its server all the time, and thousands commit beside a transaction that took its numbers first.
 */
export async function followUnderLoad(options: StreamOptions): Promise<Report> {
  const ground = await openGround(options.postgres);
  const readers: Reader[] = [];
  try {
    const shop = await openShop(apiOf(ground, 0), 8, 3, 60);
    readers.push(...startReaders(ground, options.seed));
    const began = performance.now();
    const traffics = ground.apis.map((api, index) =>
      startTraffic({
        api,
        shop,
        clients: options.clients,
        seed: options.seed * 2 + index,
        whenBack: () => ground.returns,
      }),
    );
    const sundry = startSundry(ground, shop, seededRandom(options.seed));
    await delay(options.betweenMs);
    const beside = commitBeside(options, ground.database);
    await killInTurn(ground, options);
    const redisWasLost = await loseRedis(ground, options.redisAwayMs);
    const committed = await beside;
    for (const traffic of traffics) await traffic.finish();
    const sundries = await sundry.finish();
    const loadMs = performance.now() - began;
    const atTheEnd = await reachTheEnd(ground, readers);
    await Promise.all(readers.map((reader) => reader.stop()));
    const faults = await judge(ground, readers);
    return {
      faults: [
        ...faults,
        ...atTheEnd,
        ...faultUnless(committed.whileOpen >= options.commits, 'so many commits beside an open transaction', committed),
      ],
      facts: {
        events: readers[0]?.events.length ?? 0,
        ...Object.fromEntries(readers.map(({ name, connections }) => [`connections of ${name}`, connections])),
        kills: options.kills,
        commitsBesideOpen: committed.whileOpen,
        openForMs: Math.round(committed.openMs),
        otherCommands: sundries,
        redis: redisWasLost ? `away for ${options.redisAwayMs} ms` : 'this machine has none',
        loadMs: Math.round(loadMs),
      },
      log: ground.logs.flatMap(lastLinesOf),
    };
  } finally {
    await Promise.all(readers.map((reader) => reader.stop()));
    await closeGround(ground);
  }
}

async function openGround(postgres: PostgresServer): Promise<Ground> {
  const ground: Ground = {
    database: await makeDatabase(postgres),
    redis: await startRedis(),
    servers: [],
    apis: [],
    returns: Promise.resolve(),
    logs: [],
  };
  try {
    for (const index of [0, 1]) {
      ground.servers[index] = await start(ground);
      ground.apis[index] = new ApiClient(() => addressOf(ground, index));
    }
    return ground;
  } catch (error) {
    await closeGround(ground);
    throw error;
  }
}

async function closeGround({ servers, apis, redis, database }: Ground): Promise<void> {
  for (const api of apis) api.close();
  await Promise.all(servers.map((server) => server.stop()));
  await redis?.kill();
  await database.drop();
}

function start({ database, redis }: Ground, port = '0'): Promise<Holdfast> {
  const env = { DATABASE_URL: database.url, ...(redis === null ? {} : { REDIS_URL: redis.url }) };
  return startHoldfast(env, ['--port', port]);
}

function addressOf({ servers }: Ground, index: number): string {
  return servers[index]?.address ?? '';
}

function apiOf({ apis }: Ground, index: number): ApiClient {
  const api = apis[index];
  if (api === undefined) throw new RangeError('there are two servers');
  return api;
}

function startReaders(ground: Ground, seed: number): Reader[] {
  const addresses = [0, 1].map((index) => () => addressOf(ground, index));
  return [
    ...addresses.flatMap((address, index) => [
      readBySse(`SSE of server ${index + 1}`, address),
      readByWebSocket(`WebSocket of server ${index + 1}`, address),
    ]),
    readRestlessly('the restless reader of both', addresses, seededRandom(seed + 7)),
  ];
}

/** Its readers find it where it was. */
async function killInTurn(ground: Ground, { kills, betweenMs }: StreamOptions): Promise<void> {
  for (let kill = 0; kill < kills; kill += 1) {
    const index = kill % 2;
    const { port } = new URL(addressOf(ground, index));
    await ground.servers[index]?.kill();
    ground.logs.push(ground.servers[index]?.output() ?? '');
    const starting = start(ground, port);
    ground.returns = starting.then(
      () => undefined,
      () => undefined,
    );
    ground.servers[index] = await starting;
    await delay(betweenMs);
  }
}

/** @returns whether there was one to lose */
async function loseRedis({ redis }: Ground, awayMs: number): Promise<boolean> {
  if (redis === null) return false;
  await redis.kill();
  await delay(awayMs);
  await redis.start();
  await delay(awayMs / 2);
  return true;
}

/**
 * A transaction takes its numbers and stays open, while thousands take later ones and commit: as an instance does that
 * hangs in mid-commit. Plain SQL, so that each is a transaction of its own.
 */
async function commitBeside(
  { commits, openForMs }: StreamOptions,
  { connection }: TestDatabase,
): Promise<{ whileOpen: number; openMs: number }> {
  const sessions = 8;
  return withClient(connection, async (late) => {
    await late.query('BEGIN');
    const beganMs = performance.now();
    await late.query(entry('late'));
    const perSession = Math.ceil(commits / sessions);
    const committing = Array.from({ length: sessions }, () =>
      withClient(connection, async (client) => {
        // They are seen at once, and need not outlive a crash of the database.
        await client.query('SET synchronous_commit = off');
        for (let count = 0; count < perSession; count += 1) await client.query({ name: 'one', text: entry('beside') });
      }),
    );
    await Promise.all(committing);
    await delay(Math.max(0, openForMs - (performance.now() - beganMs)));
    await late.query('COMMIT');
    return { whileOpen: perSession * sessions, openMs: performance.now() - beganMs };
  });
}

/** What a command writes that is no change of stock: its entry in the journal and the run of its numbers. */
function entry(actor: string): string {
  return `WITH taken AS MATERIALIZED (SELECT nextval('entry_seq') AS id, date_trunc('milliseconds', clock_timestamp()) AS at),
    written AS (
      INSERT INTO journal_entry (id, at, kind, actor, subject, data)
      SELECT id, at, 'product.updated', '${actor}', 'SKU-1', '{"sku":"SKU-1"}' FROM taken
    )
    INSERT INTO event_batch (first_id, last_id, at, ledger_until) SELECT id, id, at, at FROM taken`;
}

/** The commands that the mixed traffic has not: settings, alerts, and holds that are extended and lapse. */
function startSundry(ground: Ground, shop: Shop, random: Random): { finish(): Promise<number> } {
  let isOver = false;
  let count = 0;
  const one = async (): Promise<void> => {
    const api = random.pick(ground.apis);
    const sku = random.pick(shop.skus);
    const location = random.pick(shop.locations);
    const level = `/api/v1/inventory/${sku}/locations/${location}`;
    const send = (method: 'POST' | 'PATCH' | 'GET', path: string, body?: object) =>
      api.call({ method, path, ...(body === undefined ? {} : { body }) });
    const choice = random.below(5);
    if (choice === 0)
      await send('PATCH', level, { reorderPoint: random.between(1, 80), maxLevel: random.between(80, 90) });
    if (choice === 1) await send('PATCH', `/api/v1/locations/${location}`, { priority: random.between(1, 9) });
    if (choice === 2) {
      const { items } = bodyOf(await send('GET', '/api/v1/alerts?status=active&limit=5'));
      const ids = ((items ?? []) as { id: string }[]).map(({ id }) => id);
      if (ids.length > 0) await send('POST', '/api/v1/alerts/acknowledge', { ids });
    }
    if (choice > 2) {
      const held = await send('POST', `/api/v1/inventory/${sku}/reserve`, { location, quantity: 1, ttlSeconds: 1 });
      const { id } = bodyOf(held);
      if (held.status === 201 && choice === 4)
        await send('POST', `/api/v1/reservations/${String(id)}/extend`, { ttlSeconds: 2 });
    }
    count += 1;
  };
  const running = (async () => {
    while (!isOver) {
      try {
        await one();
      } catch (error) {
        // A server that was killed; whether it was done is for the ledger to say.
        if (!(error instanceof NoAnswer)) throw error;
      }
      await delay(10);
    }
  })();
  return {
    finish: async () => {
      isOver = true;
      await running;
      return count;
    },
  };
}

/** A last change, which every reader has to see. Holds that lapse soon are given back before it. */
async function reachTheEnd(ground: Ground, readers: readonly Reader[]): Promise<Fault[]> {
  const lapsing = `SELECT count(*) FROM reservation WHERE status = 'pending' AND expires_at < now() + interval '1 hour'`;
  await withClient(ground.database.connection, async (client) => {
    while ((await numberOf(client, lapsing)) > 0) await delay(50);
  });
  const last = { sku: 'THE-END', name: 'the end' };
  await apiOf(ground, 0).must({ method: 'POST', path: '/api/v1/products', body: last });
  const beganMs = performance.now();
  const late = (): Reader[] =>
    readers.filter(({ events }) => !events.slice(-20).some(({ subject }) => subject === last.sku));
  while (late().length > 0 && performance.now() - beganMs < AT_THE_END_WITHIN_MS) await delay(20);
  return faultUnless(late().length === 0, 'every reader comes to the end', ...late().map(({ name }) => name));
}

async function judge({ database, servers, logs }: Ground, readers: readonly Reader[]): Promise<Fault[]> {
  logs.push(...servers.map((server) => server.output()));
  return withClient(database.connection, async (client) => {
    const expected = await expectedEvents(client);
    return [...readers.flatMap((reader) => checkReader(reader, expected)), ...(await checkInvariants(client))];
  });
}
