import type { ClientConfig } from 'pg';
import type { Config } from '../platform/config/index.ts';
import { Database, migrate, SERVING_ROLE, type MigrationReport } from '../platform/database/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { attachOrStartEmbedded, startEmbeddedPostgres, type EmbeddedPostgres } from '../platform/postgres/index.ts';

/** A database that is open: the embedded one, or the one that DATABASE_URL names. */
export interface Installation {
  database: Database;
  /** For plain connections with the rights of the schema's owner. */
  ownerConnection: ClientConfig;
  connection: ClientConfig;
  /** null where DATABASE_URL names the database. */
  embedded: EmbeddedPostgres | null;
  migrations: MigrationReport | null;
  close(): Promise<void>;
}

export interface OpenOptions {
  config: Config;
  log: Logger;
  /** `own`: as the server of this data directory. `attach`: a command, also beside a running server. */
  mode: 'own' | 'attach';
  /** false: leave the schema as it is. */
  migrates?: boolean;
  poolMax?: number;
}

/**
 * Opens the installation's database, brings its schema up to date, and takes the serving role.
 *
 * @throws EmbeddedPostgresError, NewerDatabaseError, and what the database throws
 */
export async function openInstallation(options: OpenOptions): Promise<Installation> {
  const { config, log, mode, migrates = true } = options;
  const embedded = config.databaseUrl === null ? await openEmbedded(config, log, mode) : null;
  const connection: ClientConfig = embedded?.connection ?? { connectionString: config.databaseUrl ?? '' };
  const ownerConnection =
    config.databaseMigrateUrl === null ? connection : { connectionString: config.databaseMigrateUrl };
  try {
    const migrations = migrates ? await migrate(ownerConnection) : null;
    const database = new Database({
      connection,
      ...(options.poolMax === undefined ? {} : { poolMax: options.poolMax }),
      onError: (error) => log.warn({ err: error }, 'an idle database connection was lost'),
    });
    await database.chooseRole();
    await warnOfRights(database, log);
    const close = async (): Promise<void> => {
      await database.close();
      await embedded?.stop();
    };
    return { database, ownerConnection, connection, embedded, migrations, close };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

async function openEmbedded(config: Config, log: Logger, mode: 'own' | 'attach'): Promise<EmbeddedPostgres> {
  const open = mode === 'own' ? startEmbeddedPostgres : attachOrStartEmbedded;
  return await open({
    dataDir: config.dataDirectory,
    log: (level, message, extra) => log[level](extra ?? {}, message),
  });
}

async function warnOfRights(database: Database, log: Logger): Promise<void> {
  if (!(await database.canRewriteLedger())) return;
  log.warn(
    `This user may change the ledger: it is no member of ${SERVING_ROLE}. ` +
      'Have the role made by a user with CREATEROLE, or migrate by DATABASE_MIGRATE_URL and serve as a lesser user.',
  );
}
