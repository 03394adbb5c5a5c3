import type { Worker } from 'node:cluster';
import type { MetricsReport, ToWorker } from './worker.messages.ts';

const ROUND_MS = 2_000;

interface Round {
  reports: MetricsReport[];
  missing: Set<Worker>;
  end(): void;
}

/** What only rises, and must not fall because a worker is gone: Prometheus would take the rest for a new beginning. */
const RISING = new Set<unknown>(['counter', 'histogram']);

/**
 * Collects the metrics of all workers for the one that was asked for them. For one that does not answer stands what it
 * said last, and for those that have ended what they counted.
 */
export class ReportRounds {
  readonly #workers: () => Iterable<Worker>;
  readonly #rounds = new Map<number, Round>();
  readonly #said = new Map<Worker, MetricsReport>();
  #ofEnded: MetricsReport[] = [];
  #merging: Promise<void> = Promise.resolve();
  #last = 0;

  constructor(workers: () => Iterable<Worker>) {
    this.#workers = workers;
  }

  begin(asker: Worker, id: number): void {
    const number = (this.#last += 1);
    const round: Round = {
      reports: [],
      missing: new Set(this.#workers()),
      end: () => {
        clearTimeout(timer);
        if (!this.#rounds.delete(number)) return;
        const silent = [...round.missing].map((worker) => this.#said.get(worker) ?? []);
        send(asker, { do: 'take', id, reports: [...round.reports, ...silent, ...this.#ofEnded] });
      },
    };
    const timer = setTimeout(() => round.end(), ROUND_MS);
    this.#rounds.set(number, round);
    for (const worker of round.missing) send(worker, { do: 'report', round: number });
  }

  add(worker: Worker, number: number, report: MetricsReport): void {
    const round = this.#rounds.get(number);
    if (round === undefined || !round.missing.delete(worker)) return;
    this.#said.set(worker, report);
    round.reports.push(report);
    if (round.missing.size === 0) round.end();
  }

  /** It has ended: nobody waits for it, and what it counted stays. */
  forget(worker: Worker): void {
    const counted = (this.#said.get(worker) ?? []).filter((metric) => 'type' in metric && RISING.has(metric.type));
    this.#said.delete(worker);
    this.#ofEnded.push(counted);
    for (const round of this.#rounds.values()) {
      if (round.missing.delete(worker) && round.missing.size === 0) round.end();
    }
    // What cannot be merged stays as it is: nobody waits for this, and the primary must not end by it.
    this.#merging = this.#merging.then(() => this.#merge()).catch(() => undefined);
  }

  /** However many have ended, one report is kept of them. */
  async #merge(): Promise<void> {
    const { length } = this.#ofEnded;
    if (length < 2) return;
    const { AggregatorRegistry } = await import('prom-client');
    const merged = await AggregatorRegistry.aggregate(this.#ofEnded.slice(0, length)).getMetricsAsJSON();
    this.#ofEnded = [merged, ...this.#ofEnded.slice(length)];
  }
}

function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
