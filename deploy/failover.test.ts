import { chown, readFile, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  accountOf,
  makeDebianPostgres,
  noDebianPostgres,
  type DebianPostgres,
} from '../packages/server/test/debian.postgres.ts';
import {
  freePort,
  makeDirectory,
  runHoldfast,
  serveHoldfast,
  until,
  type ServingProcess,
} from '../packages/server/test/holdfast.process.ts';
import { postJson } from '../packages/server/test/http.load.ts';
import { follow } from './stream.fixture.ts';

const CALLERS = 8;
const PATIENCE_MS = 40_000;
/** What the stream goes on higher by in another life of its database. */
const JUMP = 2 ** 32;

const skipped = noDebianPostgres === null ? '' : ` (skipped: ${noDebianPostgres})`;

describe.skipIf(noDebianPostgres !== null)(`a failover to a synchronous standby${skipped}`, () => {
  let primary: DebianPostgres;
  let standby: Standby;
  let address: Address;
  let servers: ServingProcess[];

  beforeAll(async () => {
    primary = await makeDebianPostgres();
    await primary.start();
    standby = await startStandby(primary);
    await query(primary.port, "ALTER SYSTEM SET synchronous_standby_names = '*'", 'SELECT pg_reload_conf()');
    address = await makeAddress(primary.port);
    const env = { DATABASE_URL: `postgres://shop@127.0.0.1:${address.port}/shop` };
    servers = await Promise.all([1, 2].map(() => serveHoldfast(['--port', '0'], env)));
  });
  afterAll(async () => {
    await Promise.all((servers ?? []).map((server) => server.stop()));
    await address?.close();
    await standby?.remove();
    await primary?.remove();
  });

  test('loses nothing that was acknowledged, and readers miss nothing', async () => {
    const api = servers.map((server) => `${server.address}/api/v1`);
    await postJson(`${api[0]}/products`, { sku: 'SHIRT', name: 'Shirt' });
    await postJson(`${api[0]}/locations`, { code: 'WH1', name: 'Warehouse', type: 'warehouse' });
    await postJson(`${api[0]}/inventory/SHIRT/adjust`, { location: 'WH1', type: 'add', quantity: 1_000_000 });
    const readers = servers.map((server) => follow(server.address));
    await Promise.all(readers.map(({ isOpen }) => isOpen));

    let done = 0;
    let isOver = false;
    const statuses = new Set<number>();
    const reserveOnce = async (at: string, key: string): Promise<void> => {
      const headers = { 'idempotency-key': key };
      const attempt = async (): Promise<boolean> => {
        const { status } = await postJson(`${at}/inventory/SHIRT/reserve`, { quantity: 1 }, headers);
        statuses.add(status);
        return status === 201;
      };
      await until('it is reserved', attempt, PATIENCE_MS);
      done += 1;
    };
    const callers = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let round = 0; !isOver; round += 1) await reserveOnce(api[(caller + round) % 2] ?? '', `${caller}-${round}`);
    });

    await until('the callers are at work', () => done > 100, PATIENCE_MS);
    // Else all of it may get its positions in the next life, and nobody sees a jump.
    await until('the readers hear of it', () => readers.every((reader) => reader.reserves() > 0), PATIENCE_MS);
    await killAll(primary);
    address.leadTo(standby.port);
    // Nobody is primary now.
    await until('they say so', async () => (await fetch(`${servers[0]?.address}/health/ready`)).status === 503);
    await standby.promote();
    const soFar = done;
    await until('they go on', () => done > soFar + 100, PATIENCE_MS);
    isOver = true;
    await Promise.all(callers);

    expect([...statuses].filter((status) => status !== 201 && status !== 503)).toEqual([]);
    const level = await fetch(`${api[1]}/inventory/SHIRT/locations/WH1`, { headers: { 'cache-control': 'no-cache' } });
    expect(await level.json()).toMatchObject({ reserved: done, onHand: 1_000_000 });
    for (const reader of readers) {
      await until('the reader has all of it', () => reader.reserves() >= done, PATIENCE_MS);
      expect(reader.reserves()).toBe(done);
      const steps = reader.positions.slice(1).map((position, index) => position - (reader.positions[index] ?? 0));
      expect(steps.filter((step) => step <= 0)).toEqual([]);
      expect(steps.filter((step) => step >= JUMP)).toHaveLength(1);
      reader.close();
    }
    const verified = await runHoldfast(['verify'], { DATABASE_URL: `postgres://shop@127.0.0.1:${standby.port}/shop` });
    expect(verified).toMatchObject({ code: 0 });
  });
});

interface Standby {
  port: number;
  promote(): Promise<void>;
  remove(): Promise<void>;
}

/** A hot standby that streams from it. */
async function startStandby(primary: DebianPostgres): Promise<Standby> {
  const directory = await makeDirectory();
  if (process.getuid?.() === 0) {
    const { uid, gid } = await accountOf('nobody');
    await chown(directory.path, uid, gid);
  }
  const data = join(directory.path, 'data');
  const port = await freePort();
  const source = ['-h', '127.0.0.1', '-p', String(primary.port), '-U', 'shop'];
  await primary.run('pg_basebackup', ...source, '-D', data, '-R', '-X', 'stream', '-c', 'fast');
  const control = (...args: string[]): Promise<string> =>
    primary.run('pg_ctl', '-D', data, '-w', '-s', '-l', join(data, 'log'), ...args);
  await control('-o', `-p ${port}`, 'start');
  return {
    port,
    promote: async () => void (await control('promote')),
    remove: async () => {
      await control('stop', '-m', 'immediate').catch(() => undefined);
      await rm(directory.path, { recursive: true, force: true });
    },
  };
}

async function query(port: number, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'shop', database: 'shop' });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** As when the machine goes: nobody ends anything in order. */
async function killAll(postgres: DebianPostgres): Promise<void> {
  const postmaster = Number((await readFile(postgres.file('postmaster.pid'), 'utf8')).split('\n')[0]);
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
  for (const pid of [postmaster, ...children.trim().split(' ').map(Number)]) process.kill(pid, 'SIGKILL');
}

/** One port that leads to whichever PostgreSQL is primary now: what a proxy or a virtual address does. */
interface Address {
  port: number;
  leadTo(port: number): void;
  close(): Promise<void>;
}

async function makeAddress(first: number): Promise<Address> {
  let target = first;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    leadTo: (port) => {
      target = port;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
