import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ClientConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from './app.ts';
import { accountOf } from './debian.postgres.ts';
import { freePort, makeDirectory, runHoldfast, serveHoldfast, until, type ServingProcess } from './holdfast.process.ts';
import { databaseUrl, postJson } from './http.load.ts';

const version = pgbouncerVersion();
const CALLERS = 12;
const ROUNDS = 20;

describe.skipIf(version === null)(
  `through ${version ?? 'PgBouncer, which is not installed'}, in transaction mode`,
  () => {
    let database: Awaited<ReturnType<typeof createDatabase>>;
    let bouncer: PgBouncer;
    let servers: ServingProcess[];

    beforeAll(async () => {
      database = await createDatabase();
      bouncer = await startPgBouncer(database.connection);
      const env = { DATABASE_URL: bouncer.url, DATABASE_MIGRATE_URL: databaseUrl(database.connection) };
      servers = await Promise.all([1, 2].map(() => serveHoldfast(['--port', '0'], env)));
    });
    afterAll(async () => {
      await Promise.all(servers.map((server) => server.stop()));
      await bouncer.stop();
      await database.drop();
    });

    test('two servers reserve, confirm and cancel on one level, and nothing is lost', async () => {
      const api = servers.map(({ address }) => `${address}/api/v1`);
      await postJson(`${api[0]}/products`, { sku: 'SHIRT', name: 'Shirt' });
      await postJson(`${api[0]}/locations`, { code: 'WH1', name: 'Warehouse', type: 'warehouse' });
      await postJson(`${api[0]}/inventory/SHIRT/adjust`, { location: 'WH1', type: 'add', quantity: 200 });
      const counts = { reserved: 0, refused: 0 };
      const statuses = new Set<number>();
      const callers = Array.from({ length: CALLERS }, async (_, caller) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const at = api[(caller + round) % 2] ?? '';
          const answer = await postJson(`${at}/inventory/SHIRT/reserve`, { quantity: 1 });
          const { id } = (await answer.json()) as { id: string };
          statuses.add(answer.status);
          if (answer.status === 409) counts.refused += 1;
          if (answer.status !== 201) continue;
          counts.reserved += 1;
          const then = await fetch(`${at}/reservations/${id}/${round % 2 === 0 ? 'confirm' : 'cancel'}`, {
            method: 'POST',
          });
          statuses.add(then.status);
          const read = await fetch(`${api[(caller + round + 1) % 2]}/reservations/${id}`);
          expect(await read.json()).toMatchObject({ status: round % 2 === 0 ? 'confirmed' : 'cancelled' });
        }
      });
      await Promise.all(callers);
      expect(statuses).toEqual(new Set([201, 200]));
      expect(counts).toEqual({ reserved: CALLERS * ROUNDS, refused: 0 });
      const level = await fetch(`${api[1]}/inventory/SHIRT/locations/WH1`);
      expect(await level.json()).toMatchObject({ onHand: 200, reserved: 0, committed: (CALLERS * ROUNDS) / 2 });
    });

    test('`holdfast verify` is clean, also through it', async () => {
      for (const url of [bouncer.url, databaseUrl(database.connection)]) {
        const verified = await runHoldfast(['verify'], { DATABASE_URL: url });
        expect(verified).toMatchObject({ code: 0 });
        expect(verified.stdout).toMatch(/^Clean: 1 levels/);
      }
    });

    test('sessions that a server has left do not keep another one from migrating', async () => {
      expect(await runHoldfast(['migrate'], { DATABASE_URL: bouncer.url })).toMatchObject({ code: 0, stdout: '' });
    });
  },
);

interface PgBouncer {
  url: string;
  stop(): Promise<void>;
}

/** Fewer sessions than the servers would open, so that they are really shared. */
async function startPgBouncer({ host = '', port = 5432, user = '', database = '' }: ClientConfig): Promise<PgBouncer> {
  const directory = await makeDirectory();
  const listenPort = await freePort();
  const config = join(directory.path, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `${database} = host=${host} port=${port} dbname=${database} user=${user}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${listenPort}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 6',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  // It refuses to run as root.
  const account = process.getuid?.() === 0 ? await accountOf('nobody') : undefined;
  if (account !== undefined) await chown(config, account.uid, account.gid);
  const child: ChildProcess = spawn('pgbouncer', ['--quiet', config], { stdio: 'ignore', cwd: '/', ...account });
  const ended = once(child, 'exit');
  await until('PgBouncer listens', () => listens(listenPort));
  return {
    url: `postgres://${user}@127.0.0.1:${listenPort}/${database}`,
    stop: async () => {
      child.kill('SIGINT');
      await ended;
      await directory.remove();
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function pgbouncerVersion(): string | null {
  try {
    return execFileSync('pgbouncer', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? null;
  } catch {
    return null;
  }
}
