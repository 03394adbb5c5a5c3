import { systemClock } from '../kernel/clock.ts';
import type { Config } from '../platform/config/index.ts';
import { pendingMigrations, type ConnectionConfig, type Database } from '../platform/database/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { CommandRefused, EXIT } from './command.line.ts';
import {
  openDatabase,
  openStore,
  pauseWhatWasRestored,
  reachable,
  takeServingRole,
  type Store,
} from './installation.ts';
import { tellPause } from './pause.ts';
import { DATABASE_WITHIN_MS } from './serve.ts';
import { createServer, type HoldfastServer } from './server.ts';
import { openProbes, type WorkerProbes } from './worker.probes.ts';

/** A process that does jobs. */
export interface Worker {
  /** Where its health and its metrics are; null where no port was asked for. */
  address: string | null;
  /** Lets runs come to their end, then stops everything that was started. */
  close(): Promise<void>;
}

interface WorkerOptions {
  log: Logger;
  /** Ends a start that waits for its database. */
  signal: AbortSignal;
}

/** Sessions for what the worker does beside its runs. */
const POOL_SPARE = 4;

/**
 * Does jobs, and serves nothing but its health and its metrics, where it has a port: from the beginning.
 *
 * @throws CommandRefused where the schema is not as new as it is
 */
export async function startWorker(config: Config, { log, signal }: WorkerOptions): Promise<Worker> {
  const startedMs = systemClock.monotonic();
  let connection: ConnectionConfig | null = null;
  const database = openDatabase({
    connection: () => {
      if (connection === null) throw new Error('the database is asked before it is known');
      return connection;
    },
    log,
    poolMax: config.jobSlots + POOL_SPARE,
  });
  const parts: Parts = { database, server: null, probes: null, store: null };
  try {
    const server = (parts.server = await createServer({ config, log, database, duties: 'jobs' }));
    if (config.workPort !== null) parts.probes = await openProbes(server, config, config.workPort);
    const wait = { log, waitMs: DATABASE_WITHIN_MS, signal };
    const store = (parts.store = await openStore({ config, mode: 'attach', migrates: false, ...wait }));
    await refuseOldSchema(store, wait);
    await pauseWhatWasRestored(store, log);
    connection = store.connection;
    await takeServingRole(database, log);
    await tellPause(database, log);
    server.markReady();
    parts.probes?.started();
    const address = parts.probes?.address ?? null;
    log.info({ slots: config.jobSlots, address, startMs: Math.round(systemClock.monotonic() - startedMs) }, 'working');
    return { address, close: () => closeAll(parts) };
  } catch (error) {
    // Sessions that are kept for later would keep the process for half a minute.
    await closeAll(parts);
    throw error;
  }
}

interface Parts {
  database: Database;
  server: HoldfastServer | null;
  probes: WorkerProbes | null;
  store: Store | null;
}

/** Who asks for its health is answered, that it is stopping, until its runs have ended. */
async function closeAll({ database, server, probes, store }: Parts): Promise<void> {
  await server?.close();
  await probes?.close();
  await database.close();
  await store?.close();
}

async function refuseOldSchema(store: Store, wait: Parameters<typeof reachable>[1]): Promise<void> {
  const pending = await reachable(() => pendingMigrations(store.ownerConnection), wait);
  if (pending.length === 0) return;
  const detail = `The schema lacks ${pending.join(', ')}: start a server first, or run \`holdfast migrate\`.`;
  throw new CommandRefused(detail, EXIT.couldNotRun);
}
