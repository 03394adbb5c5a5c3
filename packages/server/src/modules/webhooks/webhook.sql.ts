import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Tables, WebhookTable } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';

export type Webhook = Selectable<WebhookTable>;
export type DisabledReason = NonNullable<Webhook['disabled_reason']>;

/** What a caller may set, and why it is disabled if it is. */
export interface WebhookFields {
  url: string;
  events: readonly string[];
  topics: readonly string[];
  disabledReason: DisabledReason | null;
}

export async function insertWebhook(
  tx: Transaction<Tables>,
  id: string,
  fields: WebhookFields,
  nowMs: number,
): Promise<Webhook> {
  const now = toRfc3339(nowMs);
  return tx
    .insertInto('webhook')
    .values({ id, ...toColumns(fields), created_at: now, updated_at: now })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function updateWebhook(
  tx: Transaction<Tables>,
  id: string,
  fields: WebhookFields,
  nowMs: number,
): Promise<Webhook> {
  return tx
    .updateTable('webhook')
    .set({ ...toColumns(fields), version: sql<number>`version + 1`, updated_at: toRfc3339(nowMs) })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Its progress first: whoever writes deliveries locks in this order, too. */
export async function deleteWebhook(tx: Transaction<Tables>, id: string): Promise<void> {
  await tx.deleteFrom('webhook_progress').where('webhook_id', '=', id).execute();
  await tx.deleteFrom('webhook').where('id', '=', id).execute();
}

export async function findWebhook(db: Kysely<Tables>, id: string): Promise<Webhook | undefined> {
  return db.selectFrom('webhook').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function selectDisabled(db: Kysely<Tables>): Promise<string[]> {
  const rows = await db.selectFrom('webhook').select('id').where('enabled', '=', false).execute();
  return rows.map(({ id }) => id);
}

/** Locked against changes, not against deliveries, which refer to it. */
export async function lockWebhook(tx: Transaction<Tables>, id: string): Promise<Webhook | undefined> {
  return tx.selectFrom('webhook').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst();
}

/** Makers of webhooks follow one another: together they would pass the bound. */
export async function lockAndCountWebhooks(tx: Transaction<Tables>): Promise<number> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('holdfast webhooks', 0))`.execute(tx);
  const { count } = await tx
    .selectFrom('webhook')
    .select((row) => row.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Ids are UUIDv7 of the database's time: their order is the order in which webhooks were made. */
export function webhookOrder(descending: boolean): ListOrder {
  return { columns: [{ ref: 'webhook.id', kind: 'uuid' }], descending };
}

/** One page of webhooks and one row more. */
export async function listWebhooks(
  db: Kysely<Tables>,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<Webhook[]> {
  return db
    .selectFrom('webhook')
    .selectAll()
    .where(rowsAfter(order, page.list, page.cursor))
    .orderBy(inOrder(order))
    .limit(page.limit + 1)
    .execute();
}

export async function insertSecret(
  tx: Transaction<Tables>,
  secret: { id: string; webhookId: string; secret: Buffer },
  nowMs: number,
): Promise<void> {
  await tx
    .insertInto('webhook_secret')
    .values({ id: secret.id, webhook_id: secret.webhookId, secret: secret.secret, created_at: toRfc3339(nowMs) })
    .execute();
}

/** The lasting secret retires then; those that have retired, and the oldest of too many, go. */
export async function retireSecrets(
  tx: Transaction<Tables>,
  webhookId: string,
  when: { nowMs: number; retiresAtMs: number; keepMax: number },
): Promise<void> {
  await tx
    .updateTable('webhook_secret')
    .set({ retires_at: toRfc3339(when.retiresAtMs) })
    .where('webhook_id', '=', webhookId)
    .where('retires_at', 'is', null)
    .execute();
  await sql`
    DELETE FROM webhook_secret
    WHERE webhook_id = ${webhookId} AND (
      retires_at <= ${toRfc3339(when.nowMs)}::timestamptz
      OR id NOT IN (
        SELECT id FROM webhook_secret WHERE webhook_id = ${webhookId} ORDER BY id DESC LIMIT ${when.keepMax}))
  `.execute(tx);
}

/** Those that sign now, the lasting one first. */
export async function selectSecrets(
  db: Kysely<Tables>,
  webhookId: string,
): Promise<{ secret: Buffer; retiresInMs: number | null }[]> {
  const { rows } = await sql<{ secret: Buffer; retiresInMs: number | null }>`
    SELECT secret, (extract(epoch FROM retires_at - clock_timestamp()) * 1000)::float8 AS "retiresInMs"
    FROM webhook_secret
    WHERE webhook_id = ${webhookId} AND coalesce(retires_at > clock_timestamp(), true)
    ORDER BY retires_at DESC NULLS FIRST
  `.execute(db);
  return rows;
}

function toColumns({ url, events, topics, disabledReason }: WebhookFields) {
  return {
    url,
    events: [...events],
    topics: [...topics],
    enabled: disabledReason === null,
    disabled_reason: disabledReason,
  };
}
