import { systemClock } from '../kernel/clock.ts';
import { readInstallationName } from '../modules/instances/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { RedisLink } from '../platform/redis/index.ts';
import { PostgresCarrier, RedisCarrier, SignalHub, type Carrier } from '../platform/signals/index.ts';

interface SignalDeps {
  database: Database;
  redis: RedisLink | null;
  metrics: Metrics;
  log: Logger;
}

/** The hints between instances, with what carries them here; not started. */
export function openSignals({ database, redis, metrics, log }: SignalDeps): SignalHub {
  const carriers: Carrier[] = [new PostgresCarrier(database)];
  if (redis !== null) {
    const channel = async (): Promise<string> => `holdfast:${await readInstallationName(database.kysely)}:signals`;
    carriers.unshift(new RedisCarrier({ link: redis, channel, clock: systemClock }));
  }
  const hub = new SignalHub({
    carriers,
    clock: systemClock,
    onUp: (carrier) => log.debug({ carrier }, 'hints of other instances arrive'),
    onDown: (carrier, error) => log.warn({ carrier, err: error }, 'hints of other instances do not arrive'),
    onUnfit: (carrier, reason) => log.info({ carrier }, `${reason} Instances ask the database more often instead.`),
    onError: (error) => log.error({ err: error }, 'a hint of another instance could not be taken in'),
  });
  metrics.collected(
    {
      name: 'holdfast_signals_live',
      aggregator: 'max',
      help: 'What carries hints between instances now: 1 at one of redis, postgres and nothing.',
      labelNames: ['carrier'],
    },
    () =>
      (['redis', 'postgres', 'nothing'] as const).map((carrier) => ({
        labels: { carrier },
        value: hub.carriedBy === carrier ? 1 : 0,
      })),
  );
  return hub;
}
