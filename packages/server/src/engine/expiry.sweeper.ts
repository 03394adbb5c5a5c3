import { systemClock, type Clock } from '../kernel/clock.ts';
import type { CommandMeta } from '../kernel/command.ts';
import { Loop } from '../kernel/loop.ts';
import { Problem } from '../kernel/problem.ts';
import type { Database } from '../platform/database/index.ts';
import { selectLapsedReservations } from './expiry.sql.ts';
import type { Engine } from './stock.engine.ts';

export interface SweepReport {
  /** Lapsed holds that this run settled. */
  expired: number;
  /** How long ago the oldest of them lapsed, by the database's clock; 0 where there was none. */
  lagMs: number;
  /** There are more: run again at once. */
  more: boolean;
}

export interface ExpirySweeperOptions {
  database: Database;
  engine: Engine;
  /** Holds that one run settles, at most. */
  batchMax?: number;
  /** Pause between runs that found nothing more to do. */
  intervalMs?: number;
  clock?: Clock;
  /** Added to the database's clock, as in decisions. */
  timeShiftMs?: () => number;
  onSweep?: (report: SweepReport) => void;
  onError?: (error: unknown) => void;
}

const SYSTEM: CommandMeta = { actor: 'system:expiry', requestId: '', idempotency: null };

/**
 * Gives lapsed holds back. Any number of instances may sweep: settling is a command like any other, and whoever comes
 * second finds nothing left to do. Nothing waits for it: a lapsed hold counts as free from its instant on.
 */
export class ExpirySweeper {
  readonly #options: Required<ExpirySweeperOptions>;
  readonly #loop: Loop;

  constructor(options: ExpirySweeperOptions) {
    this.#options = {
      batchMax: 500,
      intervalMs: 250,
      clock: systemClock,
      timeShiftMs: () => 0,
      onSweep: () => undefined,
      onError: () => undefined,
      ...options,
    };
    const { intervalMs, onError } = this.#options;
    this.#loop = new Loop(() => this.#runAndRest(), { afterErrorMs: intervalMs, onError });
  }

  async runOnce(): Promise<SweepReport> {
    const { database, engine, batchMax, timeShiftMs } = this.#options;
    const lapsed = await selectLapsedReservations(database, batchMax, timeShiftMs());
    const settled = await Promise.allSettled(lapsed.ids.map((id) => engine.submit({ kind: 'expire', id }, SYSTEM)));
    // One whose level is busy is met again by the next sweep; a defect is told.
    const defect = settled.find((one) => one.status === 'rejected' && !(one.reason instanceof Problem));
    if (defect?.status === 'rejected') throw defect.reason;
    return { expired: lapsed.ids.length, lagMs: lapsed.oldestAgeMs, more: lapsed.ids.length === batchMax };
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #runAndRest(): Promise<number> {
    const { clock, intervalMs, onSweep } = this.#options;
    const startedMs = clock.monotonic();
    const report = await this.runOnce();
    onSweep(report);
    // A burst is swept at once, but leaves the engine half as much time for others as it took.
    return report.more ? Math.min(intervalMs, (clock.monotonic() - startedMs) / 2) : intervalMs;
  }
}
