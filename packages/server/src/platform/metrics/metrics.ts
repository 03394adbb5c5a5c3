import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { RequestHistogram } from './request.metrics.ts';

type Names<Label extends string> = {
  name: string;
  help: string;
  labelNames?: readonly Label[];
  /**
   * How the workers of one server become one: their sum where absent; `max` where each tells the same, or where one that
   * says so is enough; `min` where it is so only if it is so of all.
   */
  aggregator?: 'max' | 'min';
};

/** The registry of one server. Modules make their metrics through it, under the names that API.md lists. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: RequestHistogram;
  counter<Label extends string>(options: Names<Label>): Counter<Label>;
  histogram<Label extends string>(options: Names<Label> & { buckets: number[] }): Histogram<Label>;
  gauge<Label extends string>(options: Names<Label>): Gauge<Label>;
  /**
   * A gauge that is asked when someone reads /metrics. `collect` answers all its values; labels that it no longer
   * answers are gone.
   */
  collected<Label extends string>(options: Names<Label>, collect: Collect<Label>): void;
  /** The text of /metrics. */
  render(): Promise<string>;
  readonly contentType: string;
}

export interface Sample<Label extends string> {
  labels: Partial<Record<Label, string>>;
  value: number;
}

type Collect<Label extends string> = () => Promise<Sample<Label>[]> | Sample<Label>[];

export interface MetricsOptions {
  /** Process, heap, garbage collection and event-loop lag: off in tests, where many servers live in one process. */
  runtime: boolean;
}

export function createMetrics({ runtime }: MetricsOptions): Metrics {
  const registry = new Registry();
  if (runtime) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const unread = new Counter({
    name: 'metrics_unread_total',
    help: 'Metrics that could not be read when they were asked for',
    labelNames: ['metric'],
    registers,
  });

  /** A metric that cannot be read, as while the database is away, is counted and does not take the others with it. */
  async function collected<Label extends string>(name: string, collect: Collect<Label>): Promise<Sample<Label>[]> {
    try {
      return await collect();
    } catch {
      unread.inc({ metric: name });
      return [];
    }
  }

  return {
    registry,
    requests: new RequestHistogram(registry),
    counter: (options) => new Counter({ ...options, registers }),
    gauge: (options) => new Gauge({ ...options, registers }),
    histogram: (options) => new Histogram({ ...options, registers }),
    collected: (options, collect) => {
      const gauge = new Gauge({
        ...options,
        registers,
        collect: async () => {
          const samples = await collected(options.name, collect);
          gauge.reset();
          for (const { labels, value } of samples) gauge.set(labels, value);
        },
      });
    },
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
