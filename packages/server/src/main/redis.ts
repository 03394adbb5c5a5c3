import { systemClock } from '../kernel/clock.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { RedisLink } from '../platform/redis/index.ts';

interface RedisDeps {
  /** Null: there is none. */
  url: string | null;
  metrics: Metrics;
  log: Logger;
}

/** The door to Redis, where there is one; not started. */
export async function openRedis({ url, metrics, log }: RedisDeps): Promise<RedisLink | null> {
  if (url === null) return null;
  // Loaded only where it is wanted: it would cost every start a tenth of a second.
  const { RedisLink: Link } = await import('../platform/redis/index.ts');
  const link = new Link({
    url,
    clock: systemClock,
    onUp: () => log.info('Redis is there'),
    onDown: (error) => log.warn({ err: error }, 'Redis is away; everything goes on without it'),
  });
  metrics.collected(
    { name: 'holdfast_redis_up', aggregator: 'min', help: 'Whether Redis answered this instance last time.' },
    () => [{ labels: {}, value: link.isUp ? 1 : 0 }],
  );
  return link;
}
