import type { Worker } from 'node:cluster';
import type { MetricsReport, ToWorker } from './worker.messages.ts';

const ROUND_MS = 2_000;

interface Round {
  reports: MetricsReport[];
  missing: Set<Worker>;
  end(): void;
}

/** Collects the metrics of all workers for the one that was asked for them. One that does not answer is left out. */
export class ReportRounds {
  readonly #workers: () => Iterable<Worker>;
  readonly #rounds = new Map<number, Round>();
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
        if (this.#rounds.delete(number)) send(asker, { do: 'take', id, reports: round.reports });
      },
    };
    const timer = setTimeout(() => round.end(), ROUND_MS);
    this.#rounds.set(number, round);
    for (const worker of round.missing) send(worker, { do: 'report', round: number });
  }

  add(worker: Worker, number: number, report: MetricsReport): void {
    const round = this.#rounds.get(number);
    if (round === undefined || !round.missing.delete(worker)) return;
    round.reports.push(report);
    if (round.missing.size === 0) round.end();
  }
}

function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
