import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { loadConfig } from '../src/platform/config/index.ts';
import { Database } from '../src/platform/database/index.ts';
import type { HttpServer } from '../src/platform/http/index.ts';
import { createLogger } from '../src/platform/log/index.ts';
import { createServer, type HoldfastServer, type ServerOptions } from '../src/main/server.ts';

/** A whole Holdfast over a database of its own, not listening: talk to it with `app.inject`. */
export interface TestApp {
  app: HttpServer;
  server: HoldfastServer;
  database: Database;
  /** What node-postgres takes, as the schema's owner. */
  connection: pg.ClientConfig;
  /** Settles every hold that has lapsed. */
  sweepExpired(): Promise<void>;
  close(): Promise<void>;
}

export type TestAppOptions = Partial<
  Pick<
    ServerOptions,
    | 'timeShiftMs'
    | 'secondLaneAt'
    | 'optimistic'
    | 'checkAnswers'
    | 'duties'
    | 'extraRoutes'
    | 'jobTypes'
    | 'passwordCosts'
  >
> & {
  /** Environment variables of the server. */
  env?: Record<string, string>;
  /** A database that another app of the test has made: a second instance over it. */
  connection?: pg.ClientConfig;
};

const CHEAP_PASSWORDS = { argon2id: { m: 64, t: 1, p: 1 }, scrypt: { ln: 4, r: 8, p: 1 } };

/** Makes an empty, migrated database. */
export async function createDatabase(): Promise<{ connection: pg.ClientConfig; drop: () => Promise<void> }> {
  const postgres = inject('postgres');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(postgres, `CREATE DATABASE ${name} TEMPLATE ${inject('template')}`);
  const connection = { ...postgres, database: name };
  return { connection, drop: () => asAdmin(postgres, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { env = {}, connection: given, ...server } = options;
  const made = given === undefined ? await createDatabase() : { connection: given, drop: () => Promise.resolve() };
  const loaded = loadConfig({ LOG_LEVEL: 'error', ...env });
  // A machine that runs many suites holds this one up for seconds; the tests of platform/http shed load on purpose.
  const config = { ...loaded, http: { ...loaded.http, eventLoopLagMaxMs: Infinity } };
  const log = createLogger(config.logLevel);
  const database = new Database({ connection: made.connection, onError: () => undefined });
  await database.chooseRole();
  const holdfast = await createServer({
    config,
    log,
    database,
    runtimeMetrics: false,
    checkAnswers: true,
    duties: false,
    passwordCosts: CHEAP_PASSWORDS,
    ...server,
  });
  holdfast.markReady();
  if (server.duties !== undefined && server.duties !== false) await letSystemJobsRest(holdfast, database);
  return {
    app: holdfast.app,
    server: holdfast,
    database,
    connection: made.connection,
    sweepExpired: async () => {
      while ((await holdfast.sweeper.runOnce()).more);
    },
    close: async () => {
      await holdfast.close();
      await database.close();
      await made.drop();
    },
  };
}

/** Holdfast's own scheduled jobs would run in the middle of a test that is about something else: one at 17 past each hour. */
async function letSystemJobsRest({ jobs }: HoldfastServer, { pool }: Database): Promise<void> {
  await jobs.ready();
  await pool.query(
    `UPDATE job_state SET next_at = '3000-01-01' FROM job WHERE id = job_id AND is_system AND next_at IS NOT NULL`,
  );
}

async function asAdmin(connection: pg.ClientConfig, statement: string): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
