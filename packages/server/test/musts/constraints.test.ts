import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../app.ts';
import { REFUSED } from './refused-writes.table.ts';
import { type Fixture, makeFixture } from './valid.requests.ts';

// "A bug in TypeScript must hit a constraint before it hits a customer": what such a bug would write is written by hand in
// the table, and must be refused by the constraint that is named.

let app: TestApp;
let owner: pg.Client;
let serving: pg.Client;
let fixture: Fixture;

beforeAll(async () => {
  app = await startTestApp();
  fixture = await makeFixture(app);
  const payload = { from: 'LOC-1', to: 'LOC-2', lines: [{ sku: 'SKU-1', quantity: 1 }] };
  const moved = await app.app.inject({ method: 'POST', url: '/api/v1/transfers', payload });
  if (moved.statusCode !== 201) throw new Error(moved.body);
  const key = { name: 'key', scopes: ['admin'] };
  await app.app.inject({ method: 'POST', url: '/api/v1/api-keys', payload: key });
  [owner, serving] = await Promise.all([connect(), connect()]);
  await serving.query('SET ROLE holdfast_app');
});

afterAll(async () => {
  await owner.end();
  await serving.end();
  await app.close();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(app.connection);
  await client.connect();
  return client;
}

/** What PostgreSQL says to a statement: the constraint that it breaks, else the SQLSTATE, else that it was done. */
async function refusalOf(client: pg.Client, statement: string): Promise<string> {
  await client.query('BEGIN');
  try {
    const { rowCount } = await client.query(statement);
    return `done to ${rowCount} rows`;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return error.constraint ?? `${error.code}`;
  } finally {
    await client.query('ROLLBACK');
  }
}

describe('the schema refuses', () => {
  test.each(REFUSED)('%s', async (_, statement, constraint) => {
    expect(await refusalOf(owner, statement)).toBe(constraint);
  });

  test('nothing that this table has forgotten', async () => {
    const { rows } = await owner.query<{ name: string }>(
      // A unique index that is partial is a constraint by another name.
      `SELECT c.conname AS name FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
       WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('c', 'u') AND NOT t.relispartition
       UNION SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
       WHERE i.relnamespace = 'public'::regnamespace AND x.indisunique AND NOT x.indisprimary AND NOT i.relispartition
         AND i.relname NOT LIKE 'kysely%'
       ORDER BY 1`,
    );
    const met = new Set(REFUSED.map(([, , constraint]) => constraint));
    expect(rows.map(({ name }) => name).filter((name) => !met.has(name))).toEqual([]);
    expect(rows.length).toBeGreaterThan(25);
  });
});

const PERMISSION_DENIED = '42501';

describe('the serving role', () => {
  test.each(['ledger_entry', 'journal_entry'])('can neither change nor remove anything of %s', async (table) => {
    const { rows } = await owner.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass`,
      [table],
    );
    for (const name of [table, ...rows.map((row) => row.name)]) {
      expect(await refusalOf(serving, `UPDATE ${name} SET actor = 'nobody'`)).toBe(PERMISSION_DENIED);
      expect(await refusalOf(serving, `DELETE FROM ${name}`)).toBe(PERMISSION_DENIED);
      expect(await refusalOf(serving, `TRUNCATE ${name}`)).toBe(PERMISSION_DENIED);
      expect(await refusalOf(serving, `DROP TABLE ${name}`)).toBe(PERMISSION_DENIED);
      expect(await refusalOf(serving, `ALTER TABLE ${name} DISABLE TRIGGER ALL`)).toBe(PERMISSION_DENIED);
    }
    expect(await refusalOf(serving, `SELECT * FROM ${table} FOR UPDATE`)).toBe(PERMISSION_DENIED);
    expect(rows.length).toBeGreaterThan(1);
  });

  test('removes no stock, reservation, transfer or name, and nothing that there is one of', async () => {
    const kept = [
      'product',
      'location',
      'level',
      'reservation',
      'transfer',
      'transfer_line',
      'api_key',
      'person',
      'event_stream',
      'rate_limit_revision',
      'installation',
    ];
    for (const name of kept) {
      expect(await refusalOf(serving, `DELETE FROM ${name}`)).toBe(PERMISSION_DENIED);
      expect(await refusalOf(serving, `TRUNCATE ${name}`)).toBe(PERMISSION_DENIED);
    }
    expect(await refusalOf(serving, 'CREATE TABLE mine ()')).toBe(PERMISSION_DENIED);
    expect(await refusalOf(serving, 'ALTER TABLE level DROP CONSTRAINT level_on_hand_is_never_negative')).toBe(
      PERMISSION_DENIED,
    );
  });

  test('is the one that the server works as', async () => {
    const { rows } = await app.database.pool.query<{ role: string; can: boolean }>(
      `SELECT current_user AS role, has_table_privilege('ledger_entry', 'DELETE') AS can`,
    );
    expect(rows).toEqual([{ role: 'holdfast_app', can: false }]);
    expect(fixture.pendingId).not.toBe('');
  });
});
