import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { Engine } from '../../engine/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { CommandMeta } from '../../kernel/command.ts';
import type { Database, Tables } from '../../platform/database/index.ts';
import {
  PermanentError,
  RunLostError,
  type JobType,
  type LogLevel,
  type RunContext,
  type RunFile,
} from '../../platform/jobs/index.ts';
import type { Held } from './run.claiming.ts';
import type { Ending } from './run.settling.ts';
import { writeRunFile } from './run.files.ts';
import { findEffect, holdAttempt, insertEffect } from './run.notes.sql.ts';

export interface LogLine {
  atMs: number;
  level: LogLevel;
  message: string;
}

export interface AttemptDeps {
  engine: Engine;
  database: Database;
  clock: Clock;
  /** Work that was told to stop has so long; then it is left behind. */
  graceMs: number;
  /** There is something to be written of it. */
  onNews: () => void;
}

/** Why an attempt is stopped. */
type Stop = 'timed_out' | 'cancelled' | 'handed_over' | 'lost';

const MESSAGE_MAX = 2_000;
const LINES_MAX = 10_000;
const LINE_MAX = 4_000;
const RESULT_MAX_BYTES = 1_048_576;

/** One attempt of a run, in this process. */
export class Attempt {
  readonly held: Held;
  readonly #type: JobType;
  readonly #deps: AttemptDeps;
  readonly #abort = new AbortController();
  readonly #lines: LogLine[] = [];
  #lineCount: number;
  #writings = 0;
  #stop: Stop | null = null;
  #left: (() => void) | null = null;
  percent: number | null = null;
  message: string | null = null;
  /** What the journal knows. */
  toldPercent: number | null = null;
  /** Progress that nobody has written yet. */
  isNews = false;

  constructor(held: Held, type: JobType, deps: AttemptDeps) {
    this.held = held;
    this.#type = type;
    this.#deps = deps;
    this.#lineCount = held.run.log_lines;
  }

  /** Works. Never throws; null where the run is no longer ours, and there is nothing to be written of it. */
  async run(): Promise<Ending | null> {
    const { timeout_ms, cancel_requested_by } = this.held.run;
    if (cancel_requested_by !== null) return { outcome: 'cancelled' };
    const timer = setTimeout(() => this.stop('timed_out'), timeout_ms);
    const left = new Promise<Ending | null>((resolve) => {
      this.#left = () => resolve(this.#stoppedEnding());
    });
    try {
      return await Promise.race([this.#work(), left]);
    } finally {
      clearTimeout(timer);
      // Whatever it still does, it does for nobody.
      this.#abort.abort(new RunLostError('The attempt is over.'));
    }
  }

  /** Tells the work to stop; if it has not after a grace, it is left behind. */
  stop(why: Stop, graceMs = this.#deps.graceMs): void {
    if (this.#stop !== null) return;
    this.#stop = why;
    this.#abort.abort(why === 'lost' ? new RunLostError(REASONS.lost) : new Error(this.#reason(why)));
    setTimeout(() => this.#left?.(), graceMs).unref();
  }

  /** What was logged since this was last asked. */
  takeLines(): LogLine[] {
    return this.#lines.splice(0);
  }

  /** They could not be written: they come again. */
  giveBack(lines: readonly LogLine[]): void {
    this.#lines.unshift(...lines);
    this.isNews = true;
  }

  /** What it said and nobody has written is not to be written. @param why is, in its place */
  forget(why: string): void {
    this.takeLines();
    this.percent = null;
    this.message = null;
    this.#log('warn', why);
  }

  async #work(): Promise<Ending | null> {
    try {
      const result: unknown = await this.#type.run(this.#context());
      if (this.#stop !== null && this.#stop !== 'handed_over') return this.#stoppedEnding();
      return { outcome: 'succeeded', result: asJson(result) };
    } catch (error) {
      if (this.#stop !== null) return this.#stoppedEnding();
      if (error instanceof RunLostError) return null;
      this.#log('error', messageOf(error));
      const isPermanent = error instanceof PermanentError;
      const fault = { code: isPermanent ? ('permanent' as const) : ('failed' as const), message: messageOf(error) };
      return { outcome: 'failed', fault, isPermanent, retryAfterMs: retryAfterOf(error) };
    }
  }

  #stoppedEnding(): Ending | null {
    if (this.#stop === 'timed_out') {
      return { outcome: 'timed_out', fault: { code: 'timed_out', message: this.#reason('timed_out') } };
    }
    if (this.#stop === 'cancelled' || this.#stop === 'handed_over') return { outcome: this.#stop };
    return null;
  }

  #reason(why: Stop): string {
    return why === 'timed_out' ? `It took longer than the ${this.held.run.timeout_ms} ms that it has.` : REASONS[why];
  }

  #context(): RunContext<never> {
    const { run } = this.held;
    return {
      runId: run.id,
      jobId: run.job_id,
      jobName: run.job_name,
      attempt: run.attempt,
      startedBy: run.started_by,
      tickMs: run.tick,
      config: run.config as never,
      signal: this.#abort.signal,
      progress: (percent, message) => this.#progress(percent, message),
      log: (level, message) => this.#log(level, message),
      once: (key, work) => this.#once(key, work),
      meta: (key) => metaOf(run.id, run.job_name, key),
      writeFile: (file, content) => this.#writeFile(file, content),
    };
  }

  #progress(percent: number | null, message?: string): void {
    this.percent = percent === null || !Number.isFinite(percent) ? null : percentOf(percent);
    if (message !== undefined) this.message = shortened(message, 500);
    this.isNews = true;
    this.#deps.onNews();
  }

  #log(level: LogLevel, message: string): void {
    this.#lineCount += 1;
    if (this.#lineCount > LINES_MAX) return;
    const text =
      this.#lineCount === LINES_MAX ? 'The log is full: what follows is not kept.' : shortened(message, LINE_MAX);
    // The compiler has not seen who calls from a thread.
    const known = LEVELS.has(level) ? level : 'info';
    this.#lines.push({ atMs: this.#deps.clock.now(), level: known, message: text });
    this.isNews = true;
    this.#deps.onNews();
  }

  async #once<Result>(key: string, work: (tx: Transaction<Tables>, nowMs: number) => Promise<Result>): Promise<Result> {
    const { run } = this.held;
    const answer = await this.#deps.engine.transact(metaOf(run.id, run.job_name), async (tx, nowMs) => {
      if (!(await holdAttempt(tx, run.id, run.fence))) throw new RunLostError(REASONS.lost);
      const done = await findEffect(tx, run.id, key);
      if (done !== undefined) return { status: 200, body: { result: done.result }, journal: [] };
      const result = await work(tx, nowMs);
      await insertEffect(tx, { runId: run.id, key, result }, nowMs);
      return { status: 200, body: { result: result ?? null }, journal: [] };
    });
    return (JSON.parse(answer.body ?? '{}') as { result: Result }).result;
  }

  #writeFile(
    file: { name: string; mediaType: string },
    content: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  ): Promise<RunFile> {
    const { run } = this.held;
    const { engine, database } = this.#deps;
    const meta = metaOf(run.id, run.job_name);
    const writing = this.#writings++;
    const ofAttempt = { ...file, runId: run.id, fence: run.fence, writing };
    return writeRunFile({ engine, database, meta }, ofAttempt, content, this.#abort.signal);
  }
}

const LEVELS: ReadonlySet<LogLevel> = new Set(['info', 'warn', 'error']);

/** Of three digits: what is smaller than the smallest `real` PostgreSQL refuses. */
function percentOf(percent: number): number {
  return Math.round(Math.min(100, Math.max(0, percent)) * 1_000) / 1_000;
}

const REASONS = {
  cancelled: 'The run was cancelled.',
  handed_over: 'The worker is stopping.',
  lost: 'The run is no longer this worker’s.',
} as const;

/** Who acts is the job; under which key, if any: a repeat of the attempt has the same. */
function metaOf(runId: string, jobName: string, key?: string): CommandMeta {
  const requestHash = createHash('sha256')
    .update(`${runId}\n${key ?? ''}`)
    .digest('hex');
  const idempotency = key === undefined ? null : { owner: `run:${runId}`, key, requestHash };
  return { actor: `job:${jobName}`, requestId: `run:${runId}`, idempotency };
}

function asJson(result: unknown): unknown {
  const text = JSON.stringify(result ?? null);
  if (text === undefined) throw new PermanentError('The result is not JSON.');
  if (Buffer.byteLength(text) > RESULT_MAX_BYTES) {
    throw new PermanentError(
      `The result is larger than ${RESULT_MAX_BYTES} bytes of JSON: keep it as a file of the run.`,
    );
  }
  return keepable(JSON.parse(text));
}

/** PostgreSQL keeps no NUL and no half of a character in JSON, be it in a name. */
function keepable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\ufffd').toWellFormed();
  if (Array.isArray(value)) return value.map(keepable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [keepable(name), keepable(item)]));
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return shortened(message === '' ? 'It failed without saying why.' : message, MESSAGE_MAX);
}

/** An error may say how long the other side wants to be left alone. */
function retryAfterOf(error: unknown): number | undefined {
  const asked = (error as { retryAfterMs?: unknown } | null)?.retryAfterMs;
  return typeof asked === 'number' && Number.isFinite(asked) ? Math.min(Math.max(0, asked), 86_400_000) : undefined;
}

/** PostgreSQL keeps no NUL in text, and no half of a character, such as one that was cut. */
function shortened(text: string, max: number): string {
  const clean = text.replaceAll('\0', '');
  return (clean.length > max ? `${clean.slice(0, max - 1)}…` : clean).toWellFormed();
}
