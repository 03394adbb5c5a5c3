import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from 'kysely';
import type { Engine } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { newId } from '../../kernel/ids.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { refuseOtherVersion, type IfMatch } from '../../kernel/if.match.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database, Tables } from '../../platform/database/index.ts';
import type { Egress } from '../../platform/egress/index.ts';
import { etagOf } from '../../platform/http/index.ts';
import { dropPending } from './delivery.sql.ts';
import type { EventSource } from './stream.reader.ts';
import { insertProgress, resetProgress } from './progress.sql.ts';
import { webhookProblems } from './webhook.problems.ts';
import type { EnableBody, NewWebhookBody, WebhookPatchBody, WebhookQuery, WebhookView } from './webhook.schema.ts';
import { generateSecret, secretText } from './webhook.secret.ts';
import {
  deleteWebhook,
  findWebhook,
  insertSecret,
  insertWebhook,
  listWebhooks,
  lockAndCountWebhooks,
  lockWebhook,
  retireSecrets,
  updateWebhook,
  webhookOrder,
  type DisabledReason,
  type Webhook,
  type WebhookFields,
} from './webhook.sql.ts';
import { webhookView } from './webhook.view.ts';

export interface WebhookDeps {
  engine: Engine;
  database: Database;
  feed: EventSource;
  egress: Egress;
  /** Tells whoever delivers that something was changed. */
  changed: () => void;
}

/** What one names, and the version that it must still have. */
export interface Target {
  id: string;
  ifMatch: IfMatch;
}

/** Each may always have a request under way: together they must not be too many for one instance. */
const WEBHOOKS_MAX = 200;
const OVERLAP_MS = 86_400_000;
/** The lasting secret, and those it replaced within the overlap. */
const SECRETS_MAX = 4;

/** @throws Problem `validation_failed`, `forbidden_target`, `too_many_webhooks` */
export async function createWebhook(deps: WebhookDeps, body: NewWebhookBody, meta: CommandMeta): Promise<Answer> {
  await deps.egress.checkTarget(body.url);
  // From now on: what is committed while the webhook is made may be among it.
  const position = await deps.feed.now();
  const fields: WebhookFields = {
    url: body.url,
    events: body.events,
    topics: body.topics ?? [],
    disabledReason: body.enabled === false ? 'request' : null,
  };
  return announced(deps, () =>
    deps.engine.transact(meta, async (tx, now) => {
      if ((await lockAndCountWebhooks(tx)) >= WEBHOOKS_MAX) {
        throw new Problem(webhookProblems.tooManyWebhooks, `There may be ${WEBHOOKS_MAX}. Delete one first.`);
      }
      const webhook = webhookView(await insertWebhook(tx, newId(now), fields, now));
      await insertProgress(tx, webhook.id, position);
      const secret = generateSecret();
      await insertSecret(tx, { id: newId(now), webhookId: webhook.id, secret }, now);
      return {
        status: 201,
        body: { ...webhook, secret: secretText(secret) },
        secret: ['secret'],
        headers: { location: `/api/v1/webhooks/${webhook.id}`, etag: etagOf(webhook.version) },
        journal: [{ kind: 'webhook.created', subject: webhook.id, data: webhook }],
      };
    }),
  );
}

/**
 * A patch that changes nothing is answered with the webhook as it is, and leaves no trace.
 *
 * @throws Problem `webhook_not_found`, `precondition_failed`, `validation_failed`, `forbidden_target`
 */
export async function patchWebhook(
  deps: WebhookDeps,
  target: Target,
  patch: WebhookPatchBody,
  meta: CommandMeta,
): Promise<Answer> {
  if (patch.url !== undefined) await deps.egress.checkTarget(patch.url);
  return announced(deps, () =>
    deps.engine.transact(meta, async (tx, now) => {
      const before = expected(await lockWebhook(tx, target.id), target);
      const enabled = patch.enabled ?? before.enabled;
      const fields: WebhookFields = {
        url: patch.url ?? before.url,
        events: patch.events ?? before.events,
        topics: patch.topics === undefined ? before.topics : (patch.topics ?? []),
        disabledReason: enabled ? null : (before.disabled_reason ?? 'request'),
      };
      if (isDeepStrictEqual(fields, fieldsOf(before, before.disabled_reason))) return answerWith(before, []);
      // Somewhere else, or wanted again: what failed before says nothing of it.
      const isAnew = fields.url !== before.url || (enabled && !before.enabled);
      if (isAnew) await resetProgress(tx, before.id);
      return changedAnswer(await updateWebhook(tx, before.id, fields, now), kindOf(before.enabled, enabled));
    }),
  );
}

/** @throws Problem `webhook_not_found`, `precondition_failed` */
export async function enableWebhook(
  deps: WebhookDeps,
  target: Target,
  { from = 'stopped' }: EnableBody,
  meta: CommandMeta,
): Promise<Answer> {
  const head = from === 'now' ? await deps.feed.now() : undefined;
  return announced(deps, () =>
    deps.engine.transact(meta, async (tx, now) => {
      const before = expected(await lockWebhook(tx, target.id), target);
      await resetProgress(tx, before.id, head);
      if (head !== undefined) await dropPending(tx, before.id);
      return changedAnswer(await updateWebhook(tx, before.id, fieldsOf(before, null), now), 'webhook.enabled');
    }),
  );
}

/** @throws Problem `webhook_not_found`, `precondition_failed` */
export async function removeWebhook(deps: WebhookDeps, target: Target, meta: CommandMeta): Promise<Answer> {
  return announced(deps, () =>
    deps.engine.transact(meta, async (tx) => {
      const before = expected(await lockWebhook(tx, target.id), target);
      await deleteWebhook(tx, before.id);
      return {
        status: 204,
        body: null,
        journal: [{ kind: 'webhook.deleted', subject: before.id, data: webhookView(before) }],
      };
    }),
  );
}

/** @throws Problem `webhook_not_found`, `precondition_failed` */
export async function rotateSecret(deps: WebhookDeps, target: Target, meta: CommandMeta): Promise<Answer> {
  return announced(deps, () =>
    deps.engine.transact(meta, async (tx, now) => {
      const before = expected(await lockWebhook(tx, target.id), target);
      const retiresAtMs = now + OVERLAP_MS;
      await retireSecrets(tx, before.id, { nowMs: now, retiresAtMs, keepMax: SECRETS_MAX - 1 });
      const secret = generateSecret();
      await insertSecret(tx, { id: newId(now), webhookId: before.id, secret }, now);
      const webhook = webhookView(await updateWebhook(tx, before.id, fieldsOf(before, before.disabled_reason), now));
      return {
        status: 200,
        body: { ...webhook, secret: secretText(secret), previousSecretUntil: toRfc3339(retiresAtMs) },
        secret: ['secret'],
        headers: { etag: etagOf(webhook.version) },
        journal: [{ kind: 'webhook.secret_rotated', subject: webhook.id, data: webhook }],
      };
    }),
  );
}

const SYSTEM: CommandMeta = { actor: 'system:webhooks', requestId: '', idempotency: null };

/**
 * The worker gives an endpoint up. One that is disabled already, or gone, stays so; so does one that was changed since:
 * it may be another by now.
 */
export async function disableWebhook(
  engine: Engine,
  { id, version }: { id: string; version: number },
  reason: Exclude<DisabledReason, 'request'>,
): Promise<void> {
  await engine.transact(SYSTEM, async (tx, now) => {
    const before = await lockWebhook(tx, id);
    if (before?.enabled !== true || before.version !== version) return { status: 204, body: null, journal: [] };
    return changedAnswer(await updateWebhook(tx, id, fieldsOf(before, reason), now), 'webhook.disabled');
  });
}

/** @throws Problem `webhook_not_found` */
export async function getWebhook({ kysely }: Pick<Database, 'kysely'>, id: string): Promise<WebhookView> {
  return webhookView(expected(await findWebhook(kysely, id), { id, ifMatch: null }));
}

/** @throws Problem `invalid_cursor` */
export async function pageOfWebhooks(database: Database, query: WebhookQuery): Promise<Page<WebhookView>> {
  const { limit, cursor, sort = '-createdAt' } = query;
  const list = { route: 'webhooks', sort };
  const rows = await listWebhooks(database.kysely, webhookOrder(sort === '-createdAt'), { list, cursor, limit });
  return toPage(list, limit, rows, (row) => [row.id], webhookView);
}

/** @throws Problem `webhook_not_found` */
export async function lockTarget(tx: Transaction<Tables>, id: string): Promise<Webhook> {
  return expected(await lockWebhook(tx, id), { id, ifMatch: null });
}

/** Told also when nobody knows whether it was committed. */
async function announced(deps: WebhookDeps, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } finally {
    deps.changed();
  }
}

function expected(row: Webhook | undefined, { id, ifMatch }: Target): Webhook {
  if (row === undefined) throw new Problem(webhookProblems.webhookNotFound, `No webhook has the id ${id}.`);
  refuseOtherVersion(row.version, ifMatch);
  return row;
}

function fieldsOf({ url, events, topics }: Webhook, disabledReason: DisabledReason | null): WebhookFields {
  return { url, events, topics, disabledReason };
}

function kindOf(was: boolean, is: boolean): string {
  if (was === is) return 'webhook.updated';
  return is ? 'webhook.enabled' : 'webhook.disabled';
}

function changedAnswer(row: Webhook, kind: string) {
  return answerWith(row, [kind]);
}

/** @param kinds of what there is to journal */
function answerWith(row: Webhook, kinds: readonly string[]) {
  const webhook = webhookView(row);
  return {
    status: 200,
    body: webhook,
    headers: { etag: etagOf(webhook.version) },
    journal: kinds.map((kind) => ({ kind, subject: webhook.id, data: webhook })),
  };
}
