import { systemClock } from '../kernel/clock.ts';
import { openModeRefusal } from '../platform/auth/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Database } from '../platform/database/index.ts';
import { createLogger, type Logger } from '../platform/log/index.ts';
import { openStore, type Store } from './installation.ts';
import type { Instance } from './instance.ts';
import { tellPause } from './pause.ts';

/** A server that listens. */
export interface Served {
  /** Where it is, such as http://127.0.0.1:8080 */
  address: string;
  /** Drains, then stops everything that was started. */
  close(): Promise<void>;
}

export interface ServeOptions {
  log?: Logger;
  /** Ends a start that waits for its database. */
  signal?: AbortSignal;
}

/** The configuration asks for what would not be safe. */
export class RefusedToServe extends Error {
  override name = 'RefusedToServe';
}

/** A container may start before its database does. */
export const DATABASE_WITHIN_MS = 60_000;

/** Opens the database, migrates, and serves. It listens, and answers 503, from the beginning. */
export async function serve(config: Config, options: ServeOptions = {}): Promise<Served> {
  const { log = createLogger(config.logLevel), ...rest } = options;
  const startedMs = systemClock.monotonic();
  const opening = openStore({ config, log, mode: 'own', waitMs: DATABASE_WITHIN_MS, ...rest });
  // Failures are met where it is awaited, below.
  opening.catch(() => undefined);
  let instance: Instance | null = null;
  try {
    // Loaded while PostgreSQL starts: each takes about half a second of a fresh start.
    const { createInstance } = await import('./instance.ts');
    instance = await createInstance({ config, log, ...rest });
    const early = mayListenEarly(config) ? await instance.listen() : null;
    const store = await opening;
    await instance.connect(store.connection);
    await prepare(config, log, instance.database);
    const address = early ?? (await instance.listen());
    instance.server.markReady();
    log.info({ address, startMs: Math.round(systemClock.monotonic() - startedMs) }, 'serving');
    return { address, close: () => closeAll(instance, opening) };
  } catch (error) {
    await closeAll(instance, opening).catch(() => undefined);
    throw error;
  }
}

async function closeAll(instance: Instance | null, opening: Promise<Store>): Promise<void> {
  await instance?.close();
  const store = await opening;
  await store.close();
}

/** Nobody but this machine can reach it, or nobody without a key: only then may it listen before it knows its keys. */
export function mayListenEarly(config: Config): boolean {
  return openModeRefusal(config.host) === null || config.adminKey !== null || config.jwt !== null;
}

/**
 * What must be so before the first request: the operator's own key is there, and an open server is on loopback only.
 *
 * @throws RefusedToServe
 */
export async function prepare(config: Config, log: Logger, database: Database): Promise<void> {
  await tellPause(database, log);
  const { createKeyStore, ensureAdminKey } = await import('../modules/api-keys/index.ts');
  if (config.adminKey !== null && (await ensureAdminKey(database, config.adminKey)) === 'unusable') {
    log.warn('HOLDFAST_ADMIN_KEY was revoked, or is a key without the scope admin: it opens nothing.');
  }
  if (config.jwt !== null || (await createKeyStore(database).anyExists())) return;
  const refusal = openModeRefusal(config.host);
  if (refusal !== null) throw new RefusedToServe(refusal);
  log.warn(
    'There is no API key or person yet: the server is open, as admin, on loopback only, until a first one is made.',
  );
}
