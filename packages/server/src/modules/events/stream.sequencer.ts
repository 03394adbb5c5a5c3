import { systemClock, type Clock } from '../../kernel/clock.ts';
import { Loop } from '../../kernel/loop.ts';
import type { Database, LaneConnection } from '../../platform/database/index.ts';
import { numberingStatements, readState, type DatabaseLife, type NumberedTuple } from './stream.sql.ts';

export interface SequencerReport {
  /** The last position given. */
  head: number;
  /** Runs that this call gave positions. */
  runs: number;
  /** How long ago the oldest of them was committed, by the database's clock; 0 where there was none. */
  lagMs: number;
}

export interface SequencerOptions {
  database: Database;
  /** Runs that are numbered at once, at most. */
  runsMax?: number;
  /** So often it looks for runs of instances that died before they numbered them. */
  intervalMs?: number;
  /** A commit is numbered so long after the numbering before it, at least: those that come close on one another share one. */
  pauseMs?: number;
  clock?: Clock;
  onNumbered?: (report: SequencerReport) => void;
  onError?: (error: unknown) => void;
}

/** A connection that numbers. */
interface NumberingSession {
  client: LaneConnection;
  /** In which life of the database it is; null until it is known, and behind a pooler, where each may be in another. */
  life: DatabaseLife | null;
}

const NUMBERED = 3;
const AFTER_ERROR_MS = 200;
const ANSWER_WITHIN_MS = 4_000;

/**
 * Gives committed entries their places in the stream. Every instance numbers what it has committed itself, at once, and
 * whatever else it finds; the row of event_stream lets one at a time. So there is no leader to lose: one that dies or
 * freezes is passed by the next commit of any other, or by its look around.
 */
export class Sequencer {
  readonly #options: Required<SequencerOptions>;
  readonly #loop: Loop;
  #session: NumberingSession | null = null;
  #running: Promise<SequencerReport> | null = null;
  #next: Promise<SequencerReport> | null = null;
  /** Until the next numbering that nobody waits for. */
  #pause: NodeJS.Timeout | null = null;
  #lastEndMs = 0;
  #isStopped = false;

  constructor(options: SequencerOptions) {
    this.#options = {
      runsMax: 1_000,
      intervalMs: 200,
      pauseMs: 20,
      clock: systemClock,
      onNumbered: () => undefined,
      onError: () => undefined,
      ...options,
    };
    const { intervalMs, onError } = this.#options;
    const look = async (): Promise<number> => {
      if ((await readState(this.#options.database)).isBehind) await this.number();
      return intervalMs;
    };
    this.#loop = new Loop(look, { afterErrorMs: AFTER_ERROR_MS, onError });
  }

  /** Something was committed here: it is numbered soon, and at once where it is the first for a while. */
  wake(): void {
    if (this.#next !== null || this.#pause !== null || this.#isStopped) return;
    const { clock, pauseMs } = this.#options;
    const endMs = this.#running === null ? this.#lastEndMs : clock.monotonic();
    this.#pause = setTimeout(() => this.#numberUnasked(), Math.max(0, endMs + pauseMs - clock.monotonic()));
  }

  /** Numbers everything that is committed by now. Those who ask while one numbering runs share the next. */
  async number(): Promise<SequencerReport> {
    this.#endPause();
    this.#next ??= this.#afterRunning();
    return this.#next;
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#endPause();
    await this.#loop.stop();
    await this.#next?.catch(() => undefined);
    await this.#running?.catch(() => undefined);
    await this.#session?.client.end().catch(() => undefined);
    this.#session = null;
  }

  #numberUnasked(): void {
    this.#pause = null;
    // What fails is found again by the look around.
    this.number().catch((error: unknown) => this.#options.onError(error));
  }

  #endPause(): void {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#pause = null;
  }

  async #afterRunning(): Promise<SequencerReport> {
    await this.#running?.catch(() => undefined);
    this.#next = null;
    this.#running = this.#numberAll();
    return this.#running;
  }

  async #numberAll(): Promise<SequencerReport> {
    const { runsMax, onNumbered, clock } = this.#options;
    try {
      for (let runs = 0, lagMs = 0; ;) {
        const report = await this.#numberSome(runsMax);
        runs += report.runs;
        lagMs = Math.max(lagMs, report.lagMs);
        if (report.runs > 0) onNumbered(report);
        if (report.runs < runsMax) return { head: report.head, runs, lagMs };
      }
    } finally {
      this.#lastEndMs = clock.monotonic();
      this.#running = null;
    }
  }

  async #numberSome(most: number): Promise<SequencerReport> {
    const { database } = this.#options;
    this.#session ??= await this.#connect();
    const session = this.#session;
    const { client, life } = session;
    const timer = setTimeout(() => client.cut(), ANSWER_WITHIN_MS);
    try {
      const sent = numberingStatements(database.servingRole, most, life).map((statement) => client.query(statement));
      const answers = await Promise.all(sent);
      const numbered = answers[NUMBERED] as { rows: unknown[] };
      const [head, runs, lagMs, origin, table] = numbered.rows[0] as NumberedTuple;
      if (origin !== null && table !== null && client.isPipelined) session.life = { origin, table };
      return { head, runs, lagMs };
    } catch (error) {
      // Whatever it was: a new session has no transaction that is left open.
      this.#session = null;
      client.cut();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #connect(): Promise<NumberingSession> {
    const client = await this.#options.database.openLane('holdfast sequencer');
    client.onLost(() => {
      if (this.#session?.client === client) this.#session = null;
    });
    return { client, life: null };
  }
}
