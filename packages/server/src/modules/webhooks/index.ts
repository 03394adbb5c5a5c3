import type { Engine } from '../../engine/index.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Egress } from '../../platform/egress/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import { deliveryRoutes } from './delivery.routes.ts';
import type { EventSource } from './stream.reader.ts';
import { changingRoutes, makingRoutes, readingRoutes } from './webhook.routes.ts';
import { createSender } from './webhook.sender.ts';
import { disableWebhook } from './webhook.service.ts';
import { WebhookWorker, type WebhookWorkerOptions } from './webhook.worker.ts';

export type { EventSource } from './stream.reader.ts';
export { WebhookWorker } from './webhook.worker.ts';

export interface WebhooksOptions extends Pick<
  WebhookWorkerOptions,
  'clock' | 'random' | 'intervalMs' | 'onTold' | 'onError'
> {
  engine: Engine;
  database: Database;
  feed: EventSource;
  egress: Egress;
  metrics: Metrics;
  /** Tells every instance, this one too, that webhooks were changed: each then wakes its worker. */
  announce?: () => void;
}

/** Webhooks: their routes, and the duty that delivers. */
export function createWebhooks(options: WebhooksOptions): { routes: Routes; worker: WebhookWorker } {
  const { engine, database, feed, egress, metrics, announce, ...rest } = options;
  const clock = options.clock ?? systemClock;
  const deliveries = metrics.counter({
    name: 'webhook_deliveries_total',
    help: 'Attempts to deliver an event to a webhook, by what came of them',
    labelNames: ['result'],
  });
  const send = createSender({ egress, clock });
  const worker = new WebhookWorker({
    ...rest,
    database,
    feed,
    send,
    clock,
    disable: (endpoint, reason) => disableWebhook(engine, endpoint, reason),
    onResult: (result) => deliveries.inc({ result }),
  });
  metrics.collected(
    { name: 'webhook_endpoints_open_circuit', help: 'Webhooks of this instance that seem dead and are only probed' },
    () => [{ labels: {}, value: worker.openCircuits }],
  );
  const changed = (): void => {
    worker.wake();
    announce?.();
  };
  const deps = { engine, database, feed, egress, send, clock, changed };
  const routes: Routes = (app) => {
    makingRoutes(app, deps);
    readingRoutes(app, deps);
    changingRoutes(app, deps);
    deliveryRoutes(app, deps);
  };
  return { routes, worker };
}
