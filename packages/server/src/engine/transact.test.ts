import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Answer, CommandMeta } from '../kernel/command.ts';
import { Database } from '../platform/database/index.ts';
import { Door } from './door.fixture.ts';
import { BLOCK_SIZE } from './numbers.ts';
import { LOCATION_FLAGS_LOCK } from './read.sql.ts';
import { META, openStock, type Stock } from './stock.fixture.ts';
import { transact, type Work } from './transact.ts';

test('a server that panics when a COMMIT is durable: the command is done once, and answered', async () => {
  const stock = await openStock({});
  const door = new Door(stock.connection);
  const port = await door.open();
  const database = new Database({ connection: { ...stock.connection, host: '127.0.0.1', port } });
  try {
    await database.chooseRole();
    door.panics = 1;
    const answer = await transact(database, META, () =>
      Promise.resolve({ status: 201, body: {}, journal: [{ kind: 'test.done', subject: 'it', data: {} }] }),
    );
    expect([answer.status, door.panics]).toEqual([201, 0]);
    const { rows } = await stock.watcher.query(
      `SELECT actor, request_id, subject, data FROM journal_entry WHERE kind = 'test.done'`,
    );
    expect(rows).toEqual([{ actor: 'test', request_id: 'test', subject: 'it', data: '{}' }]);
  } finally {
    await database.close();
    door.close();
    await stock.close();
  }
});

test('transactions that wait leave sessions to reads, and go on in their order', async () => {
  const stock = await openStock({});
  const database = new Database({ connection: stock.connection, poolMax: 2 });
  try {
    let goOn = (): void => undefined;
    const row = new Promise<void>((resolve) => (goOn = resolve));
    const done: number[] = [];
    const wait = async (turn: number): Promise<void> => {
      await database.transaction(60_000, () => row);
      done.push(turn);
    };
    const waiting = Promise.all([1, 2, 3].map(wait));
    const late = database.transaction(1, () => row);
    await expect(late).rejects.toThrow('Too many wait for rows that another writer holds.');
    const { rows } = await database.pool.query('SELECT 1 AS one');
    expect([rows, done]).toEqual([[{ one: 1 }], []]);
    goOn();
    await waiting;
    expect(done).toEqual([1, 2, 3]);
  } finally {
    await database.close();
    await stock.close();
  }
});

describe('a command', () => {
  let stock: Stock;
  let door: Door;
  let database: Database;

  beforeAll(async () => {
    stock = await openStock({});
    door = new Door(stock.connection);
    const [host, port] = ['127.0.0.1', await door.open()];
    // So that a function of PostgreSQL's own can be replaced.
    const options = '-c search_path=public,pg_catalog';
    database = new Database({ connection: { ...stock.connection, host, port, options } });
    await database.chooseRole();
    await stock.watcher.query('CREATE SEQUENCE tries; GRANT USAGE ON tries TO PUBLIC');
  });
  afterEach(() =>
    stock.watcher.query(`
      DROP TRIGGER IF EXISTS planted ON idempotency_key;
      DROP FUNCTION IF EXISTS public.pg_xact_status;
      SELECT setval('tries', 1, false)`),
  );
  afterAll(async () => {
    await database.close();
    door.close();
    await stock.close();
  });

  const withKey = (key: string, requestHash = 'h', owner = 'test', chunk?: number): CommandMeta => ({
    ...META,
    idempotency: { owner, key, requestHash, ...(chunk === undefined ? {} : { chunk }) },
  });

  /** One that leaves nothing but its answer, and how often it was done. */
  function counted(before: () => Promise<unknown> = () => Promise.resolve()): { work: Work; times: () => number } {
    let times = 0;
    const work: Work = async () => {
      times += 1;
      await before();
      return { status: 201, body: { times }, journal: [] };
    };
    return { work, times: () => times };
  }

  /** Has the database do something to the first key that is stored from now on. */
  async function onFirstKey(act: string, timing: string): Promise<void> {
    await stock.watcher.query(`
      CREATE OR REPLACE FUNCTION plant() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF nextval('tries') = 1 THEN ${act}; END IF; RETURN NEW; END $$;
      CREATE ${timing} FOR EACH ROW EXECUTE FUNCTION plant()`);
  }

  /** Has the database do something before it tells what became of a transaction. */
  async function onStatus(act: string): Promise<void> {
    await stock.watcher.query(`
      CREATE FUNCTION public.pg_xact_status(id xid8) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN ${act}; RETURN pg_catalog.pg_xact_status(id); END $$`);
  }

  test('is done anew under a key that is older than 24 hours, and under no younger one', async () => {
    const { work, times } = counted();
    const age = (interval: string): Promise<unknown> =>
      stock.watcher.query(`UPDATE idempotency_key SET created_at = created_at - $1::interval`, [interval]);
    await transact(database, withKey('old'), work);
    await age('23 hours');
    await expect(transact(database, withKey('old', 'other'), work)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
    expect(await transact(database, withKey('old'), work)).toMatchObject({ replayed: true });
    await age('2 hours');
    expect(await transact(database, withKey('old', 'other'), work)).not.toHaveProperty('replayed');
    expect(times()).toBe(2);
  });

  test('has one answer for each caller and each slice under a key, and each grows old by itself', async () => {
    const { work, times } = counted();
    const slices = [withKey('same'), withKey('same', 'h', 'other'), withKey('same', 'h', 'test', 1)];
    const bodies = async (): Promise<(string | null)[]> => {
      const answers = [];
      for (const meta of slices) answers.push(await transact(database, meta, work));
      return answers.map(({ body }) => body);
    };
    expect(await bodies()).toEqual(['{"times":1}', '{"times":2}', '{"times":3}']);
    await stock.watcher.query(
      `UPDATE idempotency_key SET created_at = created_at - interval '2 days' WHERE owner = 'test' AND chunk = 0`,
    );
    expect(await bodies()).toEqual(['{"times":4}', '{"times":2}', '{"times":3}']);
    expect(times()).toBe(4);
  });

  test('numbers what it journals in blocks of its own, also where another has drawn one meanwhile', async () => {
    let others = 0;
    await transact(database, META, async (tx) => {
      const { rows } = await sql<{ block: number }>`SELECT nextval('entry_seq') AS block`.execute(tx);
      others = rows[0]?.block ?? 0;
      const entry = (_: unknown, index: number) => ({ kind: 'test.many', subject: String(index), data: null });
      return { status: 204, body: null, journal: Array.from({ length: BLOCK_SIZE + 1 }, entry) };
    });
    const { rows } = await stock.watcher.query(
      `SELECT subject::int, id::int FROM journal_entry WHERE kind = 'test.many' AND subject IN ('0', '4095', '4096')
       ORDER BY id`,
    );
    expect(rows).toEqual([
      { subject: 0, id: others - BLOCK_SIZE },
      { subject: BLOCK_SIZE - 1, id: others - 1 },
      { subject: BLOCK_SIZE, id: others + BLOCK_SIZE },
    ]);
    const runs = await stock.watcher.query(
      `SELECT first_id::int, last_id::int FROM event_batch b
       JOIN journal_entry j ON j.id = first_id AND j.at = b.at AND j.at = b.ledger_until
       WHERE kind = 'test.many' ORDER BY first_id`,
    );
    expect(runs.rows).toEqual([
      { first_id: others - BLOCK_SIZE, last_id: others - 1 },
      { first_id: others + BLOCK_SIZE, last_id: others + BLOCK_SIZE },
    ]);
  });

  test('that a crash has lost is done again, whosever the answer is that stands there now', async () => {
    const { work, times } = counted();
    await onFirstKey(
      `NEW.created_at := NEW.created_at - interval '1 ms'; NEW.body := 'another''s'`,
      'TRIGGER planted BEFORE INSERT ON idempotency_key',
    );
    door.panics = 1;
    const answer = await transact(database, withKey('lost'), work);
    expect(answer).toMatchObject({ body: "another's", replayed: true });
    expect([times(), door.panics]).toEqual([1, 0]);
  });

  test('that was committed unheard is done once, also where what became of it is not told at once', async () => {
    const { work, times } = counted();
    await onStatus(`IF nextval('tries') = 1 THEN RAISE 'planted' USING ERRCODE = '57P03'; END IF`);
    door.panics = 1;
    const journal = [{ kind: 'test.unheard', subject: 'it', data: null }];
    const answer = await transact(database, META, async (...args) => ({ ...(await work(...args)), journal }));
    expect(answer.body).toBe('{"times":1}');
    expect([times(), door.panics]).toEqual([1, 0]);
  });

  test('that is lost while it commits, and of which a crash has left nothing, is done again', async () => {
    const { work, times } = counted();
    await onStatus(`RAISE 'its number is in the future' USING ERRCODE = '22023'`);
    await onFirstKey(
      `RAISE 'planted' USING ERRCODE = '57P01'`,
      'CONSTRAINT TRIGGER planted AFTER INSERT ON idempotency_key DEFERRABLE INITIALLY DEFERRED',
    );
    expect(await transact(database, withKey('aborted'), work)).toMatchObject({ body: '{"times":2}' });
    expect(times()).toBe(2);
  });

  test('that leaves nothing to be found by, and was committed unheard, is not done again', async () => {
    const { work, times } = counted();
    door.panics = 1;
    await expect(transact(database, META, work)).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(times()).toBe(1);
  });

  test('of which a database that falls silent does not tell what became has an answer in time', async () => {
    const { work, times } = counted();
    await onStatus('PERFORM pg_advisory_xact_lock_shared(1)');
    await stock.watcher.query('SELECT pg_advisory_lock(1)');
    const isAsked = `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
      WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()`;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      door.panics = 1;
      const asked = Promise.allSettled([transact(database, withKey('silent'), work)]);
      await expect.poll(async () => (await stock.watcher.query(isAsked)).rowCount, { interval: 1 }).toBe(1);
      vi.advanceTimersByTime(5_000);
      expect(await asked).toMatchObject([{ reason: { code: 'outcome_unknown' } }]);
      expect(times()).toBe(1);
    } finally {
      vi.useRealTimers();
      await stock.watcher.query('SELECT pg_advisory_unlock(1)');
    }
  });

  test('that fails of itself is not tried again', async () => {
    const { work, times } = counted(() => Promise.reject(new Error('a defect')));
    await expect(transact(database, META, work)).rejects.toThrow('a defect');
    expect(times()).toBe(1);
  });

  test('that waits for a row, or meets another, is tried again', async () => {
    await stock.watcher.query('BEGIN; SELECT FROM location FOR UPDATE');
    const code = ['W2', 'W1', 'W2'];
    let tries = 0;
    const answer = await transact(database, META, async (tx) => {
      tries += 1;
      if (tries === 2) await stock.watcher.query('COMMIT');
      await sql`UPDATE location SET name = 'renamed'`.execute(tx);
      await sql`INSERT INTO location (code, name, type, created_at, updated_at)
        VALUES (${code[tries - 1]}, 'another', 'warehouse', now(), now())`.execute(tx);
      return { status: 204, body: null, journal: [] };
    });
    expect([answer.status, tries]).toEqual([204, 3]);
  });

  test('of a location waits for its row before it keeps stock waiting', async () => {
    const { rows } = await stock.watcher.query<{ id: number }>('SELECT min(id)::int AS id FROM location');
    // Within a transaction pg_stat_activity shows no session that came after the first look.
    const isWaiting = 'SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid';
    const keepsStock = `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
      WHERE objid = ${LOCATION_FLAGS_LOCK} AND mode = 'ExclusiveLock' AND datname = current_database()`;
    // Who makes a level there refers to the row.
    const { work, times } = counted(async () => {
      await stock.watcher.query('SELECT FROM location FOR KEY SHARE NOWAIT');
      expect((await stock.watcher.query(keepsStock)).rowCount).toBe(1);
    });
    await stock.watcher.query('BEGIN; SELECT FROM location FOR UPDATE');
    const changed = transact(database, META, work, { lockLocation: rows[0]?.id ?? 0 });
    await expect.poll(async () => (await stock.watcher.query(isWaiting)).rowCount, { interval: 1 }).toBe(1);
    expect((await stock.watcher.query(keepsStock)).rowCount).toBe(0);
    await stock.watcher.query('COMMIT');
    await changed;
    expect(times()).toBe(1);
  });

  test.each([
    ['250ms', {}],
    ['100ms', { lockLocation: 1 }],
  ])('keeps nobody waiting who is frozen, and waits in turns of %s', async (turn, options) => {
    const { work } = counted();
    const names = ['idle_in_transaction_session_timeout', 'lock_timeout', 'timezone'];
    let settings: unknown;
    const looks: Work = async (tx, nowMs) => {
      const { rows } =
        await sql`SELECT array(SELECT current_setting(name) FROM unnest(${names}::text[]) AS name) AS all`.execute(tx);
      settings = (rows[0] as { all: unknown } | undefined)?.all;
      return work(tx, nowMs);
    };
    await transact(database, META, looks, options);
    expect(settings).toEqual(['500ms', turn, 'UTC']);
  });

  test('waits for one under the same key, and is answered like it', async () => {
    const waits = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    const { work, times } = counted(async () => {
      const arrived = async (): Promise<number> => (await stock.watcher.query(waits)).rows.length + times();
      await expect.poll(arrived, { interval: 1 }).toBeGreaterThan(1);
    });
    const once = (): Promise<Answer> => transact(database, withKey('twice'), work);
    const answers = await Promise.all([once(), once()]);
    expect(answers.map(({ body }) => body)).toEqual(['{"times":1}', '{"times":1}']);
    expect(answers.filter(({ replayed }) => replayed)).toHaveLength(1);
  });
});
