import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { inject } from 'vitest';
import { serveHoldfast, type ServingProcess } from '../../server/test/holdfast.process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of packages/server/test/global-setup.ts. */
    postgres: { host: string; port: number; user: string; database: string };
    template: string;
  }
}

const BUILD = fileURLToPath(new URL('../../../scripts/dashboard.mjs', import.meta.url));

/** A real server over a database of its own, with the built dashboard. */
export interface DashboardServer {
  address: string;
  /** Asks the API, as a program does. */
  call: (method: string, path: string, body?: object, key?: string) => Promise<Response>;
  /** The process is gone at once, as by a power cut; the database stays. */
  kill: () => Promise<void>;
  /** And back, at the same address. */
  restart: () => Promise<void>;
  close: () => Promise<void>;
}

export async function startDashboard(env: Record<string, string> = {}): Promise<DashboardServer> {
  // The build costs little where it is up to date.
  const [database] = await Promise.all([createDatabase(), promisify(execFile)(process.execPath, [BUILD])]);
  const { url } = database;
  const serve = (port: string): Promise<ServingProcess> =>
    serveHoldfast(['--port', port], { DATABASE_URL: url, ...env });
  let server = await serve('0');
  const { address } = server;
  return {
    address,
    call: (method, path, body, key) =>
      fetch(`${address}/api/v1${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
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
