import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Answer } from '../kernel/command.ts';
import type { BatchEngine } from './batch.engine.ts';
import { Door } from './door.fixture.ts';
import { META, openEngine, openStock, reserveUnits, type Stock } from './stock.fixture.ts';

const POLL = { interval: 1, timeout: 5_000 };

let stock: Stock;
let opened: { close: () => void | Promise<void> }[];

beforeEach(async () => {
  opened = [];
  stock = await openStock({ A: 1_000, B: 1_000, C: 1_000 });
});
afterEach(async () => {
  for (const one of opened.toReversed()) await one.close();
  await stock.close();
});

/** An engine that knows the levels of A, B and C. */
async function openKnowing(connection = stock.connection, optimistic = true): Promise<BatchEngine> {
  const { engine, close } = await openEngine(connection, { optimistic });
  opened.push({ close });
  for (const sku of ['A', 'B', 'C', 'A', 'B', 'C']) await reserve(engine, sku);
  return engine;
}

async function reserve(engine: BatchEngine, sku: string): Promise<Answer> {
  const [answer] = await reserveUnits(engine, sku, 1);
  return answer as Answer;
}

async function reservedOf(sku: string): Promise<number> {
  const { rows } = await stock.watcher.query<{ reserved: number }>(
    `SELECT l.reserved::int AS reserved FROM level l JOIN product p ON p.id = l.product_id WHERE p.sku = $1`,
    [sku],
  );
  return rows[0]?.reserved ?? -1;
}

const statuses = (answers: Answer[]): number[] => answers.map(({ status }) => status);

describe('a server that panics when a COMMIT is durable, and says why', () => {
  test.each([
    ['on what is known', true, 4],
    ['under locks', false, 4],
    ['on what is known', true, 1],
    ['under locks', false, 1],
  ])('decided %s (%s), of %i: each is done once, and told so', async (_, optimistic, count) => {
    const door = new Door(stock.connection);
    opened.push(door);
    const engine = await openKnowing({ ...stock.connection, host: '127.0.0.1', port: await door.open() }, optimistic);
    door.panics = 1;
    const answers = await Promise.all(Array.from({ length: count }, () => reserve(engine, 'A')));
    expect(door.panics).toBe(0);
    expect(statuses(answers)).toEqual(Array.from({ length: count }, () => 201));
    expect(await reservedOf('A')).toBe(2 + count);
  });
});

test.each([
  ['on what is known', true],
  ['under locks', false],
])(
  'decided %s, and committed unheard: who cannot be told in time is told so, and served once',
  async (_, optimistic) => {
    const door = new Door(stock.connection);
    opened.push(door);
    const engine = await openKnowing({ ...stock.connection, host: '127.0.0.1', port: await door.open() }, optimistic);
    door.holdsCommits = true;
    door.sent = '';
    const asked = Promise.allSettled([reserve(engine, 'A')]);
    await expect.poll(() => door.sent.includes('COMMIT\0'), POLL).toBe(true);
    door.isAnswering = false;
    door.letGo();
    await expect.poll(() => reservedOf('A'), POLL).toBe(3);
    const now = performance.now.bind(performance);
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 10_000);
    try {
      door.cut();
      expect(await asked).toMatchObject([{ reason: { code: 'outcome_unknown' } }]);
    } finally {
      later.mockRestore();
    }
    await expect.poll(() => engine.depth, POLL).toBe(0);
    expect(await reservedOf('A')).toBe(3);
  },
);

test('a lane that is lost with two batches under way opens one session in its place', async () => {
  const engine = await openKnowing();
  const lanes = async (): Promise<{ pid: number; waits: boolean }[]> => {
    const { rows } = await stock.watcher.query<{ pid: number; waits: boolean }>(
      `SELECT pid, wait_event_type = 'Lock' AS waits FROM pg_stat_activity
       WHERE application_name = 'holdfast optimistic lane 1' AND datname = current_database()`,
    );
    return rows;
  };
  const holder = new pg.Client(stock.connection);
  await holder.connect();
  opened.push({ close: () => holder.end() });
  for (let turn = 0; turn < 3; turn += 1) {
    await holder.query(`BEGIN; SELECT 1 FROM level FOR UPDATE`);
    const first = reserve(engine, 'A');
    await expect.poll(async () => (await lanes()).some(({ waits }) => waits), POLL).toBe(true);
    const second = reserve(engine, 'A');
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const waiting = (await lanes()).find(({ waits }) => waits);
    await stock.watcher.query('SELECT pg_terminate_backend($1)', [waiting?.pid]);
    await holder.query('ROLLBACK');
    expect(statuses(await Promise.all([first, second]))).toEqual([201, 201]);
    // They know A again.
    await reserve(engine, 'A');
    await reserve(engine, 'A');
  }
  expect(await lanes()).toHaveLength(1);
});

/** Stops the server process of a lane; returns what lets it go on. */
async function silence(lane: string): Promise<() => void> {
  const { rows } = await stock.watcher.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()`,
    [lane],
  );
  const pid = rows[0]?.pid as number;
  process.kill(pid, 'SIGSTOP');
  return () => process.kill(pid, 'SIGCONT');
}

function receive(engine: BatchEngine, sku: string): Promise<Answer> {
  const request = { sku, location: 'W1', type: 'add', movement: 'receipt', quantity: 1 } as const;
  return engine.submit({ kind: 'adjust', request }, META);
}

describe('a connection that falls silent keeps those waiting whose levels it writes, and nobody else', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

  test('of known levels, where others confirm what is held there: their names do not tell of which level', async () => {
    const engine = await openKnowing();
    const [one, other] = await Promise.all([reserve(engine, 'A'), reserve(engine, 'A')]);
    const confirm = ({ body }: Answer): Promise<Answer> => {
      const { id } = JSON.parse(body ?? '') as { id: string };
      return engine.submit({ kind: 'confirm', id, ship: false }, META);
    };
    const goOn = await silence('holdfast optimistic lane 1');
    const kept = [Promise.allSettled([reserve(engine, 'A')])];
    await turn();
    kept.push(Promise.allSettled([confirm(one)]));
    await turn();
    kept.push(Promise.allSettled([confirm(other)]));
    const others = Promise.allSettled(['B', 'C', 'B', 'C'].map((sku) => receive(engine, sku)));
    const startedMs = performance.now();
    try {
      expect((await others).map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'fulfilled'));
      expect(performance.now() - startedMs).toBeLessThan(2_000);
    } finally {
      goOn();
      await Promise.all(kept);
    }
  });

  test('under locks, where too few others come to be worth a second lane', async () => {
    const engine = await openKnowing();
    const goOn = await silence('holdfast lane 1');
    const kept = Promise.allSettled([receive(engine, 'A')]);
    await turn();
    const startedMs = performance.now();
    try {
      expect((await receive(engine, 'B')).status).toBe(200);
      expect(performance.now() - startedMs).toBeLessThan(2_000);
    } finally {
      goOn();
      await kept;
    }
  });
});
