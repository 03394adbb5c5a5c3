import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../kernel/clock.ts';
import type { Config } from '../platform/config/index.ts';
import {
  Database,
  isConnectionLost,
  migrate,
  pause,
  SERVING_ROLE,
  type ConnectionConfig,
  type MigrationReport,
} from '../platform/database/index.ts';
import type { Logger } from '../platform/log/index.ts';
import {
  attachOrStartEmbedded,
  holdsData,
  readRestoreMark,
  removeRestoreMark,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../platform/postgres/index.ts';
import { CommandRefused, EXIT } from './command.line.ts';
import { messageOf } from './failure.message.ts';

/** The PostgreSQL that holds the data, up and migrated: the embedded one, or the one that DATABASE_URL names. */
export interface Store {
  connection: ConnectionConfig;
  /** For plain connections with the rights of the schema's owner. */
  ownerConnection: ConnectionConfig;
  /** null where DATABASE_URL names the database. */
  embedded: EmbeddedPostgres | null;
  migrations: MigrationReport | null;
  close(): Promise<void>;
}

/** A store, and the door to it. */
export interface Installation extends Store {
  database: Database;
}

export interface OpenOptions {
  config: Config;
  log: Logger;
  /** `own`: as the server of this data directory. `attach`: a command, also beside a running server. */
  mode: 'own' | 'attach';
  /** The command only reads: where nothing is, it makes nothing. */
  needsData?: boolean;
  /** false: leave the schema as it is. */
  migrates?: boolean;
  poolMax?: number;
  /** How long to wait for a database that DATABASE_URL names and that cannot be reached: it may start later than we. */
  waitMs?: number;
  /** Ends that wait. */
  signal?: AbortSignal;
}

const RETRY_MS = 500;
const TELL_EVERY_MS = 5_000;

/**
 * Opens the installation's database, brings its schema up to date, and takes the serving role.
 *
 * @throws EmbeddedPostgresError, NewerDatabaseError, and what the database throws
 */
export async function openInstallation(options: OpenOptions): Promise<Installation> {
  const { log, poolMax } = options;
  const store = await openStore(options);
  try {
    const { connection } = store;
    const database = openDatabase({ connection, log, ...(poolMax === undefined ? {} : { poolMax }) });
    await takeServingRole(database, log);
    const close = async (): Promise<void> => {
      await database.close();
      await store.close();
    };
    return { ...store, database, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The same without a door: for who makes one before the store is up, and for who hands the connection on. */
export async function openStore(options: OpenOptions): Promise<Store> {
  const { config, log, migrates = true } = options;
  const embedded = config.databaseUrl === null ? await openEmbedded(options) : null;
  const connection: ConnectionConfig = embedded?.connection ?? { connectionString: config.databaseUrl ?? '' };
  const ownerConnection =
    config.databaseMigrateUrl === null ? connection : { connectionString: config.databaseMigrateUrl };
  try {
    const migrations = migrates ? await reachable(() => migrate(ownerConnection), options) : null;
    for (const name of migrations?.applied ?? []) log.info({ migration: name }, 'migrated');
    const close = async (): Promise<void> => {
      await embedded?.stop();
    };
    const store = { connection, ownerConnection, embedded, migrations, close };
    if (migrates) await pauseWhatWasRestored(store, log);
    return store;
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

/**
 * What was restored begins paused: what the original does by itself is not done a second time. The schema must be as new
 * as we are.
 */
export async function pauseWhatWasRestored({ embedded, connection }: Store, log: Logger): Promise<void> {
  const because = embedded === null ? null : await readRestoreMark(embedded.dataDir);
  if (embedded === null || because === null) return;
  const database = openDatabase({ connection, log, poolMax: 1 });
  try {
    await pause(database.kysely, because);
  } finally {
    await database.close();
  }
  await removeRestoreMark(embedded.dataDir);
}

export function openDatabase(options: {
  connection: ConstructorParameters<typeof Database>[0]['connection'];
  log: Logger;
  poolMax?: number;
}): Database {
  const { log, ...rest } = options;
  return new Database({
    ...rest,
    onError: (error) => log.debug({ err: error }, 'an idle database connection was lost'),
  });
}

/** Has sessions take the role that cannot rewrite the ledger, and tells the operator when that is not possible. */
export async function takeServingRole(database: Database, log: Logger): Promise<void> {
  await database.chooseRole();
  if (!(await database.canRewriteLedger())) return;
  log.warn(
    `This user may change the ledger: it is no member of ${SERVING_ROLE}. ` +
      'Have the role made by a user with CREATEROLE, or migrate by DATABASE_MIGRATE_URL and serve as a lesser user.',
  );
}

/** Tries again while the database cannot be reached. What it answers, if only by a refusal, is not tried again. */
export async function reachable<Value>(
  work: () => Promise<Value>,
  { log, waitMs = 0, signal }: Pick<OpenOptions, 'log' | 'waitMs' | 'signal'>,
): Promise<Value> {
  const startedMs = systemClock.monotonic();
  let toldMs = -Infinity;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const nowMs = systemClock.monotonic();
      const leftMs = startedMs + waitMs - nowMs;
      if (!isConnectionLost(error) || leftMs <= 0) throw error;
      if (nowMs - toldMs >= TELL_EVERY_MS) {
        toldMs = nowMs;
        const left = Number.isFinite(leftMs) ? ` for ${Math.ceil(leftMs / 1000)} s more` : '';
        log.warn(`The database cannot be reached (${messageOf(error)}); trying again${left}.`);
      }
      await sleep(RETRY_MS, undefined, signal === undefined ? {} : { signal });
    }
  }
}

async function openEmbedded({ config, log, mode, needsData = false }: OpenOptions): Promise<EmbeddedPostgres> {
  if (needsData && !(await holdsData(config.dataDirectory))) {
    const detail = `There are no data in ${config.dataDirectory}: --data or HOLDFAST_DATA names the directory.`;
    throw new CommandRefused(detail, EXIT.couldNotRun);
  }
  const open = mode === 'own' ? startEmbeddedPostgres : attachOrStartEmbedded;
  return open({
    dataDir: config.dataDirectory,
    log: (level, message, extra) => log[level](extra ?? {}, message),
  });
}
