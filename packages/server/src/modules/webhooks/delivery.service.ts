import { onceOnly, type Work } from '../../engine/index.ts';
import { rfc3339OrNull, toRfc3339, type Clock } from '../../kernel/clock.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { newId } from '../../kernel/ids.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import type { StreamEvent } from '../events/index.ts';
import type { DeliveryQuery, DeliveryView, ReplayBody, StatusView } from './delivery.schema.ts';
import { countDeliveries, insertReplay, listDeliveries, type DeliveryRecord } from './delivery.sql.ts';
import { findProgress, noteReplay } from './progress.sql.ts';
import { eventsOfRange } from './replay.range.ts';
import { webhookProblems } from './webhook.problems.ts';
import type { Send } from './webhook.sender.ts';
import { getWebhook, lockTarget, type WebhookDeps } from './webhook.service.ts';
import { selectSecrets } from './webhook.sql.ts';
import { deliveryView } from './webhook.view.ts';

export interface DeliveryDeps extends WebhookDeps {
  send: Send;
  clock: Clock;
}

/** More may wait only because they came by themselves. */
const WAITING_MAX = 10_000;

/** @throws Problem `webhook_not_found`, `invalid_cursor` */
export async function pageOfDeliveries(
  database: Database,
  webhookId: string,
  query: DeliveryQuery,
): Promise<Page<DeliveryView>> {
  await getWebhook(database, webhookId);
  const { limit, cursor, status } = query;
  const list = { route: 'webhook-deliveries', webhookId, status };
  const rows = await listDeliveries(database.kysely, { webhookId, status }, { list, cursor, limit });
  return toPage(list, limit, rows, (row) => [row.id], deliveryView);
}

/** @throws Problem `webhook_not_found` */
export async function statusOf({ database, feed }: WebhookDeps, webhookId: string): Promise<StatusView> {
  await getWebhook(database, webhookId);
  const [progress, counts, head] = await Promise.all([
    findProgress(database.kysely, webhookId),
    countDeliveries(database.kysely, webhookId),
    feed.head(),
  ]);
  const position = progress?.position ?? 0;
  const { missed_from: from = null, missed_to: to = null } = progress ?? {};
  return {
    position,
    behind: Math.max(0, head - position),
    ...counts,
    circuit: (progress?.probe_at ?? null) === null ? 'closed' : 'open',
    failuresInRow: progress?.failures_in_row ?? 0,
    failingSince: rfc3339OrNull(progress?.failing_since ?? null),
    nextProbeAt: rfc3339OrNull(progress?.probe_at ?? null),
    missed: from === null || to === null ? null : { from, to },
  };
}

/**
 * Sends a `webhook.test` at once, also to a disabled endpoint, and answers what came of it. It counts for nothing else.
 *
 * @throws Problem `webhook_not_found`
 */
export async function testWebhook(deps: DeliveryDeps, id: string, meta: CommandMeta): Promise<Answer> {
  return onceOnly(deps.engine, meta, async () => {
    const { url } = await getWebhook(deps.database, id);
    const secrets = await selectSecrets(deps.database.kysely, id);
    const message = testMessage(id, deps.clock.now());
    const sent = await deps.send({ url, secrets: secrets.map(({ secret }) => secret) }, message);
    const body = { delivered: sent.result === 'delivered', messageId: message.id, ...sent.attempt };
    return () => Promise.resolve({ status: 200, body, journal: [] });
  });
}

function testMessage(webhookId: string, nowMs: number): { id: string; body: string } {
  const id = `test_${newId(nowMs)}`;
  const event = {
    specversion: '1.0',
    id,
    source: '/holdfast',
    type: 'webhook.test',
    subject: webhookId,
    time: toRfc3339(nowMs),
    datacontenttype: 'application/json',
    data: { webhookId },
  };
  return { id, body: JSON.stringify(event) };
}

/**
 * Has events sent again that the endpoint has had, or should have had; what it has not had yet comes by itself.
 *
 * @throws Problem `webhook_not_found`, `webhook_disabled`, `too_many_deliveries`, `position_gone`, `validation_failed`
 */
export async function replayEvents(
  deps: DeliveryDeps,
  id: string,
  { from, to }: ReplayBody,
  meta: CommandMeta,
): Promise<Answer> {
  const answer = await onceOnly(deps.engine, meta, async () => {
    const { events: types, topics } = await getWebhook(deps.database, id);
    const progress = await findProgress(deps.database.kysely, id);
    const events = await eventsOfRange(deps.feed, { from, to }, { types, topics }, progress?.position ?? 0);
    return replaying(id, events);
  });
  deps.changed();
  return answer;
}

function replaying(id: string, events: readonly StreamEvent[]): Work {
  return async (tx, now) => {
    const webhook = await lockTarget(tx, id);
    if (!webhook.enabled) {
      throw new Problem(webhookProblems.webhookDisabled, 'Nothing is sent to it. Enable it, then replay.');
    }
    const { pending } = await countDeliveries(tx, id);
    if (pending + events.length > WAITING_MAX) {
      throw new Problem(
        webhookProblems.tooManyDeliveries,
        `${pending} deliveries wait and the replay has ${events.length} more; together they may be ${WAITING_MAX}. Wait until some are through, or replay less.`,
      );
    }
    await insertReplay(
      tx,
      id,
      events.map((event) => replayed(event, now)),
    );
    await noteReplay(tx, id);
    const body = { events: events.length, from: events[0]?.position ?? null, to: events.at(-1)?.position ?? null };
    return { status: 202, body, journal: [{ kind: 'webhook.replayed', subject: id, data: body }] };
  };
}

function replayed(event: StreamEvent, nowMs: number): DeliveryRecord {
  const { position, type, subject, time, json } = event;
  return {
    id: newId(nowMs),
    position,
    type,
    subject,
    eventAt: time,
    isReplay: true,
    status: 'pending',
    attempts: 0,
    refusals: 0,
    history: [],
    body: json,
    firstAttemptAgoMs: null,
    nextAttemptInMs: null,
  };
}
