export { createMetrics, type Metrics, type MetricsOptions, type Sample } from './metrics.ts';
export type { ObserveRequest } from './request.metrics.ts';
