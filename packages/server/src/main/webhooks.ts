import type { Engine } from '../engine/index.ts';
import { createWebhooks, type EventSource, type WebhookWorker } from '../modules/webhooks/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Database } from '../platform/database/index.ts';
import { createEgress } from '../platform/egress/index.ts';
import type { Routes } from '../platform/http/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { Signals } from '../platform/signals/index.ts';

interface WebhookDeps {
  config: Config;
  log: Logger;
  engine: Engine;
  database: Database;
  feed: EventSource;
  metrics: Metrics;
  signals: Signals;
  onError: (error: unknown) => void;
}

/** The webhooks of one instance. */
export interface Webhooks {
  routes: Routes;
  worker: WebhookWorker;
  start(): void;
  stop(): Promise<void>;
}

/** A hint: somebody changed a webhook. Without it that is seen within a second. */
const WEBHOOKS_CHANGED = 'settings.webhooks';

export function openWebhooks({ config, log, signals, ...deps }: WebhookDeps): Webhooks {
  const egress = createEgress({ allow: config.egressAllow });
  const { routes, worker } = createWebhooks({
    ...deps,
    egress,
    announce: () => signals.publish(WEBHOOKS_CHANGED),
    onTold: (message, details) => log.warn(details, message),
  });
  const unhear = signals.on(WEBHOOKS_CHANGED, () => worker.wake());
  return {
    routes,
    worker,
    start: () => worker.start(),
    stop: async () => {
      unhear();
      await worker.stop();
      egress.close();
    },
  };
}
