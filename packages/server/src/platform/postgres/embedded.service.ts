import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../kernel/clock.ts';
import { EmbeddedPostgresError, messageOf, USE_YOUR_OWN } from './embedded.problems.ts';
import { DATABASE, OF_NOBODY_ELSE, SUPERUSER } from './embedded.types.ts';
import type { Cluster, EmbeddedOptions, EmbeddedPostgres, Surroundings } from './embedded.types.ts';
import { locateCluster } from './home.location.ts';
import { rotateLog } from './log.rotation.ts';
import { ensureAnswering, logFile } from './postmaster.launch.ts';
import type { Answering } from './postmaster.launch.ts';
import { awaitEnd, stopPostmaster } from './postmaster.stop.ts';
import {
  ensureDatabase,
  lockLeaving,
  lockUsing,
  tryLockAlone,
  tryLockServing,
  unlockServingAndUsing,
  whoServes,
} from './session.sql.ts';
import type { Session } from './session.open.ts';

/** A server that was killed a moment ago loses its lock in milliseconds; one that serves keeps it. */
const LOCK_WAIT_MS = 1_500;
const LOCK_POLL_MS = 20;
const ROTATION_MS = 60_000;
const BACKOFF_MIN_MS = 250;
const BACKOFF_MAX_MS = 10_000;
/** A postmaster that lived so long did not die of its start. */
const LIVED_MS = 10_000;
const RESTART_ENDS_MS = 1_000;

/**
 * PostgreSQL for a server: it owns the data directory until stop(), which stops PostgreSQL, and it restarts a
 * postmaster that dies. A second one on the same directory gets `data_directory_in_use`.
 */
export async function serveFrom(options: EmbeddedOptions, surroundings: Surroundings): Promise<EmbeddedPostgres> {
  const cluster = await locateCluster(options, surroundings);
  await rotateLog(logFile(cluster));
  const first = await own(cluster, new AbortController().signal);
  const owner = new Owner(cluster, first);
  if (options.supervise !== false) void owner.supervise();
  return {
    ...description(cluster, first),
    pid: () => owner.current.running.pid,
    onRestart: (callback) => void owner.callbacks.push(callback),
    stop: () => owner.stop(),
  };
}

/**
 * PostgreSQL for a command that may work beside a running server: attaches to the postmaster of the directory, or
 * starts one. stop() takes PostgreSQL down only when no server and no other command uses it.
 */
export async function attachTo(options: EmbeddedOptions, surroundings: Surroundings): Promise<EmbeddedPostgres> {
  const cluster = await locateCluster(options, surroundings);
  const name = `holdfast command, pid ${process.pid}`;
  const found = await settle(cluster, name, new AbortController().signal, async ({ session }) => {
    await lockUsing(session.client);
  });
  let stopped: Promise<void> | undefined;
  return {
    ...description(cluster, found),
    pid: () => found.running.pid,
    onRestart: () => undefined,
    stop: () => (stopped ??= leave(cluster, found.session)),
  };
}

/** The last one out switches off the light. */
async function leave(cluster: Cluster, session: Session): Promise<void> {
  session.ref();
  try {
    await lockLeaving(session.client);
    if (await tryLockServing(session.client)) {
      if (await tryLockAlone(session.client)) await stopPostmaster(cluster);
      else await unlockServingAndUsing(session.client);
    }
  } catch (error) {
    // The session died with its PostgreSQL, which the server, if there is one, starts again.
    cluster.log('info', `PostgreSQL had gone before us: ${messageOf(error)}`);
  }
  await session.end();
}

function own(cluster: Cluster, abort: AbortSignal): Promise<Answering> {
  return settle(cluster, `holdfast serve, pid ${process.pid}`, abort, async ({ session }) => {
    const until = systemClock.monotonic() + LOCK_WAIT_MS;
    while (!(await tryLockServing(session.client))) {
      if (systemClock.monotonic() > until) throw await inUse(cluster, session);
      await sleep(LOCK_POLL_MS);
    }
  });
}

async function inUse(cluster: Cluster, session: Session): Promise<EmbeddedPostgresError> {
  const name = await whoServes(session.client);
  return new EmbeddedPostgresError(
    'data_directory_in_use',
    `Another Holdfast uses the data in ${cluster.home}${name === undefined ? '' : ` (${name})`}. ` +
      `Stop it first, choose another data directory, or, to run several servers on one database, ${USE_YOUR_OWN}.`,
  );
}

/** Gets an answering postmaster and takes a place in it; starts over when it goes down in the meantime. */
async function settle(
  cluster: Cluster,
  name: string,
  abort: AbortSignal,
  takePlace: (found: Answering) => Promise<void>,
): Promise<Answering> {
  for (;;) {
    const found = await ensureAnswering(cluster, name, abort);
    try {
      await takePlace(found);
      await ensureDatabase(found.session.client);
      found.session.unref();
      return found;
    } catch (error) {
      const lost = !(error instanceof EmbeddedPostgresError) && (await endsSoon(found.session));
      await found.session.end().catch(() => undefined);
      if (!lost) throw error;
    }
  }
}

async function endsSoon(session: Session): Promise<boolean> {
  return Promise.race([session.closed.then(() => true), sleep(200, false)]);
}

function description(
  cluster: Cluster,
  found: Answering,
): Pick<EmbeddedPostgres, 'connection' | 'connectionString' | 'dataDir' | 'adopted'> {
  const { socketDirectory: host, port, pid } = found.running;
  cluster.log('info', found.launched ? 'PostgreSQL is ready' : 'PostgreSQL was running already', { pid, socket: host });
  return {
    connection: { host, port, user: SUPERUSER, database: DATABASE, ...OF_NOBODY_ELSE },
    connectionString: `postgresql://${SUPERUSER}@localhost/${DATABASE}?host=${encodeURIComponent(host)}&port=${port}`,
    dataDir: cluster.home,
    adopted: !found.launched,
  };
}

/** The duty of a server: a postmaster that always answers. */
class Owner {
  current: Answering;
  readonly callbacks: (() => void)[] = [];
  readonly #cluster: Cluster;
  readonly #abort = new AbortController();
  readonly #rotation: NodeJS.Timeout;
  #restarting: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(cluster: Cluster, first: Answering) {
    this.#cluster = cluster;
    this.current = first;
    this.#rotation = setInterval(() => void this.#rotate(), ROTATION_MS).unref();
  }

  /** Our session ends when its postmaster does, so its end is the news. */
  async supervise(): Promise<void> {
    let delayMs = 0;
    for (;;) {
      const since = systemClock.monotonic();
      await this.current.session.closed;
      if (this.#abort.signal.aborted) return;
      const lived = systemClock.monotonic() - since > LIVED_MS;
      delayMs = lived ? 0 : Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, delayMs * 2));
      this.#restarting = this.#restart(delayMs);
      await this.#restarting;
      this.#restarting = undefined;
      if (this.#abort.signal.aborted) return;
      this.#tell();
    }
  }

  async #restart(firstDelayMs: number): Promise<void> {
    const log = this.#cluster.log;
    log('error', 'lost PostgreSQL; starting it again', { pid: this.current.running.pid });
    const since = systemClock.monotonic();
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, delayMs * 2))) {
      try {
        await sleep(delayMs, undefined, { signal: this.#abort.signal });
        this.current = await own(this.#cluster, this.#abort.signal);
        const { pid } = this.current.running;
        log('info', 'PostgreSQL answers again', { pid, afterMs: Math.round(systemClock.monotonic() - since) });
        return;
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        log('error', `PostgreSQL does not start: ${messageOf(error)}`);
      }
    }
  }

  #tell(): void {
    for (const callback of this.callbacks) {
      try {
        callback();
      } catch (error) {
        this.#cluster.log('error', `a listener to PostgreSQL's restart failed: ${messageOf(error)}`);
      }
    }
  }

  async #rotate(): Promise<void> {
    await rotateLog(logFile(this.#cluster)).catch((error: unknown) => {
      this.#cluster.log('warn', `cannot shorten ${logFile(this.#cluster)}: ${messageOf(error)}`);
    });
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    clearInterval(this.#rotation);
    if (this.#restarting !== undefined) await Promise.race([this.#restarting, sleep(RESTART_ENDS_MS)]);
    await stopPostmaster(this.#cluster);
    await awaitEnd(this.current.running.pid);
    await this.current.session.end().catch(() => undefined);
  }
}
