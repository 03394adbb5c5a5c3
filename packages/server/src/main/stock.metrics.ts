import type { BatchReport, LedgerType, SweepReport } from '../engine/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import { countLowProducts, sumLevels } from './stock.metrics.sql.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const COMMANDS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** What a hold's ledger entry says of its reservation. */
const RESERVATION_EVENTS: Partial<Record<LedgerType, string>> = {
  reserve: 'reserved',
  commit: 'confirmed',
  sale: 'shipped',
  release: 'released',
  uncommit: 'cancelled',
  expire: 'expired',
};

/** What the engine tells of its work. */
export interface StockMeters {
  onBatch: (report: BatchReport) => void;
  onCommit: (entries: { type: LedgerType; location: string }[]) => void;
  onSweep: (report: SweepReport) => void;
}

/** The metrics of stock: by location, never by sku, so that their number stays bounded. */
export function meterStock(metrics: Metrics, database: Database): StockMeters {
  const batchSeconds = metrics.histogram({
    name: 'holdfast_batch_duration_seconds',
    help: 'From the first statement of a batch to its commit.',
    labelNames: ['result'],
    buckets: SECONDS,
  });
  const batchCommands = metrics.histogram({
    name: 'holdfast_batch_commands',
    help: 'Commands that shared one commit.',
    buckets: COMMANDS,
  });
  const expired = metrics.counter({ name: 'holdfast_holds_expired_total', help: 'Holds that this instance settled.' });
  const lag = metrics.gauge({
    name: 'holdfast_expiry_lag_seconds',
    help: 'How long ago the oldest hold that is not settled yet lapsed, at the last sweep.',
    aggregator: 'max',
  });
  metrics.collected(
    {
      name: 'inventory_stock_levels',
      aggregator: 'max',
      help: 'Units by location and kind.',
      labelNames: ['location', 'kind'],
    },
    () => sumLevels(database),
  );
  const reservations = metrics.counter({
    name: 'inventory_reservations_total',
    help: 'Changes of reservations that this instance committed, by what they became, by location.',
    labelNames: ['location', 'event'],
  });
  const movements = metrics.counter({
    name: 'inventory_movements_total',
    help: 'Ledger entries that this instance committed, by location and type.',
    labelNames: ['location', 'type'],
  });
  metrics.collected(
    {
      name: 'inventory_low_stock_products',
      aggregator: 'max',
      help: 'Products that are low or out, by location.',
      labelNames: ['location'],
    },
    () => countLowProducts(database),
  );
  return {
    onBatch: ({ commands, durationMs, result }) => {
      batchSeconds.observe({ result }, durationMs / 1000);
      batchCommands.observe(commands);
    },
    onCommit: (entries) => {
      const counts = new Map<string, { location: string; type: LedgerType; count: number }>();
      for (const { type, location } of entries) {
        const key = `${location} ${type}`;
        const known = counts.get(key);
        if (known === undefined) counts.set(key, { location, type, count: 1 });
        else known.count += 1;
      }
      for (const { location, type, count } of counts.values()) {
        movements.inc({ location, type }, count);
        const event = RESERVATION_EVENTS[type];
        if (event !== undefined) reservations.inc({ location, event }, count);
      }
    },
    onSweep: (report) => {
      expired.inc(report.expired);
      lag.set(report.lagMs / 1000);
    },
  };
}
