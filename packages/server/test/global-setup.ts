import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../src/platform/database/index.ts';
import { startEmbeddedPostgres } from '../src/platform/postgres/index.ts';
import { installMissing } from './debian.packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The embedded PostgreSQL of this run, as node-postgres takes it; its user may create databases. */
    postgres: { host: string; port: number; user: string; database: string };
    /** A database in it that is migrated and empty: others are made as copies. */
    template: string;
  }
}

const TEMPLATE = 'holdfast_template';

/** A copy takes half the time of making one and migrating it. */
async function makeTemplate(connection: pg.ClientConfig): Promise<string> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${TEMPLATE}`);
  } finally {
    await client.end();
  }
  await migrate({ ...connection, database: TEMPLATE });
  return TEMPLATE;
}

const WANTED = [{ programs: ['redis-server', 'valkey-server'], package: 'redis-server' }];

/** One real PostgreSQL serves all suites; each makes a database of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await installMissing(WANTED);
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  // Where the tests run as root, PostgreSQL's own account has to enter.
  await chmod(directory, 0o711);
  const postgres = await startEmbeddedPostgres({
    dataDir: join(directory, 'data'),
    log: (level, message) => {
      if (level === 'error') console.error(message);
    },
    settings: { max_connections: '300' },
  });
  const { host, port, user, database } = postgres.connection;
  project.provide('postgres', { host, port, user, database });
  project.provide('template', await makeTemplate({ host, port, user, database }));
  return async () => {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  };
}
