import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { textArray, type Tables, type WebhookDeliveryTable } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';
import type { AttemptView, DeliveryStatus } from './delivery.schema.ts';
import type { Lease } from './progress.sql.ts';

/** A delivery as its endpoint's holder knows it. Intervals are counted from now. */
export interface DeliveryRecord {
  id: string;
  position: number;
  type: string;
  subject: string;
  /** RFC 3339. */
  eventAt: string;
  isReplay: boolean;
  status: DeliveryStatus;
  attempts: number;
  refusals: number;
  history: readonly AttemptView[];
  /** The event; null where it is not needed. */
  body: string | null;
  /** null before the first attempt. */
  firstAttemptAgoMs: number | null;
  /** null: as soon as its turn comes. */
  nextAttemptInMs: number | null;
}

/** What a holder knows of its endpoint, to be kept with its deliveries. */
export interface Settled {
  position: number;
  failuresInRow: number;
  failingForMs: number | null;
  probeInMs: number | null;
  /** With their bodies. */
  added: readonly DeliveryRecord[];
  /** Stored before; their bodies are left as they are. */
  changed: readonly DeliveryRecord[];
}

/**
 * Of bodies, in one statement: all that may wait would be more than PostgreSQL, or a string, can hold, and a statement
 * has ten seconds. (Eight megabytes took four on a machine that was busy with twenty other things.)
 */
export const WRITTEN_AT_ONCE_CHARS = 2_000_000;

/**
 * Writes deliveries as they stand, and how far the endpoint has come, in one statement and under the holder's fence; the
 * lease is renewed by the way. A repeat of the same records changes nothing.
 *
 * @returns false where the lease is another's now: then nothing was written
 */
export async function settleDeliveries(
  db: Kysely<Tables>,
  { webhookId, fence }: Lease,
  settled: Settled,
  leaseMs: number,
): Promise<boolean> {
  const { position, failuresInRow, failingForMs, probeInMs, added, changed } = settled;
  const { rows } = await sql<{ held: boolean }>`
    WITH held AS (
      UPDATE webhook_progress
      SET position = greatest(position, ${position}::bigint), failures_in_row = ${failuresInRow},
        failing_since = clock_timestamp() - ${failingForMs}::float8 * interval '1 ms',
        probe_at = clock_timestamp() + ${probeInMs}::float8 * interval '1 ms',
        lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
      WHERE webhook_id = ${webhookId} AND fence = ${fence}
      RETURNING webhook_id
    ), added AS (
      INSERT INTO webhook_delivery (id, webhook_id, position, type, subject, event_at, is_replay, status, attempts,
        refusals, history, body, created_at, first_attempt_at, next_attempt_at, finished_at)
      SELECT r.id, held.webhook_id, r.position, r.type, r.subject, r."eventAt", r."isReplay", r.status, r.attempts,
        r.refusals, r.history, r.body, clock_timestamp(), ${FIRST_ATTEMPT_AT}, ${NEXT_ATTEMPT_AT}, ${FINISHED_AT}
      FROM held, ${recordSet(added)}
      ON CONFLICT (id) DO UPDATE SET status = excluded.status, attempts = excluded.attempts,
        refusals = excluded.refusals, history = excluded.history, body = excluded.body,
        first_attempt_at = excluded.first_attempt_at, next_attempt_at = excluded.next_attempt_at,
        finished_at = excluded.finished_at
    ), changed AS (
      UPDATE webhook_delivery d
      SET status = r.status, attempts = r.attempts, refusals = r.refusals, history = r.history,
        body = CASE WHEN r.status = 'delivered' THEN NULL ELSE d.body END,
        first_attempt_at = coalesce(d.first_attempt_at, ${FIRST_ATTEMPT_AT}), next_attempt_at = ${NEXT_ATTEMPT_AT},
        finished_at = ${FINISHED_AT}
      FROM held, ${recordSet(changed)}
      WHERE d.id = r.id AND d.webhook_id = held.webhook_id
    )
    SELECT EXISTS (SELECT FROM held) AS held
  `.execute(db);
  return rows[0]?.held === true;
}

const FIRST_ATTEMPT_AT = sql`clock_timestamp() - r."firstAttemptAgoMs" * interval '1 ms'`;
const NEXT_ATTEMPT_AT = sql`clock_timestamp() + r."nextAttemptInMs" * interval '1 ms'`;
const FINISHED_AT = sql`CASE WHEN r.status <> 'pending' THEN clock_timestamp() END`;

/** Deliveries that a replay asks for. */
export async function insertReplay(
  tx: Transaction<Tables>,
  webhookId: string,
  records: readonly DeliveryRecord[],
): Promise<void> {
  for (const some of inParts(records)) {
    await sql`
      INSERT INTO webhook_delivery (id, webhook_id, position, type, subject, event_at, is_replay, status, attempts,
        refusals, history, body, created_at)
      SELECT r.id, ${webhookId}, r.position, r.type, r.subject, r."eventAt", true, 'pending', 0, 0, '[]', r.body,
        clock_timestamp()
      FROM ${recordSet(some)}
    `.execute(tx);
  }
}

/** One text holds no more than a statement should carry. */
function inParts(records: readonly DeliveryRecord[]): DeliveryRecord[][] {
  const parts: DeliveryRecord[][] = [];
  let chars = WRITTEN_AT_ONCE_CHARS;
  for (const record of records) {
    if (chars >= WRITTEN_AT_ONCE_CHARS) {
      parts.push([]);
      chars = 0;
    }
    parts.at(-1)?.push(record);
    chars += record.body?.length ?? 0;
  }
  return parts;
}

/** One JSON text for all columns of all rows. */
function recordSet(records: readonly DeliveryRecord[]) {
  return sql`jsonb_to_recordset(${JSON.stringify(records)}::jsonb) AS r (id uuid, position bigint, type text,
    subject text, "eventAt" timestamptz, "isReplay" boolean, status text, attempts integer, refusals integer,
    history jsonb, body text, "firstAttemptAgoMs" float8, "nextAttemptInMs" float8)`;
}

/** All that waits for an endpoint, in the order of the stream, without the bodies. */
export async function selectPending(
  db: Kysely<Tables>,
  webhookId: string,
  max: number,
): Promise<Omit<DeliveryRecord, 'body' | 'status'>[]> {
  const { rows } = await sql<Omit<DeliveryRecord, 'body' | 'status'>>`
    SELECT id, position, type, subject, to_char(event_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "eventAt",
      is_replay AS "isReplay", attempts, refusals, history,
      (extract(epoch FROM clock_timestamp() - first_attempt_at) * 1000)::float8 AS "firstAttemptAgoMs",
      (extract(epoch FROM next_attempt_at - clock_timestamp()) * 1000)::float8 AS "nextAttemptInMs"
    FROM webhook_delivery
    WHERE webhook_id = ${webhookId} AND status = 'pending'
    ORDER BY position, id LIMIT ${max}
  `.execute(db);
  return rows;
}

/** The first of these bodies: those that follow on so many bytes are left for later. */
export async function selectBodies(
  db: Kysely<Tables>,
  ids: readonly string[],
  bytes: number,
): Promise<Map<string, string>> {
  const { rows } = await sql<{ id: string; body: string | null }>`
    SELECT id, body FROM (
      SELECT d.id, d.body,
        sum(octet_length(d.body)) OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM unnest(${textArray([...ids])}::uuid[]) WITH ORDINALITY AS wanted (id, place)
      JOIN webhook_delivery d ON d.id = wanted.id
    ) AS sized
    WHERE coalesce(before, 0) < ${bytes}::bigint
  `.execute(db);
  return new Map(rows.map(({ id, body }) => [id, body ?? '']));
}

/** Drops what waits, without a trace of delivery. */
export async function dropPending(tx: Transaction<Tables>, webhookId: string): Promise<void> {
  await tx.deleteFrom('webhook_delivery').where('webhook_id', '=', webhookId).where('status', '=', 'pending').execute();
}

export async function countDeliveries(
  db: Kysely<Tables>,
  webhookId: string,
): Promise<{ pending: number; setAside: number }> {
  const { rows } = await sql<{ pending: number; setAside: number }>`
    SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
      count(*) FILTER (WHERE status <> 'pending') AS "setAside"
    FROM webhook_delivery WHERE webhook_id = ${webhookId} AND status IN ('pending', 'set_aside', 'failed')
  `.execute(db);
  return rows[0] ?? { pending: 0, setAside: 0 };
}

export interface Kept {
  /** Delivered ones, beside the newest that are kept by number. */
  deliveredMs: number;
  deliveredMax: number;
  othersMs: number;
}

/** Forgets old entries of the log, up to `max` of them. */
export async function pruneDeliveries(db: Kysely<Tables>, webhookId: string, kept: Kept, max: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    WITH gone AS (
      DELETE FROM webhook_delivery WHERE id IN (
        (SELECT id FROM webhook_delivery
         WHERE webhook_id = ${webhookId} AND status = 'delivered' AND id <= (
           SELECT id FROM webhook_delivery WHERE webhook_id = ${webhookId} AND status = 'delivered'
           ORDER BY id DESC OFFSET ${kept.deliveredMax} LIMIT 1)
         LIMIT ${max})
        UNION ALL
        (SELECT id FROM webhook_delivery
         WHERE webhook_id = ${webhookId} AND status = 'delivered'
           AND finished_at < clock_timestamp() - ${kept.deliveredMs} * interval '1 ms'
         ORDER BY id LIMIT ${max})
        UNION ALL
        (SELECT id FROM webhook_delivery
         WHERE webhook_id = ${webhookId} AND status IN ('set_aside', 'failed')
           AND finished_at < clock_timestamp() - ${kept.othersMs} * interval '1 ms'
         LIMIT ${max}))
      RETURNING 1)
    SELECT count(*) AS count FROM gone
  `.execute(db);
  return rows[0]?.count ?? 0;
}

export type Delivery = Selectable<WebhookDeliveryTable>;

export const NEWEST_FIRST: ListOrder = { columns: [{ ref: 'webhook_delivery.id', kind: 'uuid' }], descending: true };

/** One page of deliveries and one row more. */
export async function listDeliveries(
  db: Kysely<Tables>,
  filter: { webhookId: string; status?: DeliveryStatus | undefined },
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<Omit<Delivery, 'body'>[]> {
  let query = db
    .selectFrom('webhook_delivery')
    .select(['id', 'webhook_id', 'position', 'type', 'subject', 'event_at', 'is_replay', 'status', 'attempts'])
    .select(['refusals', 'history', 'created_at', 'first_attempt_at', 'next_attempt_at', 'finished_at'])
    .where('webhook_id', '=', filter.webhookId)
    .where(rowsAfter(NEWEST_FIRST, page.list, page.cursor));
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  return query
    .orderBy(inOrder(NEWEST_FIRST))
    .limit(page.limit + 1)
    .execute();
}
