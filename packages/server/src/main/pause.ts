import { toRfc3339 } from '../kernel/clock.ts';
import { readPause, type Database } from '../platform/database/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';

/** A start that would do less than it seems to says so. */
export async function tellPause(database: Database, log: Logger): Promise<void> {
  const pause = await readPause(database.kysely);
  if (pause === null) return;
  log.warn(
    { since: toRfc3339(pause.sinceMs), because: pause.because },
    'Paused: nothing is sent to webhooks, and no jobs run, until `holdfast resume`.',
  );
}

export function meterPause(metrics: Metrics, database: Database): void {
  metrics.collected(
    {
      name: 'holdfast_paused',
      aggregator: 'max',
      help: 'Whether webhooks and jobs are paused, by `holdfast pause` or after a restore: all instances tell the same.',
    },
    async () => [{ labels: {}, value: (await readPause(database.kysely)) === null ? 0 : 1 }],
  );
}
