import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Answer } from '../kernel/command.ts';
import { Problem } from '../kernel/problem.ts';
import { Database } from '../platform/database/index.ts';
import type { BatchReport } from './batch.engine.ts';
import { Door } from './door.fixture.ts';
import { selectSessionSettings, selectStillKnown } from './known.sql.ts';
import { META, openEngine, openStock, reserveUnits, type OpenEngine, type Stock } from './stock.fixture.ts';

let stock: Stock;
let door: Door;
/** An engine that tells of its batches, its defects and its sessions that were lost. */
let here: OpenEngine & { reports: BatchReport[]; defects: unknown[]; losses: unknown[] };

beforeEach(async () => {
  stock = await openStock({ A: 1_000, B: 1_000, C: 1_000 }, 900);
  door = new Door(stock.connection);
  here = await openTold({ ...stock.connection, host: '127.0.0.1', port: await door.open() });
  // Connects and prepares; from here on both levels are known.
  for (const sku of ['A', 'B', 'C', 'A', 'B', 'C']) await reserve(sku, 1);
});
afterEach(async () => {
  await here.close();
  door.close();
  await stock.close();
});

async function openTold(connection: pg.ClientConfig): Promise<typeof here> {
  const reports: BatchReport[] = [];
  const defects: unknown[] = [];
  const losses: unknown[] = [];
  const opened = await openEngine(connection, {
    onBatch: (report) => reports.push(report),
    onDefect: (error) => defects.push(error),
    onLost: (error) => losses.push(error),
  });
  return { ...opened, reports, defects, losses };
}

function reserve(sku: string, times: number, engine = here.engine): Promise<Answer[]> {
  return reserveUnits(engine, sku, times);
}

/** What is reserved, after a look that lines, ledger, journal and level say the same, and that numbers rise. */
async function reservedOf(sku: string): Promise<number> {
  const { rows } = await stock.watcher.query<
    Record<'reserved' | 'lines' | 'ledger' | 'version' | 'entries' | 'ordered', number>
  >(
    `SELECT l.reserved::int, l.version::int,
       (SELECT count(*) FROM reservation_line WHERE product_id = l.product_id)::int AS lines,
       (SELECT sum(delta_reserved) FROM ledger_entry WHERE product_id = l.product_id)::int AS ledger,
       (SELECT count(*) FROM ledger_entry WHERE product_id = l.product_id)::int AS entries,
       (SELECT count(*) FROM (SELECT reserved, row_number() OVER (ORDER BY seq) AS nth FROM ledger_entry
         WHERE product_id = l.product_id) AS entry WHERE reserved = nth)::int AS ordered
     FROM level l JOIN product p ON p.id = l.product_id WHERE p.sku = $1`,
    [sku],
  );
  const [row] = rows;
  expect(row).toMatchObject({ lines: row?.reserved, ledger: row?.reserved, ordered: row?.entries });
  return row?.reserved ?? -1;
}

const POLL = { interval: 1, timeout: 5_000 };
const statuses = (answers: Answer[]): number[] => answers.map(({ status }) => status);
const done = (count: number): number[] => Array.from({ length: count }, () => 201);
const timesSent = (statement: string): number => door.sent.split(`${statement}\0`).length - 1;
/** What became of the batches since. */
const kinds = (): string[] => here.reports.map(({ result }) => result);

/** Whether a level that was read under locks is written without them again. */
async function isKnownAgain(sku: string): Promise<void> {
  here.reports.length = 0;
  door.sent = '';
  expect(statuses(await reserve(sku, 1))).toEqual(done(1));
  expect([kinds(), timesSent('lock_levels')]).toEqual([['done'], 0]);
}

/** Two batches of A, both sent whole; the first COMMIT and all behind it are held on their way. */
async function underWay(): Promise<[Promise<Answer[]>, Promise<Answer[]>]> {
  here.reports.length = 0;
  door.sent = '';
  door.holdsCommits = true;
  const first = reserve('A', 4);
  await expect.poll(() => timesSent('COMMIT'), POLL).toBe(1);
  const second = reserve('A', 4);
  await expect.poll(() => timesSent('COMMIT'), POLL).toBe(2);
  return [first, second];
}

test('what is known is not locked and read: one round trip, and the next batch is sent before the last is done', async () => {
  const [first, second] = await underWay();
  door.letGo();
  expect([...statuses(await first), ...statuses(await second)]).toEqual(done(8));
  expect(kinds()).toEqual(['done', 'done']);
  expect(timesSent('lock_levels')).toBe(0);
  expect(await reservedOf('A')).toBe(10);
});

test('lost after both were done, and neither was heard of: both are found', async () => {
  const [first, second] = await underWay();
  door.isAnswering = false;
  door.letGo();
  await expect.poll(() => reservedOf('A'), POLL).toBe(10);
  door.cut();
  expect([...statuses(await first), ...statuses(await second)]).toEqual(done(8));
  expect(await reservedOf('A')).toBe(10);
});

test('lost before any of it arrived: both are done once', async () => {
  const [first, second] = await underWay();
  door.cut();
  expect([...statuses(await first), ...statuses(await second)]).toEqual(done(8));
  expect(await reservedOf('A')).toBe(10);
});

test('of a database that was away nothing is known: it may be an earlier one', async () => {
  door.sent = '';
  await stock.watcher.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'holdfast optimistic lane 1' AND datname = current_database()`,
  );
  // What the server says of it, and the end of the connection.
  await expect.poll(() => here.losses.length, POLL).toBe(2);
  expect(statuses(await reserve('A', 1))).toEqual(done(1));
  expect(timesSent('lock_levels')).toBe(1);
  await isKnownAgain('A');
});

test('another changes the level meanwhile: both batches are refused, and done under locks', async () => {
  const other = await openTold(stock.connection);
  try {
    door.sent = '';
    // Held from its first byte on: the other's change comes first.
    door.holdsAll = true;
    here.reports.length = 0;
    const first = reserve('A', 4);
    await expect.poll(() => timesSent('COMMIT'), POLL).toBe(1);
    const second = reserve('A', 4);
    await expect.poll(() => timesSent('COMMIT'), POLL).toBe(2);
    expect(statuses(await reserve('A', 3, other.engine))).toEqual(done(3));
    door.letGo();
    expect([...statuses(await first), ...statuses(await second)]).toEqual(done(8));
    expect(
      kinds()
        .filter((kind) => kind !== 'done')
        .toSorted(),
    ).toEqual(['behind', 'changed']);
    expect(timesSent('lock_levels')).toBeGreaterThan(0);
    expect(await reservedOf('A')).toBe(13);
    await isKnownAgain('A');
  } finally {
    await other.close();
  }
});

test('two instances take turns at a level: none is lost, and the numbers of its entries rise', async () => {
  const other = await openTold(stock.connection);
  try {
    for (let turn = 0; turn < 12; turn += 1) {
      const answers = await Promise.all([reserve('A', 3), reserve('A', 2, other.engine), reserve('B', 2)]);
      expect(statuses(answers.flat())).toEqual(done(7));
    }
    expect([await reservedOf('A'), await reservedOf('B')]).toEqual([62, 26]);
  } finally {
    await other.close();
  }
});

test.each([
  ['a location that was closed', `UPDATE location SET active = false, version = version + 1`, 'location_inactive'],
  ['a product that was archived', `UPDATE product SET archived_at = now(), version = version + 1`, 'product_archived'],
  ['stock that is gone', `UPDATE level SET on_hand = reserved, version = version + 1`, 'insufficient_stock'],
  [
    'stock that is withheld from sale',
    `UPDATE level SET safety_stock = on_hand - reserved, own_settings = 8, version = version + 1`,
    'insufficient_stock',
  ],
])('%s elsewhere is not sold here', async (_, change, code) => {
  await stock.watcher.query(change);
  const refusal = await reserve('A', 1).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Problem);
  expect((refusal as Problem).code).toBe(code);
  expect(await reservedOf('A')).toBe(2);
});

test('stock that an operator took by hand elsewhere, without a word, is not sold here', async () => {
  const byHand = { A: 'on_hand = reserved', B: 'reserved = on_hand', C: 'committed = on_hand - reserved' };
  for (const [sku, change] of Object.entries(byHand)) {
    await stock.watcher.query(`UPDATE level SET ${change} FROM product p WHERE p.id = product_id AND p.sku = '${sku}'`);
    await expect(reserve(sku, 1)).rejects.toMatchObject({ code: 'insufficient_stock' });
  }
});

test('where all of it is known, and not enough for all, the rest is told so under locks', async () => {
  await stock.watcher.query('UPDATE level SET on_hand = reserved + 6, version = version + 1');
  await reserve('A', 1);
  await reserve('A', 1);
  const answers = await Promise.allSettled(Array.from({ length: 6 }, () => reserve('A', 1)));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
  const refused = { status: 'rejected', reason: { code: 'insufficient_stock' } };
  expect(answers.filter(({ status }) => status === 'rejected')).toMatchObject([refused, refused]);
  expect(await reservedOf('A')).toBe(8);
});

test('what is done under locks here and what is not keep out of each other’s way', async () => {
  here.reports.length = 0;
  const { engine } = here;
  const cancelled: Promise<unknown>[] = [];
  for (let turn = 0; turn < 30; turn += 1) {
    const answers = reserve('A', 4).then(async (made_) => {
      for (const { body } of made_.slice(0, 2)) {
        const { id } = JSON.parse(body ?? '') as { id: string };
        cancelled.push(engine.submit({ kind: 'cancel', id, reason: null }, META));
      }
      return made_;
    });
    const adjusted = engine.submit(
      { kind: 'adjust', request: { sku: 'A', location: 'W1', type: 'add', movement: 'receipt', quantity: 1 } },
      META,
    );
    if (turn % 3 === 0) expect(statuses(await answers)).toEqual(done(4));
    await adjusted;
  }
  await expect.poll(() => engine.depth, POLL).toBe(0);
  await Promise.all(cancelled);
  expect(new Set(kinds())).toEqual(new Set(['done']));
});

test('who needs no locks does not wait long for a level that is locked here, but gets in line', async () => {
  door.sent = '';
  door.holdsCommits = true;
  const request = { sku: 'A', location: 'W1', type: 'add', movement: 'receipt', quantity: 1 } as const;
  const adjusted = here.engine.submit({ kind: 'adjust', request }, META);
  await expect.poll(() => timesSent('COMMIT'), POLL).toBe(1);
  const reserved = reserve('A', 4);
  await expect.poll(() => timesSent('lock_levels'), POLL).toBe(2);
  door.letGo();
  expect((await adjusted).status).toBe(200);
  expect(statuses(await reserved)).toEqual(done(4));
});

test('a connection that falls silent keeps those waiting whose levels it writes, and nobody else for long', async () => {
  const { rows } = await stock.watcher.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'holdfast optimistic lane 1'
       AND datname = current_database()`,
  );
  const pid = rows[0]?.pid as number;
  process.kill(pid, 'SIGSTOP');
  try {
    door.sent = '';
    const silent = reserve('A', 4);
    await expect.poll(() => timesSent('COMMIT'), POLL).toBe(1);
    const behind = reserve('B', 4);
    await expect.poll(() => timesSent('COMMIT'), POLL).toBe(2);
    const others = reserve('C', 4);
    expect(statuses(await others)).toEqual(done(4));
    expect(here.engine.depth).toBeGreaterThanOrEqual(4);
    process.kill(pid, 'SIGCONT');
    expect(statuses([...(await silent), ...(await behind)])).toEqual(done(8));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

test('a batch is refused where the one before it on its connection was not done', async () => {
  const database = new Database({ connection: stock.connection });
  const lane = await database.openLane('chain');
  try {
    await lane.query(selectSessionSettings({ role: null, lockTimeoutMs: 100, idleTimeoutMs: 100 }));
    const basis = { clockMs: Date.now(), products: [], locations: [], blocks: 0 };
    await lane.query(selectStillKnown({ ...basis, after: 0, own: 1 }));
    await lane.query('BEGIN');
    await lane.query(selectStillKnown({ ...basis, after: 1, own: 2 }));
    await lane.query('ROLLBACK');
    await expect(lane.query(selectStillKnown({ ...basis, after: 2, own: 3 }))).rejects.toMatchObject({ code: 'HF001' });
    await lane.query(selectStillKnown({ ...basis, after: 1, own: 3 }));
    for (const shiftMs of [-3_600_000, 3_600_000]) {
      const late = selectStillKnown({ ...basis, clockMs: Date.now() + shiftMs, after: 3, own: 4 });
      await expect(lane.query(late)).rejects.toMatchObject({ code: 'HF001' });
    }
  } finally {
    await lane.end();
    await database.close();
  }
});

test('a defect is told, and whoever it was about is served under locks', async () => {
  const defect = new Error('a defect');
  let looks = 0;
  const request = {
    lines: [{ sku: 'A', location: 'W1', quantity: 1 }],
    get userId(): string {
      looks += 1;
      if (looks === 1) throw defect;
      return 'u-1';
    },
  };
  expect(await here.engine.submit({ kind: 'reserve', request }, META)).toMatchObject({ status: 201 });
  expect(here.defects).toEqual([defect]);
  expect(await reservedOf('A')).toBe(3);
});

test('a request that is sent again takes nobody with it', async () => {
  const idempotency = { owner: 'test', key: 'k-1', requestHash: 'r-1' };
  const again = (): Promise<Answer> => {
    const request = { lines: [{ sku: 'A', location: 'W1', quantity: 1 }] };
    return here.engine.submit({ kind: 'reserve', request }, { ...META, idempotency });
  };
  const first = await again();
  here.reports.length = 0;
  const [second, others] = await Promise.all([again(), reserve('A', 4)]);
  expect(second).toEqual({ ...first, replayed: true });
  expect(statuses(others)).toEqual(done(4));
  expect(kinds()).not.toContain('again');
  expect(await reservedOf('A')).toBe(7);
});
