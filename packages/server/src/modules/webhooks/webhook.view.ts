import { rfc3339OrNull, toRfc3339 } from '../../kernel/clock.ts';
import type { AttemptView, DeliveryView } from './delivery.schema.ts';
import type { Delivery } from './delivery.sql.ts';
import { messageIdOf } from './endpoint.runner.ts';
import type { WebhookView } from './webhook.schema.ts';
import type { Webhook } from './webhook.sql.ts';

export function webhookView(row: Webhook): WebhookView {
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    topics: row.topics,
    enabled: row.enabled,
    disabledReason: row.disabled_reason,
    version: row.version,
    createdAt: toRfc3339(row.created_at),
    updatedAt: toRfc3339(row.updated_at),
  };
}

export function deliveryView(row: Omit<Delivery, 'body'>): DeliveryView {
  return {
    id: row.id,
    messageId: messageIdOf(row.position),
    position: row.position,
    type: row.type,
    subject: row.subject,
    eventAt: toRfc3339(row.event_at),
    replay: row.is_replay,
    status: row.status,
    attemptCount: row.attempts,
    // Written as such by the sender alone.
    attempts: row.history as AttemptView[],
    nextAttemptAt: rfc3339OrNull(row.next_attempt_at),
    createdAt: toRfc3339(row.created_at),
    finishedAt: rfc3339OrNull(row.finished_at),
  };
}
