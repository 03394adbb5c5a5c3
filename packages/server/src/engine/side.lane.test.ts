import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Answer } from '../kernel/command.ts';
import type { BatchReport } from './batch.engine.ts';
import { META, openEngine, openStock, reserveUnits, type Stock } from './stock.fixture.ts';

let stock: Stock;
let holder: pg.Client;

beforeAll(async () => {
  stock = await openStock({ HELD: 1_000, FREE: 1_000 });
  holder = new pg.Client(stock.connection);
  await holder.connect();
});
afterAll(async () => {
  await holder.end();
  await stock.close();
});

test('a level that another keeps is found out: who wants it waits apart, in turns, until it is let go', async () => {
  const reports: string[] = [];
  const onBatch = ({ commands, result }: BatchReport): void => void reports.push(`${commands} ${result}`);
  const { engine, close } = await openEngine(stock.connection, { optimistic: false, onBatch });
  const kept: Promise<Answer[]>[] = [];
  const reserveBoth = async (): Promise<string[]> => {
    kept.push(reserveUnits(engine, 'HELD', 1));
    await reserveUnits(engine, 'FREE', 1);
    return reports;
  };
  const POLL = { interval: 1 };
  try {
    await Promise.all(['HELD', 'FREE'].map((sku) => reserveUnits(engine, sku, 1)));
    await holder.query(
      `BEGIN; SELECT FROM level JOIN product ON id = product_id WHERE sku = 'HELD' FOR UPDATE OF level`,
    );
    await expect.poll(reserveBoth, POLL).toContain('2 stuck');
    // Those that go alone wait for the level, although it is known to be stuck.
    const times = (what: string): number => reports.filter((one) => one === what).length;
    const before = times('1 lock_timeout');
    await expect.poll(() => times('1 lock_timeout') - before, POLL).toBeGreaterThan(2);
    expect(times('1 stuck')).toBeLessThan(20);
    await holder.query('ROLLBACK');
    expect(await reserveUnits(engine, 'HELD', 1)).toMatchObject([{ status: 201 }]);
  } finally {
    // On a machine that is busy some of them may have waited too long.
    await Promise.allSettled(kept);
    await close();
  }
});

test('beyond so many that wait callers are turned away, and the others are served', async () => {
  const { engine, close } = await openEngine(stock.connection, { queueMax: 2 });
  try {
    const answers = await Promise.allSettled(Array.from({ length: 3 }, () => reserveUnits(engine, 'FREE', 1)));
    expect(answers).toMatchObject([
      { value: [{ status: 201 }] },
      { value: [{ status: 201 }] },
      { reason: { code: 'overloaded' } },
    ]);
  } finally {
    await close();
  }
});

test('an engine that ends answers what it has accepted, and accepts no more', async () => {
  const { engine, close } = await openEngine(stock.connection);
  const accepted = reserveUnits(engine, 'FREE', 3);
  const closed = close();
  await expect(reserveUnits(engine, 'FREE', 1)).rejects.toMatchObject({ code: 'shutting_down' });
  await closed;
  expect((await accepted).map(({ status }) => status)).toEqual([201, 201, 201]);
  const sessions = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'holdfast%' AND datname = current_database()`;
  await expect.poll(async () => (await stock.watcher.query(sessions)).rowCount).toBe(0);
});

test('a command that breaks its batch is told so, and takes nobody with it', async () => {
  const defects: unknown[] = [];
  const onDefect = (error: unknown): void => void defects.push(error);
  const { engine, close } = await openEngine(stock.connection, { optimistic: false, onDefect });
  const defect = new Error('a defect');
  const request = {
    lines: [{ sku: 'FREE', location: 'W1', quantity: 1 }],
    get userId(): string {
      throw defect;
    },
  };
  try {
    const broken = Promise.allSettled([engine.submit({ kind: 'reserve', request }, META)]);
    const others = await reserveUnits(engine, 'FREE', 3);
    expect(await broken).toEqual([{ status: 'rejected', reason: defect }]);
    expect(others.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(defects).toEqual([defect]);
  } finally {
    await close();
  }
});
