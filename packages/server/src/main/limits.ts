import type { Engine } from '../engine/index.ts';
import { readInstallationName } from '../modules/instances/index.ts';
import { Limits, rateLimitRoutes, StatsKeeper } from '../modules/rate-limits/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Routes } from '../platform/http/index.ts';
import { MemoryStore, RedisStore, SharedLimiter } from '../platform/limiter/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { RedisLink } from '../platform/redis/index.ts';
import type { Signals } from '../platform/signals/index.ts';

interface LimitDeps {
  database: Database;
  engine: Engine;
  /** Null: each instance counts alone. */
  redis: RedisLink | null;
  signals: Signals;
  metrics: Metrics;
  log: Logger;
  /** How many instances serve this installation. */
  instances: () => Promise<number>;
  onError: (error: unknown) => void;
}

/** The rate limits of one instance. */
export interface RateLimiting {
  limits: Limits;
  routes: Routes;
  /** How many instances share the limits, as far as this one knows. */
  readonly instances: number;
  /** @param isDuty false: it counts, and does nothing by itself */
  start(isDuty: boolean): void;
  stop(): Promise<void>;
}

const CHANNEL = 'rate_limits';
const COUNT_EVERY_MS = 5_000;
const TELL_EVERY_MS = 10_000;

export function openLimits(deps: LimitDeps): RateLimiting {
  const { database, engine, redis, signals, metrics, onError } = deps;
  const memory = new MemoryStore();
  const census = new Census(deps.instances);
  const store = redis === null ? memory : sharedStore(redis, memory, census, deps);
  const limits = new Limits({
    database,
    store,
    memory,
    isShared: redis !== null,
    isHinted: () => signals.isLive,
    onError,
  });
  const keeper = new StatsKeeper({ database, engine, limits, metrics, onError });
  meter(metrics, memory, redis);
  const look = (): void => void limits.catchUp();
  const lookForKeys = (): void => void limits.followKeys().catch(onError);
  let unhear: (() => void)[] = [];
  return {
    limits,
    get instances() {
      return census.instances;
    },
    routes: rateLimitRoutes({
      engine,
      database,
      limits,
      keeper,
      onChanged: () => signals.publish(CHANNEL),
      isStoreUp: () => redis?.isUp ?? true,
    }),
    start: (isDuty) => {
      limits.start({ follows: isDuty });
      if (!isDuty) return;
      keeper.start();
      if (redis !== null) census.start();
      // A key that takes the place of another goes on with its counters.
      unhear = [signals.on(CHANNEL, look, look), signals.on('settings.credentials', lookForKeys)];
    },
    stop: async () => {
      for (const end of unhear) end();
      census.stop();
      await limits.stop();
      await keeper.stop();
    },
  };
}

/** How many share a limit, for when Redis cannot say what they have used of it. */
class Census {
  readonly #count: () => Promise<number>;
  #timer: NodeJS.Timeout | null = null;
  instances = 1;

  constructor(count: () => Promise<number>) {
    this.#count = count;
  }

  start(): void {
    void this.#take();
    this.#timer = setInterval(() => void this.#take(), COUNT_EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async #take(): Promise<void> {
    // While it cannot be asked the last answer counts.
    this.instances = await this.#count().catch(() => this.instances);
  }
}

function sharedStore(
  redis: RedisLink,
  local: MemoryStore,
  census: Census,
  { database, log }: Pick<LimitDeps, 'database' | 'log'>,
): SharedLimiter {
  // A copy of the database has the same rules.
  const prefix = async (): Promise<string> => `holdfast:${await readInstallationName(database.kysely)}:limit:`;
  let toldMs = -Infinity;
  return new SharedLimiter({
    shared: new RedisStore({ link: redis, prefix }),
    local,
    instances: () => census.instances,
    onAway: (error) => {
      if (performance.now() - toldMs < TELL_EVERY_MS) return;
      toldMs = performance.now();
      log.warn({ err: error }, "Redis does not count: each rate limit's onStoreError decides");
    },
  });
}

function meter(metrics: Metrics, memory: MemoryStore, redis: RedisLink | null): void {
  metrics.collected({ name: 'rate_limit_subjects', help: 'Subjects whose counts are in memory, here.' }, () => [
    { labels: {}, value: memory.size },
  ]);
  metrics.collected(
    {
      name: 'rate_limit_store_up',
      aggregator: 'min',
      help: 'Whether requests are counted where they should be; always, in memory.',
    },
    () => [{ labels: {}, value: (redis?.isUp ?? true) ? 1 : 0 }],
  );
}
