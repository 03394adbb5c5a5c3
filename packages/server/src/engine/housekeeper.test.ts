import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../test/app.ts';
import { Housekeeper } from './housekeeper.ts';

/** The months whose partitions the schema makes: the last one, this one and three more, of two tables. */
const PARTITIONS = 10;

describe('a server that was off for longer than partitions are made ahead', () => {
  let app: TestApp;
  let owner: pg.Client;
  beforeAll(async () => {
    app = await startTestApp();
    owner = new pg.Client(app.connection);
    await owner.connect();
    await dropMonths();
  });
  afterAll(async () => {
    await owner.end();
    await app.close();
  });

  async function dropMonths(): Promise<void> {
    const { rows } = await owner.query<{ name: string }>(`
      SELECT inhrelid::regclass::text AS name FROM pg_inherits
      WHERE inhparent IN ('ledger_entry'::regclass, 'journal_entry'::regclass) AND inhrelid::regclass::text ~ '_\\d{4}_\\d\\d$'`);
    expect(rows).toHaveLength(PARTITIONS);
    for (const { name } of rows) await owner.query(`DROP TABLE ${name}`);
  }

  async function lastMonth(): Promise<string> {
    const { rows } = await owner.query<{ name: string }>(`
      SELECT inhrelid::regclass::text AS name FROM pg_inherits
      WHERE inhparent = 'ledger_entry'::regclass AND inhrelid::regclass::text ~ '\\d$' ORDER BY name DESC LIMIT 1`);
    return rows[0]?.name ?? '';
  }

  async function countIn(table: string): Promise<number> {
    const { rows } = await owner.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
    return Number(rows[0]?.count);
  }

  const post = async (path: string, payload: object) => {
    const answer = await app.app.inject({ method: 'POST', url: `/api/v1${path}`, payload });
    expect(answer.statusCode).toBeLessThan(300);
  };
  const adjust = () => post('/inventory/MUG/adjust', { location: 'WH', type: 'add', quantity: 1 });

  it('moves what was written before it made them, and goes on making them', async () => {
    await post('/products', { sku: 'MUG', name: 'Mug' });
    await post('/locations', { code: 'WH', name: 'WH', type: 'warehouse' });
    for (let count = 0; count < 3; count += 1) await adjust();
    expect(await countIn('ledger_entry_default')).toBe(3);
    expect(await countIn('journal_entry_default')).toBe(5);
    const ledger = () => app.app.inject({ url: '/api/v1/ledger' });
    const before = (await ledger()).body;

    const housekeeper = new Housekeeper({ database: app.database });
    expect(await housekeeper.runOnce()).toEqual({ partitionsMade: PARTITIONS, keysDeleted: 0 });
    expect(await countIn('ledger_entry_default')).toBe(0);
    expect(await countIn('journal_entry_default')).toBe(0);
    expect((await ledger()).body).toBe(before);

    await adjust();
    expect(await countIn('ledger_entry')).toBe(4);
    expect(await countIn('ledger_entry_default')).toBe(0);
    expect(await housekeeper.runOnce()).toEqual({ partitionsMade: 0, keysDeleted: 0 });
  });

  it('keeps nobody from the ledger while a dump reads it, and makes the months when it has ended', async () => {
    const dump = new pg.Client(app.connection);
    await dump.connect();
    try {
      await owner.query(`DROP TABLE ${await lastMonth()}`);
      await dump.query('BEGIN');
      await dump.query('SELECT FROM ledger_entry');
      const housekeeper = new Housekeeper({ database: app.database });
      const tried = housekeeper.runOnce();
      await Promise.all([expect(tried).rejects.toThrow('lock timeout'), adjust(), adjust()]);
      await dump.query('COMMIT');
      expect(await housekeeper.runOnce()).toEqual({ partitionsMade: 1, keysDeleted: 0 });
    } finally {
      await dump.end();
    }
  });

  it('has the same indexes in every month', async () => {
    const { rows } = await owner.query<{ tables: string; indexes: string }>(`
      SELECT count(DISTINCT indrelid) AS tables, count(*) AS indexes FROM pg_index
      JOIN pg_inherits ON inhrelid = indexrelid WHERE indisvalid
        AND indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'ledger_entry'::regclass)`);
    const { rows: parents } = await owner.query<{ indexes: string }>(
      `SELECT count(*) AS indexes FROM pg_index WHERE indrelid = 'ledger_entry'::regclass`,
    );
    expect(rows).toEqual([{ tables: '6', indexes: String(6 * Number(parents[0]?.indexes)) }]);
  });

  it('forgets the keys of yesterday, and no others', async () => {
    await owner.query(`INSERT INTO idempotency_key (owner, key, request_hash, status, created_at)
      SELECT 'o', hours::text, 'h', 200, now() - make_interval(hours => hours) FROM unnest(ARRAY[0, 23, 25, 99]) AS hours`);
    expect(await new Housekeeper({ database: app.database }).runOnce()).toMatchObject({ keysDeleted: 2 });
    const { rows } = await owner.query(`SELECT key FROM idempotency_key WHERE owner = 'o' ORDER BY key`);
    expect(rows).toEqual([{ key: '0' }, { key: '23' }]);
  });
});
