import cluster from 'node:cluster';
import type { Config } from '../platform/config/index.ts';
import type { ConnectionConfig } from '../platform/database/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { explainFailure } from './failure.message.ts';
import { createInstance, type Instance } from './instance.ts';
import { exitOnDefect } from './lifecycle.ts';
import { mayListenEarly } from './serve.ts';
import { KERNEL_DIVIDES } from './port.sharing.ts';
import { isToWorker, type ToPrimary, type ToWorker } from './worker.messages.ts';
import { WorkerMetrics } from './worker.metrics.ts';

/** Connections that all workers of one server have together: the embedded PostgreSQL takes 100. */
const POOLED_MAX = 64;
const POOL_MAX = 8;
const POOL_MIN = 2;

/** The life of one worker: it does what the primary tells it, and ends with the primary. */
export async function work(config: Config, workers: number): Promise<void> {
  const log = createLogger(config.logLevel).child({ worker: cluster.worker?.id });
  exitOnDefect(log);
  // Who stops the group stops the primary, which tells us in time; Node ends a worker whose primary is gone.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const stop = new AbortController();
  const metrics = new WorkerMetrics(tell);
  const instance = await createInstance({
    config,
    log,
    poolMax: Math.max(POOL_MIN, Math.min(POOL_MAX, Math.floor(POOLED_MAX / workers))),
    sharesPort: KERNEL_DIVIDES,
    signal: stop.signal,
    onMetrics: (own) => metrics.use(own),
    renderMetrics: () => metrics.render(),
  });
  const worker = new Worker(config, instance, metrics);
  process.on('message', (message: unknown) => {
    if (!isToWorker(message)) return;
    if (message.do === 'stop') stop.abort();
    worker.obey(message).catch((error: unknown) => {
      if (!stop.signal.aborted) tell({ is: 'failed', message: explainFailure(error) });
    });
  });
  tell({ is: 'born' });
}

class Worker {
  readonly #config: Config;
  readonly #instance: Instance;
  readonly #metrics: WorkerMetrics;
  #port = 0;
  #address: string | null = null;

  constructor(config: Config, instance: Instance, metrics: WorkerMetrics) {
    this.#config = config;
    this.#instance = instance;
    this.#metrics = metrics;
  }

  async obey(message: ToWorker): Promise<void> {
    switch (message.do) {
      case 'listen':
        return this.#listen(message);
      case 'open':
        return this.#open(message.connection);
      case 'report':
        return this.#metrics.report(message.round);
      case 'take':
        return this.#metrics.take(message.id, message.reports);
      case 'stop':
        await this.#instance.close();
        return process.exit(0);
    }
  }

  async #listen({ port, when }: { port: number; when: 'now' | 'open' }): Promise<void> {
    this.#port = port;
    if (when === 'now' && mayListenEarly(this.#config)) this.#address = await this.#instance.listen(port);
  }

  async #open(connection: ConnectionConfig): Promise<void> {
    await this.#instance.connect(connection);
    this.#instance.server.markReady();
    this.#address ??= await this.#instance.listen(this.#port);
    tell({ is: 'ready', address: this.#address });
  }
}

function tell(message: ToPrimary): void {
  if (process.connected) process.send?.(message);
}
