import { readdir, readFile } from 'node:fs/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator, type Migration, type MigrationProvider } from 'kysely/migration';
import pg from 'pg';
import { outliveLoss } from './sessions.ts';
import { columnTypes } from './types.ts';

const MIGRATIONS = new URL('../../../migrations/', import.meta.url);

export interface MigrationReport {
  applied: string[];
  /** The newest migration that the database now has. */
  current: string | null;
}

/** The database was made by a newer Holdfast than this one. */
export class NewerDatabaseError extends Error {
  constructor(unknown: string[]) {
    super(
      `The database is newer than this Holdfast: it has the migrations ${unknown.join(', ')}. Upgrade Holdfast, or restore a backup made before the upgrade.`,
    );
    this.name = 'NewerDatabaseError';
  }
}

/**
 * Brings the schema up to date, as its owner. Any number of instances may call it at once: the first takes Kysely's
 * advisory lock, the others wait and find nothing to do. All of it is one transaction.
 *
 * @throws NewerDatabaseError
 */
export async function migrate(connection: pg.ClientConfig): Promise<MigrationReport> {
  const kysely = openAsOwner(connection);
  try {
    await refuseNewerDatabase(kysely);
    const { error, results } = await new Migrator({ db: kysely, provider: new SqlFiles() }).migrateToLatest();
    if (error !== undefined) throw error instanceof Error ? error : new Error('The migration failed', { cause: error });
    // pg-boss takes 60 ms to load: only for who migrates.
    const { installQueue } = await import('../jobs/queue.install.sql.ts');
    await installQueue(connection);
    const applied = (results ?? [])
      .filter((result) => result.status === 'Success')
      .map(({ migrationName }) => migrationName);
    return { applied, current: (await migrationNames()).at(-1) ?? null };
  } finally {
    await kysely.destroy();
  }
}

/** The migrations that the database does not have yet. */
export async function pendingMigrations(connection: pg.ClientConfig): Promise<string[]> {
  const kysely = openAsOwner(connection);
  try {
    await refuseNewerDatabase(kysely);
    const done = new Set(await appliedMigrations(kysely));
    return (await migrationNames()).filter((name) => !done.has(name));
  } finally {
    await kysely.destroy();
  }
}

/** The newest migration that the database has; null for one without. */
export async function latestMigration(connection: pg.ClientConfig): Promise<string | null> {
  const kysely = openAsOwner(connection);
  try {
    return (await appliedMigrations(kysely)).at(-1) ?? null;
  } finally {
    await kysely.destroy();
  }
}

function openAsOwner(connection: pg.ClientConfig): Kysely<unknown> {
  const pool = new pg.Pool({
    ...connection,
    types: columnTypes,
    max: 1,
    application_name: 'holdfast migrate',
    connectionTimeoutMillis: 5_000,
    // A pooler may hand out a session in which an instance has taken the serving role.
    onConnect: async (client) => {
      outliveLoss(client);
      await client.query('RESET ROLE');
    },
  });
  pool.on('error', () => undefined);
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

async function refuseNewerDatabase(kysely: Kysely<unknown>): Promise<void> {
  const known = new Set(await migrationNames());
  const unknown = (await appliedMigrations(kysely)).filter((name) => !known.has(name));
  if (unknown.length > 0) throw new NewerDatabaseError(unknown);
}

async function appliedMigrations(kysely: Kysely<unknown>): Promise<string[]> {
  const { rows: tables } = await sql<{
    found: boolean;
  }>`SELECT to_regclass('kysely_migration') IS NOT NULL AS found`.execute(kysely);
  if (tables[0]?.found !== true) return [];
  const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration ORDER BY name`.execute(kysely);
  return rows.map(({ name }) => name);
}

async function migrationNames(): Promise<string[]> {
  const files = await readdir(MIGRATIONS);
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();
}

class SqlFiles implements MigrationProvider {
  async getMigrations(): Promise<Record<string, Migration>> {
    const migrations: Record<string, Migration> = {};
    for (const name of await migrationNames()) {
      const text = await readFile(new URL(`${name}.sql`, MIGRATIONS), 'utf8');
      migrations[name] = { up: async (db) => void (await sql.raw(text).execute(db)) };
    }
    return migrations;
  }
}
