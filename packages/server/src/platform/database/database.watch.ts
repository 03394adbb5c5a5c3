import type pg from 'pg';
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from './database.ts';
import { failureCode } from './failures.ts';
import { cutSession } from './sessions.ts';

export interface DatabaseWatchOptions {
  database: Pick<Database, 'openClient' | 'cutSessions' | 'mendSessions'>;
  clock: Clock;
  onAway: (reason: string, error: unknown) => void;
  onBack: (awayMs: number) => void;
  intervalMs?: number;
  awayIntervalMs?: number;
  answerWithinMs?: number;
}

interface Writes {
  isStandby: boolean;
  /** Of a standby as well. */
  isReadOnly: boolean;
}

/** Part of the patience that is kept for after the first deadline: an event loop that was busy reads its answers then. */
const SECOND_LOOK_MS = 250;

/** Asks the database now and then whether it is there, on a session of its own, so that `/health/ready` can tell. */
export class DatabaseWatch {
  readonly #options: Required<DatabaseWatchOptions>;
  #session: pg.Client | null = null;
  #reason: string | null = null;
  #wasReadOnly = false;
  #awaySinceMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: DatabaseWatchOptions) {
    this.#options = { intervalMs: 500, awayIntervalMs: 200, answerWithinMs: 2_750, ...options };
  }

  /** Why the database cannot be used, in words for everybody, or null. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Asks once. */
  async runOnce(): Promise<string | null> {
    // A session that is lost may have been ended alone: a new one tells.
    const hadSession = this.#session !== null;
    let verdict = await this.#ask();
    if (verdict.error !== undefined && hadSession && !verdict.isSilent) verdict = await this.#ask();
    // What hangs would hang for as long as TCP retries; its callers are owed an answer. Sessions that began read-only
    // would stay so.
    const isOver = this.#wasReadOnly && verdict.reason === null;
    if (verdict.isSilent || isOver) this.#options.database.cutSessions();
    if (!verdict.isSilent) this.#options.database.mendSessions();
    if (verdict.error === undefined) this.#wasReadOnly = verdict.reason !== null;
    this.#note(verdict.reason, verdict.error);
    return verdict.reason;
  }

  start(): void {
    const loop = async (): Promise<void> => {
      await this.runOnce();
      if (this.#isStopped) return;
      const pauseMs = this.#reason === null ? this.#options.intervalMs : this.#options.awayIntervalMs;
      this.#timer = setTimeout(() => {
        this.#running = loop();
      }, pauseMs);
      this.#timer.unref();
    };
    this.#running = loop();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    // A database that does not answer must not keep a server from ending.
    this.#drop();
    await this.#running;
    this.#drop();
  }

  async #ask(): Promise<{ reason: string | null; error?: unknown; isSilent?: boolean }> {
    try {
      const answer = await this.#inTime(this.#askWhetherItWrites());
      if (answer === 'silent') {
        this.#drop();
        return { reason: 'The database does not answer.', error: new Error('no answer in time'), isSilent: true };
      }
      // A setting may be of sessions that begin from now on: a new one tells when it is taken back.
      if (answer.isReadOnly) this.#drop();
      if (answer.isStandby) return { reason: 'The database is a standby: it takes no writes.' };
      return { reason: answer.isReadOnly ? 'The database is read-only: it takes no writes.' : null };
    } catch (error) {
      this.#drop();
      const code = failureCode(error);
      return { reason: `The database cannot be reached${code === '' ? '' : ` (${code})`}.`, error };
    }
  }

  async #askWhetherItWrites(): Promise<Writes> {
    const session = (this.#session ??= await this.#open());
    const { rows } = await session.query<Writes>(
      `SELECT pg_is_in_recovery() AS "isStandby", current_setting('transaction_read_only')::boolean AS "isReadOnly"`,
    );
    return rows[0] as Writes;
  }

  async #open(): Promise<pg.Client> {
    const session = await this.#options.database.openClient();
    if (!this.#isStopped) return session;
    cutSession(session);
    throw new Error('the watch has ended');
  }

  async #inTime<Value>(work: Promise<Value>): Promise<Value | 'silent'> {
    for (const ms of [this.#options.answerWithinMs, SECOND_LOOK_MS]) {
      const outcome = await withTimer(work, ms);
      if (outcome !== 'silent') return outcome;
    }
    work.catch(() => undefined);
    return 'silent';
  }

  #note(reason: string | null, error: unknown): void {
    const before = this.#reason;
    this.#reason = reason;
    const { clock, onAway, onBack } = this.#options;
    if (before === null && reason !== null) {
      this.#awaySinceMs = clock.monotonic();
      if (!this.#isStopped) onAway(reason, error);
    }
    if (before !== null && reason === null) onBack(Math.round(clock.monotonic() - this.#awaySinceMs));
  }

  #drop(): void {
    const session = this.#session;
    this.#session = null;
    if (session !== null) cutSession(session);
  }
}

async function withTimer<Value>(work: Promise<Value>, ms: number): Promise<Value | 'silent'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'silent'>((resolve) => (timer = setTimeout(() => resolve('silent'), ms)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
