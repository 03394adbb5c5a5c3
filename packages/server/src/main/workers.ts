import cluster, { type Worker } from 'node:cluster';
import { systemClock } from '../kernel/clock.ts';
import type { Config } from '../platform/config/index.ts';
import type { ConnectionConfig } from '../platform/database/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { CommandRefused, EXIT } from './command.line.ts';
import { openDatabase, openStore, takeServingRole, type Store } from './installation.ts';
import { claimPort, KERNEL_DIVIDES } from './port.sharing.ts';
import { ReportRounds } from './report.rounds.ts';
import { DATABASE_WITHIN_MS, prepare, type Served, type ServeOptions } from './serve.ts';
import { isToPrimary, type ToPrimary, type ToWorker } from './worker.messages.ts';

export interface WorkersOptions extends ServeOptions {
  log: Logger;
  workers: number;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** A worker that lived so long did not die of its start. */
const LIVED_MS = 10_000;
/** A worker drains within 5 s. */
const STOP_WITHIN_MS = 5_500;

/** One primary owns the database and the port, and passes connections on to workers, each a whole server. */
export async function serveByWorkers(config: Config, options: WorkersOptions): Promise<Served> {
  const { log, workers, ...rest } = options;
  const opening = openStore({ config, log, mode: 'own', waitMs: DATABASE_WITHIN_MS, ...rest });
  opening.catch(() => undefined);
  const crew = new Crew(log);
  const close = async (): Promise<void> => {
    await crew.stop();
    const store = await opening;
    await store.close();
  };
  try {
    crew.start(workers, await claimPort(config));
    const store = await Promise.race([opening, crew.failed]);
    await prepareOnce(config, log, store);
    const address = await Promise.race([crew.open(store.connection), crew.failed]);
    log.info({ address, workers }, 'serving');
    return { address, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

async function prepareOnce(config: Config, log: Logger, { connection }: Store): Promise<void> {
  const database = openDatabase({ connection, log, poolMax: 1 });
  try {
    await takeServingRole(database, log);
    await prepare(config, log, database);
  } finally {
    await database.close();
  }
}

/** The workers: as many as there should be, each replaced when it dies. */
class Crew {
  readonly #log: Logger;
  readonly #rounds = new ReportRounds(() => this.#born);
  readonly #born = new Set<Worker>();
  readonly #ready = new Set<Worker>();
  /** Rejects when the crew cannot begin. */
  readonly failed: Promise<never>;
  #fail: (error: Error) => void = () => undefined;
  #onReady: (address: string) => void = () => undefined;
  #port = 0;
  #count = 0;
  #connection: ConnectionConfig | null = null;
  #isServing = false;
  #isStopping = false;
  #backoffMs = 0;

  constructor(log: Logger) {
    this.#log = log;
    this.failed = new Promise<never>((_resolve, reject) => (this.#fail = reject));
    this.failed.catch(() => undefined);
  }

  start(count: number, port: number): void {
    this.#count = count;
    this.#port = port;
    // Not Node's round robin: a connection that it hands to a worker which dies just then hangs for ever.
    if (!KERNEL_DIVIDES) cluster.schedulingPolicy = cluster.SCHED_NONE;
    for (let index = 0; index < count; index += 1) this.#fork();
  }

  /** Lets the workers serve; resolves when all of them do. */
  async open(connection: ConnectionConfig): Promise<string> {
    this.#connection = connection;
    const ready = new Promise<string>((resolve) => (this.#onReady = resolve));
    for (const worker of this.#born) send(worker, { do: 'open', connection });
    return ready;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const gone = workers.map((worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())));
    for (const worker of this.#born) send(worker, { do: 'stop' });
    const kill = setTimeout(() => {
      for (const worker of workers) worker.process.kill('SIGKILL');
    }, STOP_WITHIN_MS);
    await Promise.all(gone);
    clearTimeout(kill);
  }

  #fork(): void {
    if (this.#isStopping) return;
    const worker = cluster.fork();
    const since = systemClock.monotonic();
    worker.on('message', (message: unknown) => {
      if (isToPrimary(message)) this.#hear(worker, message);
    });
    worker.on('error', (error) => this.#log.error({ err: error, worker: worker.id }, 'a worker cannot be reached'));
    worker.once('exit', (code, killer) => {
      this.#born.delete(worker);
      this.#ready.delete(worker);
      this.#rounds.forget(worker);
      if (this.#isStopping) return;
      const how = { worker: worker.id, pid: worker.process.pid, code, killer };
      if (!this.#isServing) {
        this.#fail(new CommandRefused(`A worker ended while it started (exit code ${code}).`, EXIT.couldNotRun));
        return;
      }
      const lived = systemClock.monotonic() - since > LIVED_MS;
      this.#backoffMs = lived
        ? BACKOFF_MIN_MS
        : Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, this.#backoffMs * 2));
      this.#log.error({ ...how, againInMs: this.#backoffMs }, 'lost a worker; starting another');
      setTimeout(() => this.#fork(), this.#backoffMs);
    });
  }

  #hear(worker: Worker, message: ToPrimary): void {
    switch (message.is) {
      case 'born':
        return this.#welcome(worker);
      case 'ready':
        return this.#noteReady(worker, message.address);
      case 'failed':
        return this.#noteFailure(worker, message.message);
      case 'asking':
        return this.#rounds.begin(worker, message.id);
      case 'reporting':
        return this.#rounds.add(worker, message.round, message.report);
    }
  }

  #welcome(worker: Worker): void {
    this.#born.add(worker);
    if (this.#isStopping) {
      send(worker, { do: 'stop' });
      return;
    }
    send(worker, { do: 'listen', port: this.#port, when: this.#isServing ? 'open' : 'now' });
    if (this.#connection !== null) send(worker, { do: 'open', connection: this.#connection });
  }

  #noteReady(worker: Worker, address: string): void {
    this.#ready.add(worker);
    if (this.#isServing) {
      this.#log.info({ worker: worker.id, pid: worker.process.pid }, 'a worker serves');
      return;
    }
    if (this.#ready.size < this.#count) return;
    this.#isServing = true;
    this.#onReady(address);
  }

  #noteFailure(worker: Worker, message: string): void {
    if (!this.#isServing) {
      this.#fail(new CommandRefused(message, EXIT.couldNotRun));
      return;
    }
    this.#log.error({ worker: worker.id }, `a worker could not start: ${message}`);
    worker.process.kill('SIGKILL');
  }
}

function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
