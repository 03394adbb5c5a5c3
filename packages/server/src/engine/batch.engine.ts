import type { Answer, CommandMeta } from '../kernel/command.ts';
import { createIdSource } from '../kernel/ids.ts';
import { Problem, problems } from '../kernel/problem.ts';
import type { LaneConnection } from '../platform/database/index.ts';
import type { BatchContext, Changed } from './batch.context.ts';
import { chooseKnown, chooseUnderLocks, situationOf, type Situation, type StartedBatch } from './batch.choice.ts';
import {
  ANSWER_WITHIN_MS,
  answerAll,
  endPatience,
  levelBusy,
  patientOf,
  pendingOf,
  stillInTime,
  type Pending,
} from './batch.pending.ts';
import { ATTEMPTS_TOGETHER, BATCH_MAX } from './batch.queue.ts';
import type { Outcome } from './decide.ts';
import { runBatch } from './batch.ts';
import { Lane, type BatchResult, type BatchWork } from './lane.ts';
import type { LedgerType } from './ledger.view.ts';
import { NameCache } from './names.ts';
import { OptimisticLanes } from './optimistic.lane.ts';
import { findStuckLevels } from './stuck.ts';
import { outcomeUnknown } from './transact.ts';
import type { Command } from './stock.command.ts';

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
  /** Reserves are decided on what is known of stock, where that is enough. */
  optimistic?: boolean;
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
  readonly #optimistic: OptimisticLanes | null;
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
  readonly #underWay = new Map<StartedBatch, Lane>();
  #watch: NodeJS.Timeout | null = null;
  #onIdle: (() => void)[] = [];

  constructor(options: BatchEngineOptions) {
    this.#options = {
      batchMax: BATCH_MAX,
      queueMax: 20_000,
      secondLaneAt: 4,
      optimistic: true,
      timeShiftMs: () => 0,
      onBatch: () => undefined,
      onCommit: () => undefined,
      onDefect: () => undefined,
      onLost: () => undefined,
      ...options,
    };
    this.#lanes = ['holdfast lane 1', 'holdfast lane 2'].map((name) => this.#openLane(name));
    this.#sideLane = this.#openLane('holdfast side lane');
    this.#probe = this.#openLane('holdfast probe');
    this.#optimistic = this.#options.optimistic ? this.#openOptimisticLanes() : null;
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
      const knownAt = this.#optimistic?.knownAt({ command, meta }, this.#stuck) ?? null;
      this.#arrivals += 1;
      this.#queue.push(pendingOf({ command, meta }, this.#arrivals, knownAt, { resolve, reject }));
      this.#schedule();
    });
  }

  /** Answers everything that was accepted, then closes the connections. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.depth > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    await Promise.all([...this.#lanes, this.#sideLane, this.#probe].map((lane) => lane.close()));
    await this.#optimistic?.close();
  }

  #openLane(name: string): Lane {
    return new Lane({ name, connect: this.#options.connect, onLost: (error) => this.#lost(error) });
  }

  #openOptimisticLanes(): OptimisticLanes {
    const { connect, role, defaultTtlMs, timeShiftMs, onDefect } = this.#options;
    return new OptimisticLanes(['holdfast optimistic lane 1', 'holdfast optimistic lane 2'], {
      connect,
      role,
      defaultTtlMs,
      timeShiftMs,
      ids: this.#ids,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      onLost: (error) => this.#lost(error),
      onDefect,
    });
  }

  /** The database that comes back may be an earlier one. */
  #lost(error: unknown): void {
    this.#optimistic?.forgetAll();
    this.#options.onLost(error);
  }

  /** Runs commands under the locks of their levels, which nobody else of this process writes meanwhile. */
  #underLocks(lane: Lane, batch: readonly Pending[]): BatchWork {
    const isSide = lane === this.#sideLane;
    return async (client, onCommit) => {
      let claimed: ReadonlySet<string> = new Set();
      const context: BatchContext = {
        products: this.#products,
        locations: this.#locations,
        stuck: isSide ? new Set() : this.#stuckLevels(),
        ids: this.#ids,
        role: this.#options.role(),
        lockTimeoutMs: isSide || batch.length === 1 ? ALONE_LOCK_TIMEOUT_MS : LOCK_TIMEOUT_MS,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        defaultTtlMs: this.#options.defaultTtlMs,
        timeShiftMs: this.#options.timeShiftMs,
        onLevels: async (keys) => {
          claimed = keys;
          await this.#optimistic?.claim(keys);
        },
        onCommit,
      };
      try {
        const outcome = await runBatch(client, batch, context);
        // Through a pooler a session is not ours, and nothing is decided on what is known.
        if (outcome.learned !== null && client.isPipelined) this.#optimistic?.learn(outcome.learned);
        return outcome;
      } finally {
        this.#optimistic?.release(claimed);
      }
    };
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
    if (this.#optimistic?.isHung === true) for (const pending of this.#queue) pending.knownAt = null;
    for (const lane of this.#optimistic?.lanes ?? []) this.#startKnown(lane);
    for (const lane of this.#lanes) this.#startUnderLocks(lane);
    if (!this.#sideLane.isBusy) this.#sideQueue = stillInTime(this.#sideQueue, levelBusy, SIDE_LANE_MARGIN_MS);
    if (this.#sideQueue.length > 0 && !this.#sideLane.isBusy) {
      this.#lock(this.#sideLane, this.#sideQueue.splice(0, 1));
    }
    this.#watchQueues();
    if (this.depth === 0) for (const idle of this.#onIdle.splice(0)) idle();
  }

  /** Decides what is known, and sends it. What turns out not to be is decided under locks. */
  #startKnown(lane: Lane): void {
    const optimistic = this.#optimistic;
    const situation = this.#situationOf(lane);
    if (optimistic === null || situation === null) return;
    const isFree = ({ command }: Pending): boolean => optimistic.isFree(command);
    if (optimistic.hasClaims) endPatience(this.#queue, isFree);
    const taken = chooseKnown(this.#queue, situation, this.#options, isFree);
    if (taken.length === 0) return;
    const { batch, refused, plan } = optimistic.decide(taken, this.#stuck);
    for (const pending of refused) pending.knownAt = null;
    if (refused.length > 0) this.#putBack(refused);
    if (plan === null) return;
    void this.#runLane(lane, batch, (deadlineMs) => optimistic.run(lane, plan, deadlineMs, () => this.#schedule()));
  }

  #startUnderLocks(lane: Lane): void {
    const situation = this.#situationOf(lane);
    if (situation === null) return;
    this.#lock(lane, chooseUnderLocks(this.#queue, situation, this.#options));
  }

  #lock(lane: Lane, batch: Pending[]): void {
    if (batch.length === 0) return;
    const work = this.#underLocks(lane, batch);
    void this.#runLane(lane, batch, (deadlineMs) => lane.run(work, deadlineMs, () => this.#schedule()));
  }

  /** Null where a lane can take nothing now. */
  #situationOf(lane: Lane): Situation | null {
    if (this.#queue.length === 0) return null;
    const situation = situationOf(lane, this.#underWay, this.#optimistic?.lanes ?? []);
    // What is ahead on a lane that is idle has ended just now, and is about to be put back where it stood.
    return lane.isCommitting || (!lane.isBusy && situation.ahead === null) ? situation : null;
  }

  /** A batch that failed and the one behind it come back one after the other, and stand as they stood before. */
  #putBack(pending: Pending[]): void {
    this.#queue.push(...pending);
    this.#queue.sort((one, other) => one.place - other.place);
  }

  async #runLane(lane: Lane, batch: Pending[], run: (deadlineMs: number) => Promise<BatchResult>): Promise<void> {
    const startedMs = performance.now();
    const underWay = { commands: batch.length, held: new Set(batch.flatMap(({ holds }) => holds)), startedMs };
    if (lane !== this.#sideLane) this.#underWay.set(underWay, lane);
    this.#inFlight += batch.length;
    const deadlineMs = Math.min(...batch.map((pending) => pending.deadlineMs));
    for (const pending of batch) pending.attempts += 1;
    const result = await run(deadlineMs);
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
      if (lane === this.#sideLane) this.#sideQueue.push(...again);
      else if (again.length > 0) this.#putBack(again);
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
    if (result.kind === 'unknown') {
      for (const { reject } of batch) reject(outcomeUnknown());
      return [];
    }
    if (this.#optimistic?.lanes.includes(lane) === true) return this.#handleOptimistic(batch, result.kind);
    switch (result.kind) {
      case 'again':
      case 'changed':
        return stillInTime(batch);
      case 'behind':
      case 'away':
        // Not the commands' fault: once the database is back they go together again.
        for (const pending of batch) pending.attempts -= 1;
        return stillInTime(batch);
      case 'stuck':
        return this.#setAside(batch, (index) => result.indexes.has(index));
      case 'lock_timeout':
        return this.#handleLockTimeout(lane, batch);
      case 'failed':
        return this.#isolate(batch, result.error);
    }
  }

  /** Whatever went wrong, under locks it shows who has to do with it. */
  #handleOptimistic(batch: Pending[], kind: BatchResult['kind']): Pending[] {
    for (const pending of batch) {
      pending.attempts -= 1;
      if (kind !== 'behind') pending.knownAt = null;
    }
    return stillInTime(batch);
  }

  #setAside(batch: Pending[], isStuck: (index: number) => boolean): Pending[] {
    this.#sideQueue.push(...patientOf(batch.filter((_, index) => isStuck(index))));
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
      return stillInTime(batch);
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
    if (stuck === null || stuck.size === 0) return;
    for (const key of stuck) this.#stuck.set(key, untilMs);
    // Who wants these levels is set apart at once: the others need not go alone any more.
    for (const pending of this.#queue) pending.attempts = Math.min(pending.attempts, ATTEMPTS_TOGETHER - 1);
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
    return stillInTime(batch);
  }

  /** While anything waits, looks now and then whether it has waited too long: a lane may hang. */
  #watchQueues(): void {
    const isNeeded = this.#queue.length > 0 || this.#sideQueue.length > 0;
    if (!isNeeded || this.#watch !== null) return;
    this.#watch = setTimeout(() => {
      this.#watch = null;
      this.#queue = stillInTime(this.#queue);
      this.#sideQueue = stillInTime(this.#sideQueue, levelBusy);
      this.#startLanes();
    }, LOOK_AGAIN_MS);
    this.#watch.unref();
  }
}
