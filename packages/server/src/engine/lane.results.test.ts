import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Database, type LaneConnection } from '../platform/database/index.ts';
import { RolledBack, StaleFootprint, TouchesStuck, type BatchOutcome, type Sent } from './batch.context.ts';
import { Lane, type BatchResult, type BatchWork } from './lane.ts';
import { openStock, type Stock } from './stock.fixture.ts';

// One lane, and what becomes of a batch on it.

const OUTCOME: BatchOutcome = {
  outcomes: [],
  entries: [],
  changed: { skus: new Set(), everything: false },
  learned: null,
};

let stock: Stock;
let database: Database;
let lane: Lane;
/** What the lane asked for, in order. */
let connections: Promise<LaneConnection>[];
/** What comes before a connection of the lane, in order. */
let before: Promise<unknown>[];
let losses: unknown[];

beforeAll(async () => {
  stock = await openStock({});
  database = new Database({ connection: stock.connection });
});
afterAll(async () => {
  await database.close();
  await stock.close();
});
beforeEach(() => {
  [connections, before, losses] = [[], [], []];
  const connect = (name: string): Promise<LaneConnection> => {
    const connection = Promise.resolve(before.shift()).then(() => database.openLane(name));
    connections.push(connection);
    return connection;
  };
  lane = new Lane({ name: 'lane', connect, onLost: (error) => losses.push(error) });
});
afterEach(() => lane.close());

const soon = (ms: number): number => performance.now() + ms;

/** Runs a batch of one statement. */
function run(statement: string, deadlineMs = soon(30_000)): Promise<BatchResult> {
  const work = async (client: LaneConnection): Promise<BatchOutcome> => {
    await Promise.all([client.query('BEGIN'), client.query(statement), client.query('COMMIT')]);
    return OUTCOME;
  };
  return lane.run(work, deadlineMs, () => undefined);
}

async function sessions(): Promise<number | null> {
  const { rowCount } = await stock.watcher.query(
    `SELECT FROM pg_stat_activity WHERE application_name = 'lane' AND datname = current_database()`,
  );
  return rowCount;
}

const fails = (code: string): string => `DO $$ BEGIN RAISE 'planted' USING ERRCODE = '${code}'; END $$`;

test.each([
  ['that meets another', fails('40001'), 'again'],
  ['that makes what another has made', fails('23505'), 'again'],
  ['that waits for a lock in vain', fails('55P03'), 'lock_timeout'],
  ['that was decided on what is not so any more', 'SELECT refuse_unless(false)', 'changed'],
  ['with a defect', 'SELECT 1 / 0', 'failed'],
])('a batch %s leaves its session to the next', async (_, statement, kind) => {
  expect(await run(statement)).toMatchObject({ kind });
  expect(await run('SELECT 1')).toEqual({ kind: 'done', ...OUTCOME });
  expect([connections.length, losses]).toEqual([1, []]);
});

test.each([
  ['where a newer instance has migrated', fails('0A000'), 'again', false],
  ['where the server is a replica now', fails('25006'), 'away', true],
  ['where the server goes down', fails('57P01'), 'away', true],
])('a batch %s is tried again on another session', async (_, statement, kind, isLost) => {
  expect(await run(statement)).toMatchObject({ kind });
  expect(losses.some((error) => (error as Error).message === 'planted')).toBe(isLost);
  expect(await run('SELECT 1')).toMatchObject({ kind: 'done' });
  expect(connections).toHaveLength(2);
  await expect.poll(sessions).toBe(1);
});

test.each([
  [new StaleFootprint(), { kind: 'again' }],
  [new RolledBack(), { kind: 'again' }],
  [new TouchesStuck(new Set([3])), { kind: 'stuck', indexes: new Set([3]) }],
])('a batch that is given up for %s', async (error, result) => {
  const work = async (): Promise<never> => {
    throw error;
  };
  expect(await lane.run(work, soon(30_000), () => undefined)).toEqual(result);
  expect(lane.isBusy).toBe(false);
});

/** Journals something, or does not. */
async function transaction(id: number, end: 'COMMIT' | 'ROLLBACK'): Promise<Sent['by']> {
  const { watcher } = stock;
  await watcher.query('BEGIN');
  await watcher.query(
    `INSERT INTO journal_entry (id, at, kind, actor, subject, ledger_count) VALUES ($1, to_timestamp(60), 'test', 'a', 's', 0)`,
    [id],
  );
  const { rows } = await watcher.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
  await watcher.query(end);
  return { transactionId: rows[0]?.xid ?? '' };
}

/** A batch whose connection is lost when its COMMIT is on its way. */
function loseCommitOf(by: Sent['by']): Promise<BatchResult> {
  const work: BatchWork = async (client, onCommit) => {
    onCommit({ by, evidence: { of: 'journal', id: 1, atMs: 60_000 }, outcome: OUTCOME });
    client.cut();
    await client.query('COMMIT');
    return OUTCOME;
  };
  return lane.run(work, soon(30_000), () => undefined);
}

test.each([
  ['committed, and its entry is there', () => transaction(1, 'COMMIT'), 'done'],
  ['committed, but has no such entry: its number was another’s after a crash', () => transaction(2, 'COMMIT'), 'again'],
  ['ran in a process that has ended', async () => (await transaction(1, 'COMMIT')) && { backend: 0 }, 'done'],
  ['did not', () => transaction(1, 'ROLLBACK'), 'again'],
  ['has not begun yet: a crash has lost it', async () => ({ transactionId: '9000000000000000000' }), 'again'],
  ['is so long ago that nobody knows', async () => ({ transactionId: '3' }), 'unknown'],
])('a batch that was lost as it committed is looked for: %s', async (_, sentBy, kind) => {
  const result = loseCommitOf(await sentBy());
  expect(await result).toEqual(kind === 'done' ? { kind, ...OUTCOME } : { kind });
  await stock.watcher.query('DELETE FROM journal_entry');
});

test('a batch that was lost as it committed is waited for', async () => {
  const { watcher } = stock;
  await watcher.query('BEGIN');
  const { rows } = await watcher.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
  const result = loseCommitOf({ transactionId: rows[0]?.xid ?? '' });
  const asks = `SELECT FROM pg_stat_activity WHERE query LIKE '%pg_xact_status($1::xid8)%' AND datname = current_database()
    AND application_name = 'lane'`;
  await expect.poll(async () => (await database.pool.query(asks)).rowCount).toBe(1);
  await watcher.query('ROLLBACK');
  expect(await result).toEqual({ kind: 'again' });
});

test('a batch of a server process that has not ended is waited for', async () => {
  const other = await database.openClient();
  const { rows } = await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const result = loseCommitOf({ backend: rows[0]?.pid ?? 0 });
  const asks = `SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT NOT EXISTS%' AND datname = current_database()
    AND application_name = 'lane'`;
  await expect.poll(async () => (await database.pool.query(asks)).rowCount).toBe(1);
  await transaction(1, 'COMMIT');
  await other.end();
  expect(await result).toEqual({ kind: 'done', ...OUTCOME });
  await stock.watcher.query('DELETE FROM journal_entry');
});

test('a session that was lost while it was idle is not used', async () => {
  await run('SELECT 1');
  await stock.watcher.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lane' AND datname = current_database()`,
  );
  await expect.poll(() => losses.length).toBeGreaterThan(0);
  expect(await run('SELECT 1')).toMatchObject({ kind: 'done' });
});

test('a server that cannot be reached is asked again', async () => {
  before = [Promise.reject(Object.assign(new Error('planted'), { code: 'ECONNREFUSED' }))];
  expect(await run('SELECT 1')).toEqual({ kind: 'away' });
  expect(await run('SELECT 1')).toMatchObject({ kind: 'done' });
});

test('a connection that comes too late is not kept', async () => {
  let goOn = (): void => undefined;
  before = [new Promise<void>((resolve) => (goOn = resolve))];
  expect(await run('SELECT 1', soon(1))).toEqual({ kind: 'away' });
  expect(await run('SELECT 1')).toMatchObject({ kind: 'done' });
  goOn();
  await connections[0];
  await expect.poll(sessions).toBe(1);
  expect(await run('SELECT 1')).toMatchObject({ kind: 'done' });
  expect(connections).toHaveLength(2);
});

test('a batch on a connection that falls silent is over by its deadline', async () => {
  expect(await run('SELECT pg_sleep(30)', soon(100))).toEqual({ kind: 'away' });
  expect(await run('SELECT 1')).toMatchObject({ kind: 'done' });
});

test('nobody cuts a session at the deadline of a batch that is over', async () => {
  await run('SELECT 1');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    for (const statement of ['SELECT 1', fails('40001')]) await run(statement);
    vi.advanceTimersByTime(60_000);
  } finally {
    vi.useRealTimers();
  }
  expect(await run('SELECT 1')).toMatchObject({ kind: 'done' });
  expect(connections).toHaveLength(1);
});

test('who runs something alone on a connection that falls silent has an answer by the deadline', async () => {
  expect(await lane.runAlone((client) => client.query('SELECT pg_sleep(30)'), soon(100))).toBeNull();
  expect(await lane.runAlone((client) => client.query('SELECT 1'), soon(10_000))).toMatchObject({ rows: [[1]] });
  expect(lane.isBusy).toBe(false);
});

test('a session that falls silent when its batch has failed is given up', async () => {
  const stopped: number[] = [];
  const work: BatchWork = async (client) => {
    try {
      await client.query('SELECT 1 / 0');
    } finally {
      process.kill(client.backend, 'SIGSTOP');
      stopped.push(client.backend);
    }
    return OUTCOME;
  };
  try {
    expect(await lane.run(work, soon(100), () => undefined)).toEqual({ kind: 'away' });
  } finally {
    for (const backend of stopped) process.kill(backend, 'SIGCONT');
  }
});
