import { afterEach, beforeEach, expect, test } from 'vitest';
import { LOCATION_FLAGS_LOCK } from './read.sql.ts';
import { openEngine, openStock, reserveUnits, type Stock } from './stock.fixture.ts';

let stock: Stock;

beforeEach(async () => {
  stock = await openStock({ A: 1_000 });
  await stock.watcher.query(`
    DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
    END $$`);
});
afterEach(() => stock.close());

test.each([
  ['on what is known', true],
  ['under locks', false],
])(
  'decided %s, a location that is being closed is not sold from, whatever isolation the database prefers',
  async (_, optimistic) => {
    const { engine, close } = await openEngine(stock.connection, { optimistic });
    const reserve = (): Promise<unknown> => reserveUnits(engine, 'A', 1);
    try {
      await reserve();
      await reserve();
      await stock.watcher.query('BEGIN');
      await stock.watcher.query('SELECT pg_advisory_xact_lock($1)', [LOCATION_FLAGS_LOCK]);
      await stock.watcher.query(`UPDATE location SET active = false, version = version + 1`);
      const asked = Promise.allSettled([reserve()]);
      const waiting = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      await expect.poll(async () => (await stock.watcher.query(waiting)).rows.length, { interval: 1 }).toBe(1);
      await stock.watcher.query('COMMIT');
      expect(await asked).toMatchObject([{ status: 'rejected', reason: { code: 'location_inactive' } }]);
    } finally {
      await close();
    }
  },
);
