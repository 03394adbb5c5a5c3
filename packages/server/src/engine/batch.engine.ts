import type { Answer, CommandMeta } from '../kernel/command.ts';
import { createIdSource } from '../kernel/ids.ts';
import { Problem, problems } from '../kernel/problem.ts';
import type { LaneConnection } from '../platform/database/index.ts';
import type { BatchContext, Changed } from './batch.context.ts';
import {
  ATTEMPTS_TOGETHER,
  BATCH_MAX,
  countTouching,
  isDeep,
  takeApart,
  takeFirst,
  type UnderWay,
  type Waiting,
} from './batch.queue.ts';
import type { Outcome } from './decide.ts';
import { touchOf, weightOf } from './footprint.ts';
import { Lane, type BatchResult } from './lane.ts';
import type { LedgerType } from './ledger.view.ts';
import { NameCache } from './names.ts';
import { findStuckLevels } from './stuck.ts';
import { outcomeUnknown } from './transact.ts';
import type { Asked, Command } from './stock.command.ts';

export interface BatchEngineOptions {
  connect: (name: string) => Promise<LaneConnection>;
  /** The role that transactions take; asked for each batch, since it is found out at start. */
  role: () => string | null;
  defaultTtlMs: number;
  /** Commands of one batch, at most. */
  batchMax?: number;
  /** Commands that wait, at most: beyond, callers are turned away. */
  queueMax?: number;
  /** A second lane starts for no fewer commands than this, unless the first of them goes alone; never where infinite. */
  secondLaneAt?: number;
  timeShiftMs?: () => number;
  onBatch?: (report: BatchReport) => void;
  /** Told of the ledger entries of each commit, before anybody is answered. */
  onCommit?: (entries: { type: LedgerType; location: string }[], changed: Changed) => void;
  onDefect?: (error: unknown, command: Command) => void;
  onLost?: (error: unknown) => void;
}

export interface BatchReport {
  commands: number;
  durationMs: number;
  result: BatchResult['kind'];
}

interface Pending extends Asked, Waiting {
  /** Its place in the order of arrival. */
  place: number;
  /** By then it is answered, on the monotonic clock. */
  deadlineMs: number;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** "An answer within 5 s": a moment is left for the way back. */
const ANSWER_WITHIN_MS = 4_300;
/** A batch waits so long for a lock before the commands that need it are set apart. */
const LOCK_TIMEOUT_MS = 150;
/** So long a command waits alone; those of the side lane in turn: one that is stuck must not keep the others waiting. */
const ALONE_LOCK_TIMEOUT_MS = 75;
/** Of several who wait for a row each waits twice: to be the next, and for the one before. Who has less time left is told
 * that the level is busy, rather than cut off in mid-wait. */
const SIDE_LANE_MARGIN_MS = 2 * ALONE_LOCK_TIMEOUT_MS + 200;
/** A transaction of ours that froze holds its locks no longer than this. */
const IDLE_TIMEOUT_MS = 2_000;
/** For so long a level that was seen stuck is left to the side lane. */
const STUCK_FOR_MS = 3_000;
/** Beside a batch that is under way, a second lane starts for one of this share of its size. */
const SECOND_LANE_SHARE = 0.7;
/** Behind a batch whose COMMIT is under way the next is sent when this share of it must wait for its levels. */
const PIPELINED_SHARE = 0.75;
const ATTEMPTS_MAX = 40;
const LOOK_AGAIN_MS = 100;
const NAMES_MAX = 200_000;

/**
 * One writer decides stock, in batches: while one batch is in flight the next gathers, so that one commit serves all
 * who came meanwhile, and a hot level costs no more than any other.
 */
export class BatchEngine {
  readonly #options: Required<BatchEngineOptions>;
  readonly #products = new NameCache(NAMES_MAX);
  readonly #locations = new NameCache(NAMES_MAX);
  readonly #ids = createIdSource();
  readonly #lanes: Lane[];
  readonly #sideLane: Lane;
  /** Finds out which levels are stuck. */
  readonly #probe: Lane;
  #queue: Pending[] = [];
  /** Commands that wait for stuck levels. */
  #sideQueue: Pending[] = [];
  readonly #stuck = new Map<string, number>();
  #isScheduled = false;
  #isClosing = false;
  #inFlight = 0;
  #arrivals = 0;
  /** The batches of the two lanes. */
  readonly #underWay = new Map<UnderWay, Lane>();
  #watch: NodeJS.Timeout | null = null;
  #onIdle: (() => void)[] = [];

  constructor(options: BatchEngineOptions) {
    this.#options = {
      batchMax: BATCH_MAX,
      queueMax: 20_000,
      secondLaneAt: 4,
      timeShiftMs: () => 0,
      onBatch: () => undefined,
      onCommit: () => undefined,
      onDefect: () => undefined,
      onLost: () => undefined,
      ...options,
    };
    this.#lanes = ['holdfast lane 1', 'holdfast lane 2'].map((name) => this.#openLane(name, LOCK_TIMEOUT_MS, true));
    this.#sideLane = this.#openLane('holdfast side lane', ALONE_LOCK_TIMEOUT_MS, false);
    this.#probe = this.#openLane('holdfast probe', ALONE_LOCK_TIMEOUT_MS, false);
  }

  /** Commands that wait or are in flight. */
  get depth(): number {
    return this.#queue.length + this.#sideQueue.length + this.#inFlight;
  }

  /**
   * Has a command decided. Commands that name the same level, product or reservation are decided in the order in which
   * they were submitted, except where one is tried again.
   *
   * @throws Problem: a refusal changed nothing; `outcome_unknown` may have been done
   */
  submit(command: Command, meta: CommandMeta): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#isClosing) {
        reject(new Problem(problems.shuttingDown, 'The server is shutting down. Nothing was changed.'));
        return;
      }
      if (this.#queue.length >= this.#options.queueMax) {
        reject(new Problem(problems.overloaded, 'Too many commands wait. Nothing was changed; try again shortly.'));
        return;
      }
      const deadlineMs = performance.now() + ANSWER_WITHIN_MS;
      const { holds, asks } = touchOf(command);
      const place = (this.#arrivals += 1);
      const weight = weightOf(command);
      this.#queue.push({ command, meta, place, weight, holds, asks, deadlineMs, attempts: 0, resolve, reject });
      this.#schedule();
    });
  }

  /** Answers everything that was accepted, then closes the connections. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.depth > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    await Promise.all([...this.#lanes, this.#sideLane, this.#probe].map((lane) => lane.close()));
  }

  #openLane(name: string, lockTimeoutMs: number, avoidsStuck: boolean): Lane {
    const context = (isAlone: boolean): Omit<BatchContext, 'onCommit'> => ({
      products: this.#products,
      locations: this.#locations,
      stuck: avoidsStuck ? this.#stuckLevels() : new Set<string>(),
      ids: this.#ids,
      role: this.#options.role(),
      lockTimeoutMs: isAlone ? ALONE_LOCK_TIMEOUT_MS : lockTimeoutMs,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      defaultTtlMs: this.#options.defaultTtlMs,
      timeShiftMs: this.#options.timeShiftMs,
    });
    return new Lane({ name, connect: this.#options.connect, context, onLost: this.#options.onLost });
  }

  #stuckLevels(): ReadonlySet<string> {
    const nowMs = performance.now();
    for (const [key, untilMs] of this.#stuck) if (untilMs < nowMs) this.#stuck.delete(key);
    return new Set(this.#stuck.keys());
  }

  /** Starts lanes once the requests that have arrived by now are all in the queue. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#startLanes();
    });
  }

  #startLanes(): void {
    for (const lane of this.#lanes) {
      void this.#runLane(lane, this.#nextFor(lane), (pending) => this.#putBack(pending));
    }
    if (!this.#sideLane.isBusy) this.#sideQueue = this.#stillInTime(this.#sideQueue, levelBusy, SIDE_LANE_MARGIN_MS);
    if (this.#sideQueue.length > 0 && !this.#sideLane.isBusy) {
      void this.#runLane(this.#sideLane, this.#sideQueue.splice(0, 1), (pending) => this.#sideQueue.push(...pending));
    }
    this.#watchQueues();
    if (this.depth === 0) for (const idle of this.#onIdle.splice(0)) idle();
  }

  /**
   * What a lane should do now; nothing where more had better gather. A batch has a fixed cost, and one that waits for
   * another's locks gains nothing: so the second lane takes what is free of the first one's levels, when there is
   * about as much of it, and what must wait for a lane's levels follows on the same lane.
   */
  #nextFor(lane: Lane): Pending[] {
    const queue = this.#queue;
    const { batchMax, secondLaneAt } = this.#options;
    if (queue.length === 0 || (lane.isBusy && !lane.isCommitting)) return [];
    const own: UnderWay[] = [];
    const elsewhere: UnderWay[] = [];
    for (const [batch, at] of this.#underWay) (at === lane ? own : elsewhere).push(batch);
    const [ahead] = own;
    if (ahead !== undefined) {
      const isWorthIt = countTouching(queue, batchMax, ahead) >= ahead.commands * PIPELINED_SHARE;
      if (!isWorthIt) return [];
      // With nothing under way elsewhere nobody is passed by: one lane alone keeps the order of arrival.
      return elsewhere.length === 0 ? takeFirst(queue, batchMax) : takeApart(queue, batchMax, 1, elsewhere);
    }
    if (elsewhere.length === 0) return takeFirst(queue, batchMax);
    if (secondLaneAt === Number.POSITIVE_INFINITY) return [];
    const largest = Math.max(...elsewhere.map(({ commands }) => commands));
    const least = Math.max(secondLaneAt, Math.ceil(largest * SECOND_LANE_SHARE));
    const free = takeApart(queue, batchMax, least, elsewhere);
    // Where too many wait, some wait for levels in the database rather than here.
    return free.length === 0 && isDeep(queue, Math.max(batchMax, least)) ? takeFirst(queue, batchMax) : free;
  }

  /** A batch that failed and the one behind it come back one after the other, and stand as they stood before. */
  #putBack(pending: Pending[]): void {
    this.#queue.push(...pending);
    this.#queue.sort((one, other) => one.place - other.place);
  }

  async #runLane(lane: Lane, batch: Pending[], putBack: (pending: Pending[]) => void): Promise<void> {
    if (batch.length === 0) return;
    const underWay = { commands: batch.length, held: new Set(batch.flatMap(({ holds }) => holds)) };
    if (lane !== this.#sideLane) this.#underWay.set(underWay, lane);
    this.#inFlight += batch.length;
    const startedMs = performance.now();
    const deadlineMs = Math.min(...batch.map((pending) => pending.deadlineMs));
    for (const pending of batch) pending.attempts += 1;
    const result = await lane.run(batch, deadlineMs, () => this.#schedule());
    this.#underWay.delete(underWay);
    if (result.kind === 'done') this.#options.onCommit(result.entries, result.changed);
    this.#options.onBatch({ commands: batch.length, durationMs: performance.now() - startedMs, result: result.kind });
    if (result.kind === 'done') {
      // The next batch is on its way to the database before this one's callers are answered: the writing of 32 answers
      // takes as long as the next batch's locks and reads.
      setImmediate(() => this.#answer(batch, result.outcomes));
    } else {
      const again = this.#handle(lane, batch, result);
      this.#inFlight -= batch.length;
      if (again.length > 0) putBack(again);
    }
    this.#startLanes();
  }

  #answer(batch: Pending[], outcomes: Outcome[]): void {
    answerAll(batch, outcomes);
    this.#inFlight -= batch.length;
    if (this.depth === 0) this.#startLanes();
  }

  /** @returns the commands that are to be tried again */
  #handle(lane: Lane, batch: Pending[], result: Exclude<BatchResult, { kind: 'done' }>): Pending[] {
    switch (result.kind) {
      case 'again':
        return this.#stillInTime(batch);
      case 'behind':
      case 'away':
        // Not the commands' fault: once the database is back they go together again.
        for (const pending of batch) pending.attempts -= 1;
        return this.#stillInTime(batch);
      case 'unknown':
        for (const { reject } of batch) reject(outcomeUnknown());
        return [];
      case 'stuck':
        return this.#setAside(batch, (index) => result.indexes.has(index));
      case 'lock_timeout':
        return this.#handleLockTimeout(lane, batch);
      case 'failed':
        return this.#isolate(batch, result.error);
    }
  }

  /** Turns away who has waited too long or too often; nothing of theirs was done. */
  #stillInTime(batch: Pending[], problem = databaseAway, marginMs = 50): Pending[] {
    const nowMs = performance.now();
    return batch.filter((pending) => {
      if (pending.deadlineMs > nowMs + marginMs && pending.attempts < ATTEMPTS_MAX) return true;
      pending.reject(problem());
      return false;
    });
  }

  #setAside(batch: Pending[], isStuck: (index: number) => boolean): Pending[] {
    const aside = batch.filter((_, index) => isStuck(index));
    for (const pending of aside) pending.attempts = 0;
    this.#sideQueue.push(...aside);
    const rest = batch.filter((_, index) => !isStuck(index));
    for (const pending of rest) pending.attempts -= 1;
    return rest;
  }

  /**
   * Some row was not to be had. The batch is taken apart, so that only the command that wants it waits; that one goes to
   * the side lane, and its levels are looked at, so that who else wants them goes there at once.
   */
  #handleLockTimeout(lane: Lane, batch: Pending[]): Pending[] {
    if (lane === this.#sideLane) return batch;
    if (batch.length > 1) {
      for (const pending of batch) pending.attempts = ATTEMPTS_TOGETHER;
      return this.#stillInTime(batch);
    }
    void this.#markStuck(batch);
    return this.#setAside(batch, () => true);
  }

  async #markStuck(batch: Pending[]): Promise<void> {
    if (this.#probe.isBusy) return;
    const caches = { products: this.#products, locations: this.#locations };
    const deadlineMs = performance.now() + ANSWER_WITHIN_MS;
    const stuck = await this.#probe.runAlone((client) => findStuckLevels(client, batch, caches), deadlineMs);
    const untilMs = performance.now() + STUCK_FOR_MS;
    for (const key of stuck ?? []) this.#stuck.set(key, untilMs);
  }

  /** A command that breaks the batch is a defect of ours: found by halves, so that the others are served. */
  #isolate(batch: Pending[], error: unknown): Pending[] {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      this.#options.onDefect(error, only.command);
      only.reject(error);
      return [];
    }
    for (const pending of batch) pending.attempts = ATTEMPTS_TOGETHER;
    return this.#stillInTime(batch);
  }

  /** While anything waits, looks now and then whether it has waited too long: a lane may hang. */
  #watchQueues(): void {
    const isNeeded = this.#queue.length > 0 || this.#sideQueue.length > 0;
    if (!isNeeded || this.#watch !== null) return;
    this.#watch = setTimeout(() => {
      this.#watch = null;
      this.#queue = this.#stillInTime(this.#queue);
      this.#sideQueue = this.#stillInTime(this.#sideQueue, levelBusy);
      this.#startLanes();
    }, LOOK_AGAIN_MS);
    this.#watch.unref();
  }
}

function answerAll(batch: Pending[], outcomes: Outcome[]): void {
  for (const [index, pending] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) pending.reject(new Error('a command was not decided'));
    else if ('answer' in outcome) pending.resolve(outcome.answer);
    else pending.reject(outcome.problem);
  }
}

function databaseAway(): Problem {
  return new Problem(problems.databaseUnavailable, 'The database is away. Nothing was changed; try again shortly.');
}

function levelBusy(): Problem {
  return new Problem(problems.levelBusy, 'Another writer holds this stock. Nothing was changed; try again shortly.');
}
