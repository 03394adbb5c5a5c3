import { systemClock } from '../kernel/clock.ts';
import { readInstallationLife } from '../modules/instances/index.ts';
import { RedisAnswers, StockCache, type FollowedStream, type SharedAnswers } from '../modules/inventory/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { RedisLink } from '../platform/redis/index.ts';

interface StockAnswersDeps {
  database: Database;
  stream: FollowedStream;
  redis: RedisLink | null;
  metrics: Metrics;
}

/** What this instance knows of hot products, and what all know together where there is a Redis; not started. */
export function openStockAnswers({ database, stream, redis, metrics }: StockAnswersDeps): {
  cache: StockCache;
  shared: SharedAnswers | null;
} {
  const asked = metrics.counter({
    name: 'holdfast_stock_reads_total',
    help: 'Reads of a level or of a product’s stock: answered by the cache (hit) or by the database, and why.',
    labelNames: ['cache'],
  });
  const cache = new StockCache({
    stream,
    clock: systemClock,
    onCounts: (counts) => {
      for (const [name, count] of Object.entries(counts)) if (count > 0) asked.inc({ cache: name }, count);
    },
  });
  metrics.collected({ name: 'holdfast_stock_cache_bytes', help: 'What the answers that are kept weigh.' }, () => {
    cache.tellCounts();
    return [{ labels: {}, value: cache.bytes }];
  });
  const name = (): Promise<string> => readInstallationLife(database.kysely);
  return { cache, shared: redis === null ? null : new RedisAnswers({ link: redis, name }) };
}
