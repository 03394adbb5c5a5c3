import { systemClock, type Clock } from '../kernel/clock.ts';
import type { CommandMeta } from '../kernel/command.ts';
import { Loop } from '../kernel/loop.ts';
import { Problem, problems } from '../kernel/problem.ts';
import type { Database } from '../platform/database/index.ts';
import { selectLapsedReservations, type LapsedPlace } from './expiry.sql.ts';
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

/** Holds whose levels another writer holds are passed over for so long; twice as long each time that they still are. */
const BUSY_MS = 1_000;
const BUSY_MAX_MS = 8_000;

/** Holds that were passed over: those up to a place, until some time. Times are those of the monotonic clock. */
interface PassedOver {
  to: LapsedPlace;
  untilMs: number;
  /** When the oldest of them lapsed. */
  lapsedMs: number;
}

const SYSTEM: CommandMeta = { actor: 'system:expiry', requestId: '', idempotency: null };

/**
 * Gives lapsed holds back. Any number of instances may sweep: settling is a command like any other, and whoever comes
 * second finds nothing left to do. Nothing waits for it: a lapsed hold counts as free from its instant on.
 */
export class ExpirySweeper {
  readonly #options: Required<ExpirySweeperOptions>;
  readonly #loop: Loop;
  #passedOver: PassedOver | null = null;
  #busyMs = 0;

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
    const { database, engine, batchMax, timeShiftMs, clock } = this.#options;
    if (this.#passedOver !== null && clock.monotonic() >= this.#passedOver.untilMs) this.#passedOver = null;
    const passed = this.#passedOver;
    const lapsed = await selectLapsedReservations(database, batchMax, timeShiftMs(), passed?.to);
    const nowMs = clock.monotonic();
    const settled = await Promise.allSettled(lapsed.ids.map((id) => engine.submit({ kind: 'expire', id }, SYSTEM)));
    const refused = settled.filter((one) => one.status === 'rejected');
    const defect = refused.find(({ reason }) => !(reason instanceof Problem));
    if (defect !== undefined) throw defect.reason;
    const isBusy = refused.some(({ reason }) => (reason as Problem).code === problems.levelBusy.code);
    if (isBusy && lapsed.last !== null) this.#passOver(lapsed.last, nowMs - lapsed.oldestAgeMs);
    else if (passed === null) this.#busyMs = 0;
    return {
      expired: settled.length - refused.length,
      lagMs: Math.round(Math.max(lapsed.oldestAgeMs, nowMs - (passed?.lapsedMs ?? nowMs))),
      more: lapsed.ids.length === batchMax,
    };
  }

  /** Whoever holds a level must not keep the holds on all others from being given back. */
  #passOver(to: LapsedPlace, lapsedMs: number): void {
    if (this.#passedOver !== null) {
      this.#passedOver = { ...this.#passedOver, to };
      return;
    }
    this.#busyMs = Math.min(BUSY_MAX_MS, Math.max(BUSY_MS, this.#busyMs * 2));
    this.#passedOver = { to, untilMs: this.#options.clock.monotonic() + this.#busyMs, lapsedMs };
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
