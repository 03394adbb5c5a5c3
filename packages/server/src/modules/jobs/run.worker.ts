import type { Engine } from '../../engine/index.ts';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { Latch } from '../../kernel/latch.ts';
import { systemRandom, type Random } from '../../kernel/random.ts';
import type { Database } from '../../platform/database/index.ts';
import { HEARTBEAT_SECONDS, type TicketQueue } from '../../platform/jobs/index.ts';
import { heldBy } from './claim.sql.ts';
import { Attempt } from './run.attempt.ts';
import { claim } from './run.claiming.ts';
import { tellProgress } from './run.progress.ts';
import { settle, type Ended, type Ending } from './run.settling.ts';
import type { TypeBook } from './type.book.ts';

export interface RunWorkerOptions {
  engine: Engine;
  database: Database;
  queue: TicketQueue;
  types: TypeBook;
  /** Who it is, unlike any other. */
  name: string;
  /** Runs at once. */
  slots: number;
  clock?: Clock;
  random?: Random;
  /** How often it looks for runs when nobody tells it of one. */
  pollMs?: number;
  /** Runs that are under way when it stops have so long. */
  drainMs?: number;
  /** Work that was told to stop has so long; then it is left behind. */
  graceMs?: number;
  /** Told of attempts whose ending is written. */
  onEnded?: (ended: Ended) => void;
  onError?: (error: unknown) => void;
}

const TEND_EVERY_MS = 2_000;
const TELL_EVERY_MS = 500;
/** Hints come with every run that is made; those that say that one is to be stopped are few. */
const HEARD_JUST_NOW_MS = 250;
const AFTER_ERROR_MS = 1_000;
/** With 100,000 runs that wait for one of their job to end, such a look took 0.3 s on a busy machine of two cores. */
const VAIN_EVERY_MS = 100;
/** Without a word from the database for so long, others may have its runs: a little before they do, it lets go. */
const LET_GO_AFTER_MS = HEARTBEAT_SECONDS * 1_000 - 1_500;
/** What was told to stop for the worker's own stop is left behind after this. */
const HAND_OVER_MS = 1_000;
const SETTLE_TRIES = 20;

/**
 * Takes runs and does them. Any number of workers may run, in any number of processes; one that dies is missed by the
 * queue within {@link HEARTBEAT_SECONDS}, and what it had is taken up by another.
 */
export class RunWorker {
  readonly #options: Required<RunWorkerOptions>;
  readonly #attempts = new Map<string, Attempt>();
  readonly #latch = new Latch();
  readonly #ended: Ended[] = [];
  /** Of the attempts those that have ended, and are not written yet. */
  readonly #unwritten = new Set<Attempt>();
  #settling: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();
  #tending: Promise<void> = Promise.resolve();
  #telling: Promise<void> = Promise.resolve();
  #timers: NodeJS.Timeout[] = [];
  #heardMs: number;
  /** When the first of the looks for runs failed that have failed since. */
  #failingFromMs: number | null = null;
  /** When a look for runs last found none. */
  #vainMs = -Infinity;
  #isStopping = false;
  #hasNews = false;

  constructor(options: RunWorkerOptions) {
    this.#options = {
      clock: systemClock,
      random: systemRandom,
      pollMs: 500,
      drainMs: 8_000,
      graceMs: 5_000,
      onEnded: () => undefined,
      onError: () => undefined,
      ...options,
    };
    this.#heardMs = this.#options.clock.monotonic();
  }

  /** Runs that are under way here; what has ended and is being written takes no slot. */
  get busy(): number {
    return this.#attempts.size - this.#unwritten.size;
  }

  /** For how long it has looked for runs in vain, in milliseconds: not that there were none, it could not look. */
  get failingForMs(): number {
    return this.#failingFromMs === null ? 0 : this.#options.clock.monotonic() - this.#failingFromMs;
  }

  /** Takes what there is room for and waits until all of it has ended. @returns how many it was */
  async runOnce(): Promise<number> {
    const taken = await this.#take(this.#room);
    while (this.#attempts.size > 0 || this.#settling !== null) await (this.#settling ?? soon());
    return taken;
  }

  start(): void {
    if (this.#options.slots === 0) return;
    this.#running = this.#run();
    const { onError } = this.#options;
    const tend = (): void => void (this.#tending = this.tend().catch(onError));
    this.#timers = [setInterval(tend, TEND_EVERY_MS).unref(), setInterval(() => this.#tell(), TELL_EVERY_MS).unref()];
  }

  /** There may be something to take, or to stop. */
  wake(): void {
    this.#latch.set();
    const { clock, onError } = this.#options;
    if (this.busy === 0 || clock.monotonic() - this.#heardMs < HEARD_JUST_NOW_MS) return;
    this.#tending = this.tend().catch(onError);
  }

  /** Takes no more, lets what is under way end, and hands over what has not ended in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#latch.set();
    await this.#running;
    await this.#emptied(this.#options.drainMs);
    for (const attempt of this.#attempts.values()) attempt.stop('handed_over', HAND_OVER_MS);
    await this.#emptied(HAND_OVER_MS + 500);
    for (const timer of this.#timers) clearInterval(timer);
    await this.#tending;
    await this.#telling;
    await this.#settling;
  }

  /** Says that it is alive, and learns which of its runs are to be stopped or are others' by now. */
  async tend(): Promise<void> {
    const { database, queue, name, clock } = this.#options;
    const attempts = [...this.#attempts.values()];
    if (attempts.length === 0) {
      this.#heardMs = clock.monotonic();
      return;
    }
    try {
      await queue.touch(attempts.map(({ held }) => held.ticket));
      const held = new Map((await heldBy(database.kysely, name)).map((run) => [run.id, run]));
      this.#heardMs = clock.monotonic();
      for (const attempt of attempts) {
        const { run } = attempt.held;
        const now = held.get(run.id);
        if (!this.#attempts.has(run.id)) continue;
        if (now === undefined || now.fence !== run.fence) attempt.stop('lost', 0);
        else if (now.cancel_requested_by !== null) attempt.stop('cancelled');
      }
    } finally {
      if (clock.monotonic() - this.#heardMs > LET_GO_AFTER_MS) for (const attempt of attempts) attempt.stop('lost', 0);
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      let restMs = this.#options.pollMs;
      try {
        // Small runs end by the dozen: those that end in one turn are followed by one claim.
        await soon();
        const room = this.#room;
        if (room > 0) restMs = this.#restAfter(await this.#take(room), room);
        this.#failingFromMs = null;
      } catch (error) {
        restMs = AFTER_ERROR_MS;
        this.#failingFromMs ??= this.#options.clock.monotonic();
        this.#options.onError(error);
      }
      if (!this.#isStopping) await this.#latch.wait(this.#room > 0 ? restMs : Infinity);
    }
  }

  /**
   * A full hand: there is probably more. Any other, too: of the oldest that wait, those beyond the bound of their job are
   * left out, and behind them may be those of other jobs. But to find that there are none, all that wait are looked at.
   */
  #restAfter(taken: number, room: number): number {
    const { clock, pollMs } = this.#options;
    if (taken === room) return 0;
    const nowMs = clock.monotonic();
    if (taken > 0) return nowMs - this.#vainMs < VAIN_EVERY_MS ? Math.min(pollMs, VAIN_EVERY_MS) : 0;
    this.#vainMs = nowMs;
    return pollMs;
  }

  /** Slots that are free; none while as many endings as there are slots wait to be written. */
  get #room(): number {
    const { slots } = this.#options;
    return Math.max(0, Math.min(slots - this.busy, 2 * slots - this.#attempts.size));
  }

  async #take(room: number): Promise<number> {
    const { types, name, engine, database, clock, queue, graceMs } = this.#options;
    const taken = await claim({ engine, queue, types }, name, room);
    if (this.#attempts.size === 0) this.#heardMs = clock.monotonic();
    for (const held of taken) {
      const type = types.find(held.run.type);
      // Taken from queues of types that it knows.
      if (type === undefined) throw new Error(`no type ${held.run.type}`);
      const onNews = (): void => void (this.#hasNews = true);
      this.#giveUp(held.run.id);
      const attempt = new Attempt(held, type, { engine, database, clock, graceMs, onNews });
      this.#attempts.set(held.run.id, attempt);
      void attempt.run().then((ending) => this.#end(attempt, ending));
    }
    return taken.length;
  }

  /** It said nothing for so long that it could take its own run again: what it does of it under the old fence is over. */
  #giveUp(runId: string): void {
    const attempt = this.#attempts.get(runId);
    if (attempt === undefined) return;
    this.#leave(attempt);
    attempt.stop('lost', 0);
  }

  #end(attempt: Attempt, own: Ending | null): void {
    const { held } = attempt;
    // What fails while the process goes down, and with it what the work needs, says nothing of the run.
    const isFault = own?.outcome === 'failed' && !own.isPermanent;
    const ending = isFault && this.#isStopping ? ({ outcome: 'handed_over' } as const) : own;
    if (this.#attempts.get(held.run.id) !== attempt) return;
    if (ending === null) {
      this.#leave(attempt);
      return;
    }
    this.#ended.push({ held, ending, endedMs: this.#options.clock.now() });
    this.#unwritten.add(attempt);
    this.#latch.set();
    this.#settling ??= this.#settleAll();
  }

  #leave(attempt: Attempt): void {
    const { id } = attempt.held.run;
    if (this.#attempts.get(id) === attempt) this.#attempts.delete(id);
    this.#unwritten.delete(attempt);
    this.#latch.set();
  }

  /** Of what it holds now. */
  #attemptOf({ held }: Ended): Attempt | undefined {
    const attempt = this.#attempts.get(held.run.id);
    return attempt?.held === held ? attempt : undefined;
  }

  /** While one batch is being written the next gathers. */
  async #settleAll(): Promise<void> {
    const { engine, queue, random, onEnded: onWritten, onError } = this.#options;
    // Those that end in the same turn go together.
    await soon();
    for (let tries = 0; this.#ended.length > 0;) {
      const batch = this.#ended.splice(0, SETTLED_AT_ONCE);
      try {
        const attempts = batch.flatMap((ended) => this.#attemptOf(ended) ?? []);
        // Lines that are being written are kept only while the run is not over.
        await this.#telling;
        await tellProgress(engine, attempts, { isLast: true });
        await settle({ engine, queue, random, onWritten, onError }, batch);
        tries = 0;
      } catch (error) {
        onError(error);
        tries += 1;
        if (tries < SETTLE_TRIES) {
          this.#ended.unshift(...batch);
          await new Promise((resolve) => setTimeout(resolve, AFTER_ERROR_MS));
          continue;
        }
        // Nobody answers: the queue misses them, and others do them again.
      }
      for (const ended of batch) {
        const attempt = this.#attemptOf(ended);
        if (attempt !== undefined) this.#leave(attempt);
      }
    }
    this.#settling = null;
  }

  #tell(): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    const { engine, onError } = this.#options;
    const told = tellProgress(engine, [...this.#attempts.values()], { isLast: false }).catch(onError);
    this.#telling = Promise.all([this.#telling, told]).then(() => undefined);
  }

  async #emptied(withinMs: number): Promise<void> {
    const untilMs = performance.now() + withinMs;
    while (this.#attempts.size > 0 && performance.now() < untilMs) await this.#latch.wait(untilMs - performance.now());
  }
}

const SETTLED_AT_ONCE = 200;

function soon(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
