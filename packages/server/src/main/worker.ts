import { systemClock } from '../kernel/clock.ts';
import type { Config } from '../platform/config/index.ts';
import { pendingMigrations, type Database } from '../platform/database/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { CommandRefused, EXIT } from './command.line.ts';
import { openDatabase, openStore, takeServingRole } from './installation.ts';
import { DATABASE_WITHIN_MS } from './serve.ts';
import { createServer } from './server.ts';

/** A process that does jobs and listens on no port. @throws CommandRefused where the schema is not as new as it is */
export async function startWorker(
  config: Config,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<{ close(): Promise<void> }> {
  const startedMs = systemClock.monotonic();
  const store = await openStore({ config, log, mode: 'attach', migrates: false, waitMs: DATABASE_WITHIN_MS, signal });
  let database: Database | null = null;
  try {
    const pending = await pendingMigrations(store.ownerConnection);
    if (pending.length > 0) {
      const detail = `The schema lacks ${pending.join(', ')}: start a server first, or run \`holdfast migrate\`.`;
      throw new CommandRefused(detail, EXIT.couldNotRun);
    }
    const opened = openDatabase({ connection: store.connection, log, poolMax: config.jobSlots + POOL_SPARE });
    database = opened;
    await takeServingRole(opened, log);
    const server = await createServer({ config, log, database: opened, duties: 'jobs' });
    server.markReady();
    log.info({ slots: config.jobSlots, startMs: Math.round(systemClock.monotonic() - startedMs) }, 'working');
    return {
      close: async () => {
        await server.close();
        await opened.close();
        await store.close();
      },
    };
  } catch (error) {
    // Sessions that are kept for later would keep the process for half a minute.
    await database?.close();
    await store.close();
    throw error;
  }
}

/** Sessions for what the worker does beside its runs. */
const POOL_SPARE = 4;
