import type { Metric, Registry } from 'prom-client';

/** Upper bounds in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The durations of one route's answers of one class of status. */
interface Series {
  labels: { method: string; route: string; status: string };
  /** Answers per bucket, not summed up; the last one is above all bounds. */
  counts: number[];
  sumSeconds: number;
}

/** Counts one answer. */
export type ObserveRequest = (status: number, durationMs: number) => void;

/**
 * prom-client's own histogram hashes its labels at each observation, which costs more than all else that is done for a
 * request here; this one finds its counters through a closure per route.
 */
export class RequestHistogram {
  readonly name = 'http_request_duration_seconds';
  readonly help = 'Duration of requests by route, method and class of status';
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #series: Series[] = [];

  constructor(registry: Registry) {
    registry.registerMetric(this as unknown as Metric);
  }

  forRoute(method: string, route: string): ObserveRequest {
    const byClass: (Series | undefined)[] = [];
    return (status, durationMs) => {
      const statusClass = Math.floor(status / 100);
      const series = (byClass[statusClass] ??= this.#add(method, route, `${statusClass}xx`));
      const seconds = durationMs / 1000;
      let bucket = 0;
      while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] ?? Infinity)) bucket += 1;
      series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
      series.sumSeconds += seconds;
    };
  }

  /** What prom-client's registry asks of a metric. */
  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({
      name,
      help,
      type,
      aggregator,
      values: this.#series.flatMap((series) => this.#lines(series)),
    });
  }

  reset(): void {
    for (const series of this.#series) {
      series.counts.fill(0);
      series.sumSeconds = 0;
    }
  }

  #add(method: string, route: string, status: string): Series {
    const counts = Array.from({ length: BUCKETS.length + 1 }, () => 0);
    const series: Series = { labels: { method, route, status }, counts, sumSeconds: 0 };
    this.#series.push(series);
    return series;
  }

  #lines({ labels, counts, sumSeconds }: Series): object[] {
    let total = 0;
    const buckets = counts.map((count, index) => {
      total += count;
      const le = BUCKETS[index] ?? '+Inf';
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sumSeconds },
      { metricName: `${this.name}_count`, labels, value: total },
    ];
  }
}
