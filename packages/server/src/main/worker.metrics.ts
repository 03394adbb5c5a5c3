import { AggregatorRegistry } from 'prom-client';
import type { Metrics } from '../platform/metrics/index.ts';
import type { MetricsReport, ToPrimary } from './worker.messages.ts';

const REPORTS_WITHIN_MS = 3_000;

/** /metrics of a worker: those of all workers, added up, whichever of them is asked. The primary passes them around. */
export class WorkerMetrics {
  readonly #tell: (message: ToPrimary) => void;
  readonly #waiting = new Map<number, (reports: MetricsReport[] | null) => void>();
  #own: Metrics | null = null;
  #lastId = 0;

  constructor(tell: (message: ToPrimary) => void) {
    this.#tell = tell;
  }

  use(own: Metrics): void {
    this.#own = own;
  }

  async render(): Promise<string> {
    const id = (this.#lastId += 1);
    const reports = await new Promise<MetricsReport[] | null>((resolve) => {
      this.#waiting.set(id, resolve);
      setTimeout(() => resolve(null), REPORTS_WITHIN_MS).unref();
      this.#tell({ is: 'asking', id });
    });
    this.#waiting.delete(id);
    return AggregatorRegistry.aggregate(reports ?? [await this.#read()]).metrics();
  }

  async report(round: number): Promise<void> {
    this.#tell({ is: 'reporting', round, report: await this.#read() });
  }

  take(id: number, reports: MetricsReport[]): void {
    this.#waiting.get(id)?.(reports);
  }

  async #read(): Promise<MetricsReport> {
    return (await this.#own?.registry.getMetricsAsJSON()) ?? [];
  }
}
