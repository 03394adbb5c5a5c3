import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { makeDebianPostgres, noDebianPostgres, type DebianPostgres } from './debian.postgres.ts';
import { runHoldfast, serveHoldfast } from './holdfast.process.ts';
import { postJson } from './http.load.ts';

/** What docs/guides/running-in-production.md and backup-and-restore.md tell to do, done. */
describe.skipIf(noDebianPostgres !== null)(
  `a PostgreSQL of one's own (${noDebianPostgres ?? 'Debian PostgreSQL 15'})`,
  () => {
    let postgres: DebianPostgres;
    const urlOf = (user: string, database: string): string =>
      `postgres://${user}@127.0.0.1:${postgres.port}/${database}`;
    const asSuperuser = async (database: string, ...statements: string[]): Promise<void> => {
      const client = new pg.Client(urlOf('shop', database));
      await client.connect();
      for (const statement of statements) await client.query(statement);
      await client.end();
    };

    beforeAll(async () => {
      postgres = await makeDebianPostgres();
      await postgres.start();
    });
    afterAll(() => postgres.remove());

    test('an owner migrates, and a lesser user serves, who cannot rewrite the ledger', async () => {
      await asSuperuser(
        'shop',
        'CREATE ROLE holdfast_app NOLOGIN',
        "CREATE ROLE holdfast_owner LOGIN PASSWORD 'one'",
        "CREATE ROLE holdfast_web LOGIN PASSWORD 'two' IN ROLE holdfast_app",
        'GRANT holdfast_app TO holdfast_owner',
        'CREATE DATABASE holdfast OWNER holdfast_owner',
      );
      const env = {
        DATABASE_URL: urlOf('holdfast_web', 'holdfast'),
        DATABASE_MIGRATE_URL: urlOf('holdfast_owner', 'holdfast'),
      };
      const server = await serveHoldfast(['--port', '0'], env);
      const api = `${server.address}/api/v1`;
      await postJson(`${api}/products`, { sku: 'SHIRT', name: 'Shirt' });
      await postJson(`${api}/locations`, { code: 'WH1', name: 'Warehouse', type: 'warehouse' });
      expect(
        (await postJson(`${api}/inventory/SHIRT/adjust`, { location: 'WH1', type: 'add', quantity: 10 })).status,
      ).toBe(200);
      expect((await postJson(`${api}/inventory/SHIRT/reserve`, { quantity: 3 })).status).toBe(201);
      expect(server.log().filter(({ msg }) => String(msg).includes('may change the ledger'))).toEqual([]);
      await server.stop();
      const web = new pg.Client(urlOf('holdfast_web', 'holdfast'));
      await web.connect();
      await expect(web.query('UPDATE ledger_entry SET on_hand = 0')).rejects.toThrow('permission denied');
      await expect(web.query('DELETE FROM ledger_entry')).rejects.toThrow('permission denied');
      await web.end();
    });

    test('pg_dump, pg_restore into another database: verify is clean, and a server goes on', async () => {
      const dump = await postgres.run(
        'pg_dump',
        '--format=custom',
        '--dbname',
        urlOf('holdfast_owner', 'holdfast'),
        '--file',
        postgres.file('holdfast.dump'),
      );
      expect(dump).toBe('');
      await asSuperuser('shop', 'CREATE DATABASE restored OWNER holdfast_owner');
      await postgres.run(
        'pg_restore',
        '--exit-on-error',
        '--dbname',
        urlOf('shop', 'restored'),
        postgres.file('holdfast.dump'),
      );
      const env = {
        DATABASE_URL: urlOf('holdfast_web', 'restored'),
        DATABASE_MIGRATE_URL: urlOf('holdfast_owner', 'restored'),
      };
      const verified = await runHoldfast(['verify'], env);
      expect(verified).toMatchObject({ code: 0 });
      expect(verified.stdout).toMatch(/^Clean: 1 levels, 2 ledger entries, 1 reservations/);
      const server = await serveHoldfast(['--port', '0'], env);
      expect((await postJson(`${server.address}/api/v1/inventory/SHIRT/reserve`, { quantity: 7 })).status).toBe(201);
      expect((await postJson(`${server.address}/api/v1/inventory/SHIRT/reserve`, { quantity: 1 })).status).toBe(409);
      await server.stop();
    });

    test('a user who may change the ledger is told of at start', async () => {
      await asSuperuser('shop', "CREATE ROLE plain LOGIN PASSWORD 'three'", 'CREATE DATABASE plain OWNER plain');
      const server = await serveHoldfast(['--port', '0'], { DATABASE_URL: urlOf('plain', 'plain') });
      expect(server.log().map(({ msg }) => String(msg))).toContainEqual(
        expect.stringMatching(/^This user may change the ledger/),
      );
      await server.stop();
    });
  },
);
