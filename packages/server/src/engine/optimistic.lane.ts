import type { IdSource } from '../kernel/ids.ts';
import type { LaneConnection } from '../platform/database/index.ts';
import { HUNG_AFTER_MS } from './batch.queue.ts';
import { selectSessionSettings } from './known.sql.ts';
import { levelKey } from './loaded.ts';
import { KnownStock, type Learned, type Stuck } from './known.stock.ts';
import { KnownTrust } from './known.trust.ts';
import { Lane, within, type BatchResult, type BatchWork } from './lane.ts';
import { decideKnown, numbersFor, writeKnown, type KnownBatch, type KnownPlan } from './optimistic.batch.ts';
import { RecentKeys } from './recent.keys.ts';
import type { Asked, Command } from './stock.command.ts';

export interface OptimisticLanesOptions {
  connect: (name: string) => Promise<LaneConnection>;
  role: () => string | null;
  ids: IdSource;
  lockTimeoutMs: number;
  idleTimeoutMs: number;
  defaultTtlMs: number;
  timeShiftMs: () => number;
  onLost: (error: unknown) => void;
  /** A decision failed that is tried again under locks: nobody but whoever reads the log would see it. */
  onDefect: (error: unknown, command: Command) => void;
}

/** What became of commands that were taken. */
export interface Decided<Known> {
  batch: Known[];
  /** Whoever cannot be decided here, for whatever reason: under locks it may be accepted. */
  refused: Known[];
  /** What is to be sent for the batch; null where it is empty. */
  plan: KnownPlan | null;
}

/**
 * Lanes of reserves that are decided on what this instance knows of stock, without locking and reading it first: each
 * batch is one round trip, and the next is decided and sent before the last one is committed. A batch is written only where
 * all of it is still as it was known. Where other instances write the same stock it seldom is: then the lanes rest.
 */
export class OptimisticLanes {
  readonly #options: OptimisticLanesOptions;
  readonly #known: KnownStock;
  readonly #recentKeys = new RecentKeys();
  readonly #trust = new KnownTrust();
  readonly lanes: readonly Lane[];
  readonly #chains = new Map<Lane, Chain>();
  /** Levels that batches under way write. */
  readonly #underWay = new Set<{ plan: KnownPlan; startedMs: number; ended: Promise<void> }>();

  constructor(names: readonly string[], options: OptimisticLanesOptions) {
    this.#options = options;
    this.#known = new KnownStock(options.defaultTtlMs);
    const { onLost } = options;
    this.lanes = names.map((name) => new Lane({ name, connect: () => this.#connect(name), onLost }));
    for (const lane of this.lanes) this.#chains.set(lane, new Chain());
  }

  /** Null where a command that came goes under locks; else the state of knowledge by which it need not. */
  knownAt({ command, meta }: Asked, stuck: Stuck): number | null {
    if (meta.idempotency !== null && this.#recentKeys.see(meta.idempotency)) return null;
    const isOpen = this.#trust.isAwake(performance.now()) && !this.isHung;
    return isOpen && this.#known.knows(command, stuck) ? this.#known.forgotten : null;
  }

  /** Whether a batch has not been heard of for long: a connection may have fallen silent. */
  get isHung(): boolean {
    const [oldest] = this.#underWay;
    return oldest !== undefined && performance.now() - oldest.startedMs > HUNG_AFTER_MS;
  }

  /** Whether some levels are locked here, or about to be. */
  get hasClaims(): boolean {
    return this.#known.hasClaims;
  }

  /** Whether a command that goes this way may go now: nobody else of this process is at its levels. */
  isFree(command: Command): boolean {
    return this.#known.isFree(command);
  }

  /** Decides what it can of the commands that were taken. */
  decide<Known extends Asked & { knownAt: number | null }>(taken: readonly Known[], stuck: Stuck): Decided<Known> {
    const known = this.#known;
    // Something may have been forgotten since they came.
    const isKnown = ({ command, knownAt }: Known): boolean =>
      (stuck.size === 0 && knownAt === known.forgotten) || known.knows(command, stuck);
    const asked = taken.filter(isKnown);
    const clockMs = known.clock.nowMs(performance.now());
    if (asked.length === 0 || clockMs === null || !known.numbers.has(numbersFor(asked))) {
      return { batch: [], refused: [...taken], plan: null };
    }
    const { accepted, plan } = this.#decideKnown(asked, clockMs);
    const batch = asked.filter((_, index) => accepted[index]);
    const left = new Set(batch);
    return { batch, refused: taken.filter((one) => !left.has(one)), plan };
  }

  /** A defect is told, and decides nothing here: under locks it shows which command it is of. */
  #decideKnown(asked: readonly Asked[], clockMs: number): KnownBatch {
    const { timeShiftMs, ids, onDefect } = this.#options;
    try {
      return decideKnown(asked, this.#known, clockMs, timeShiftMs(), ids);
    } catch (error) {
      const [first] = asked;
      if (first !== undefined) onDefect(error, first.command);
      this.#trust.blame(performance.now());
      return { accepted: asked.map(() => false), plan: null };
    }
  }

  #work(lane: Lane, plan: KnownPlan): BatchWork {
    const chain = this.#chains.get(lane) as Chain;
    return async (client, onCommit) => {
      const link = chain.next(client);
      const outcome = await writeKnown(client, plan, this.#known, link, onCommit);
      chain.done(link.own);
      return outcome;
    };
  }

  async run(lane: Lane, plan: KnownPlan, deadlineMs: number, onCommit: () => void): Promise<BatchResult> {
    if (!lane.isBusy) this.#chains.get(lane)?.begin();
    const running = lane.run(this.#work(lane, plan), deadlineMs, onCommit);
    const entry = { plan, startedMs: performance.now(), ended: running.then(() => undefined) };
    this.#underWay.add(entry);
    const result = await running;
    this.#underWay.delete(entry);
    if (result.kind === 'done') this.#trust.praise();
    else {
      this.#known.forget(plan.levels);
      if (result.kind !== 'behind') this.#trust.blame(performance.now());
    }
    return result;
  }

  /** What a batch under locks has left. Not to be told through a pooler: the settings of a session would not be ours. */
  learn(learned: Learned): void {
    this.#known.learn(learned);
  }

  /** Nothing that is known counts any more. */
  forgetAll(): void {
    this.#known.forgetAll();
  }

  /**
   * Keeps away from levels that are about to be locked; done when none of them is being written here. A batch that is not
   * heard of is not waited for: the database has its locks, or it finds its levels changed.
   */
  async claim(keys: ReadonlySet<string>): Promise<void> {
    this.#known.claim(keys);
    for (const { plan, startedMs, ended } of this.#underWay) {
      if (![...plan.levels].some(({ product, location }) => keys.has(levelKey(product.id, location.id)))) continue;
      await within(ended, startedMs + HUNG_AFTER_MS).catch(() => undefined);
    }
  }

  release(keys: ReadonlySet<string>): void {
    this.#known.release(keys);
  }

  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.close()));
  }

  async #connect(name: string): Promise<LaneConnection> {
    const { connect, role, lockTimeoutMs, idleTimeoutMs } = this.#options;
    const client = await connect(name);
    try {
      await client.query(selectSessionSettings({ role: role(), lockTimeoutMs, idleTimeoutMs }));
    } catch (error) {
      client.cut();
      throw error;
    }
    return client;
  }
}

/** The batches of a session: each is written only if the one before it was done. */
class Chain {
  #session: LaneConnection | null = null;
  #given = 0;
  #sent = 0;
  #done = 0;

  /** Nothing is under way: what was sent and not done does not count. */
  begin(): void {
    this.#sent = this.#done;
  }

  /** @returns the number of a batch, and that of the one that must have been done before it */
  next(session: LaneConnection): { after: number; own: number } {
    if (this.#session !== session) {
      this.#session = session;
      this.#sent = this.#done = 0;
    }
    const after = this.#sent;
    this.#sent = this.#given += 1;
    return { after, own: this.#sent };
  }

  done(own: number): void {
    this.#done = own;
  }
}
