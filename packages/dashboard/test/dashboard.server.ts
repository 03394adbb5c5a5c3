import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { inject } from 'vitest';
import { makeDirectory, serveHoldfast, type ServingProcess } from '../../server/test/holdfast.process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of packages/server/test/global-setup.ts. */
    postgres: { host: string; port: number; user: string; database: string };
    template: string;
  }
}

const BUILD = fileURLToPath(new URL('../../../scripts/dashboard.mjs', import.meta.url));

/** Asks the API, as a program does. */
type Call = (method: string, path: string, body?: object, key?: string) => Promise<Response>;

/** A real server over a database of its own, with the built dashboard. */
export interface DashboardServer {
  address: string;
  call: Call;
  /** The process is gone at once, as by a power cut; the database stays. */
  kill: () => Promise<void>;
  /** And back, at the same address. */
  restart: () => Promise<void>;
  close: () => Promise<void>;
}

export async function startDashboard(env: Record<string, string> = {}): Promise<DashboardServer> {
  const [database] = await Promise.all([createDatabase(), build()]);
  const { url } = database;
  const serve = (port: string): Promise<ServingProcess> =>
    serveHoldfast(['--port', port], { DATABASE_URL: url, ...env });
  let server = await serve('0');
  const { address } = server;
  return {
    address,
    call: callTo(address),
    kill: async () => {
      server.signal('SIGKILL');
      await server.ended;
    },
    restart: async () => {
      server = await serve(new URL(address).port);
    },
    close: async () => {
      // Not killed: on its way out it keeps its compiled code, which the next start takes half its time from.
      await server.stop();
      await database.drop();
    },
  };
}

/** A real server with its embedded PostgreSQL, which no other suite shares: it may stand still. */
export interface FreezableServer {
  address: string;
  call: Call;
  /** All processes of PostgreSQL stand still: its socket accepts, and nothing is answered. */
  freeze: () => Promise<void>;
  thaw: () => Promise<void>;
  close: () => Promise<void>;
}

export async function startFreezable(): Promise<FreezableServer> {
  const [directory] = await Promise.all([makeDirectory(), build()]);
  const data = join(directory.path, 'data');
  const server = await serveHoldfast(['--port', '0', '--data', data]);
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    for (const pid of await postgresOf(data)) process.kill(pid, name);
  };
  return {
    address: server.address,
    call: callTo(server.address),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    close: async () => {
      await signal('SIGCONT');
      await server.stop();
      await directory.remove();
    },
  };
}

/** The postmaster, and its children. */
async function postgresOf(data: string): Promise<number[]> {
  const postmaster = Number((await readFile(join(data, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  const processes = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return [
    postmaster,
    ...processes.flatMap(([pid, parent]) => (pid !== undefined && parent === postmaster ? [pid] : [])),
  ];
}

/** It costs little where it is up to date. */
async function build(): Promise<void> {
  await promisify(execFile)(process.execPath, [BUILD]);
}

function callTo(address: string): Call {
  return (method, path, body, key) =>
    fetch(`${address}/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

/** An empty database, migrated already. */
async function createDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const { host, port, user, database } = inject('postgres');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ host, port, user, database });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await run(`CREATE DATABASE ${name} TEMPLATE ${inject('template')}`);
  const url = `postgres://${encodeURIComponent(user)}@localhost/${name}?host=${encodeURIComponent(host)}&port=${port}`;
  return { url, drop: () => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}
