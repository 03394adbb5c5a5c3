import { hostname } from 'node:os';
import { InstanceRegistry } from '../modules/instances/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { SignalHub } from '../platform/signals/index.ts';
import { VERSION } from './version.ts';

interface RegistryDeps {
  database: Database;
  metrics: Metrics;
  signals: SignalHub;
  /** Where it listens; null while it does not. */
  address: () => string | null;
  onError: (error: unknown) => void;
}

const nothing = (): void => undefined;

/** This instance among those that serve this installation; not started. */
export function openRegistry({ database, metrics, signals, address, onError }: RegistryDeps): InstanceRegistry {
  const registry = new InstanceRegistry({
    database,
    facts: () => ({
      id: signals.id,
      address: address(),
      host: hostname(),
      pid: process.pid,
      version: VERSION,
      signals: signals.carriedBy,
    }),
    onError,
  });
  metrics.collected(
    {
      name: 'holdfast_instances',
      aggregator: 'max',
      help: 'Instances of this installation, by whether they are there: all of them tell the same.',
      labelNames: ['status'],
    },
    async () => {
      const { up, lost } = await registry.count();
      return [
        { labels: { status: 'up' }, value: up },
        { labels: { status: 'lost' }, value: lost },
      ];
    },
  );
  // A gap is told whenever a carrier comes or goes.
  signals.on('instances', nothing, () => registry.refresh());
  return registry;
}
