import { systemClock, type Clock } from '../../kernel/clock.ts';
import { Loop } from '../../kernel/loop.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Load, LimitedRoute, RequestLimiter, RouteCharges } from '../../platform/http/index.ts';
import type { LimitStore, MemoryStore } from '../../platform/limiter/index.ts';
import { CallerBook } from './caller.book.ts';
import { readRevision, readRuleSet, readSuccessors, type RuleSet } from './rate-limit.sql.ts';
import { RequestCharges } from './request.charges.ts';
import { isNeverLimited } from './route.plan.ts';
import { RuleBook } from './rule.book.ts';
import { TrafficRecorder } from './traffic.recorder.ts';

export interface LimitsOptions {
  database: Pick<Database, 'kysely'>;
  /** Where requests are counted. */
  store: LimitStore;
  /** The counters of this process: the store itself, or what stands in for a shared one. */
  memory: MemoryStore;
  /** Whether all instances count together. */
  isShared: boolean;
  /** Whether hints of other instances arrive: then rules are looked for only now and then. */
  isHinted?: () => boolean;
  clock?: Clock;
  onError?: (error: unknown) => void;
}

const TICK_MS = 500;
/** In ticks: rules where hints arrive, and keys that have expired, of which nobody hints. */
const LOOK_EVERY_HINTED = 10;
const KEYS_EVERY = 10;

/**
 * The rate limits of one instance: the rules, kept up to date, and what charges the requests of each route by them.
 * Instances hear of a change at once by a hint, and without hints by the revision, within half a second.
 */
export class Limits implements RequestLimiter {
  readonly rules = new RuleBook();
  readonly traffic = new TrafficRecorder();
  readonly callers = new CallerBook();
  readonly store: LimitStore;
  readonly memory: MemoryStore;
  readonly isShared: boolean;
  readonly clock: Clock;
  readonly #options: Required<LimitsOptions>;
  readonly #routes: RequestCharges[] = [];
  readonly #loop: Loop;
  #revision = -1;
  /** As they were read last. */
  #successors = '';
  #ticks = 0;
  #reading: Promise<void> | null = null;
  #isStale = false;

  constructor(options: LimitsOptions) {
    this.#options = { isHinted: () => false, clock: systemClock, onError: () => undefined, ...options };
    this.store = options.store;
    this.memory = options.memory;
    this.isShared = options.isShared;
    this.clock = this.#options.clock;
    const run = async (): Promise<number> => {
      await this.tick();
      return TICK_MS;
    };
    this.#loop = new Loop(run, { afterErrorMs: TICK_MS, onError: this.#options.onError });
  }

  get routes(): readonly RequestCharges[] {
    return this.#routes;
  }

  forRoute(route: LimitedRoute): RouteCharges | null {
    if (isNeverLimited(route)) return null;
    const { store, clock, callers: book, traffic, rules } = this;
    const { onError } = this.#options;
    const deps = { store, clock, isImmediate: !this.isShared, book, traffic, tierOf: rules.tierOf, onError };
    const charges = new RequestCharges(route, this.#routes.length, deps);
    charges.use(this.rules.active);
    this.#routes.push(charges);
    return charges;
  }

  observe(load: Load): void {
    this.rules.observe(load);
  }

  /** Begins to count. Without `follows` it looks for changes only when it is told to. */
  start({ follows }: { follows: boolean }): void {
    this.memory.start();
    if (follows) this.#loop.start();
    else void this.catchUp();
  }

  async stop(): Promise<void> {
    this.memory.stop();
    await this.#loop.stop();
    await this.#reading?.catch(() => undefined);
  }

  /** What the clock and the load ask for; runs by itself once started. */
  async tick(): Promise<void> {
    this.rules.adapt();
    if (this.rules.followSchedule(this.clock.now())) this.#plan();
    const looks = !this.#options.isHinted() || this.#revision === -1 || this.#ticks % LOOK_EVERY_HINTED === 0;
    const asksForKeys = this.#ticks % KEYS_EVERY === 0;
    this.#ticks += 1;
    if (this.#isStale) return this.refresh();
    if (looks && (await readRevision(this.#options.database.kysely)) !== this.#revision) return this.refresh();
    if (asksForKeys) await this.followKeys();
  }

  /**
   * A key may have taken the place of another. Few changes of keys and people mean that, and to read 200 rules with 1,000
   * overrides each for every one that signs out took a quarter of a second.
   */
  async followKeys(): Promise<void> {
    if (nameOf(await readSuccessors(this.#options.database.kysely)) !== this.#successors) await this.refresh();
  }

  /** As `refresh`; what cannot be read now, such as while the database is away, is read by the next tick. */
  async catchUp(): Promise<void> {
    await this.refresh().catch(this.#options.onError);
  }

  /** Reads the rules. Who asks while they are read gets what is there after that. */
  async refresh(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#readUntilFresh().finally(() => (this.#reading = null));
    await this.#reading;
  }

  async #readUntilFresh(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      try {
        this.use(await readRuleSet(this.#options.database.kysely));
      } catch (error) {
        this.#isStale = true;
        throw error;
      }
    }
  }

  /** Counts by these rules from now on. Those that stay as they were keep their counters. */
  use(set: RuleSet): void {
    const before = [...this.rules.all.values()].map(({ counter }) => counter.id);
    this.#revision = set.revision;
    this.#successors = nameOf(set.successors);
    this.callers.setSuccessors(new Map(set.successors.map(({ id, root }) => [id, root])));
    this.rules.replace(set, this.clock.now());
    const now = new Set([...this.rules.all.values()].map(({ counter }) => counter.id));
    for (const id of before) if (!now.has(id)) this.memory.forget(id);
    this.#plan();
  }

  #plan(): void {
    for (const route of this.#routes) route.use(this.rules.active);
  }
}

function nameOf(successors: RuleSet['successors']): string {
  return successors.map(({ id, root }) => `${id} ${root}`).join();
}
