import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import {
  IS_PAUSED,
  numberArray,
  textArray,
  type Tables,
  type WebhookProgressTable,
} from '../../platform/database/index.ts';

/** One holder's right to send and to write for one endpoint. */
export interface Lease {
  webhookId: string;
  fence: number;
}

/** What every instance looks at again and again: all endpoints that are enabled; none while all is paused. */
export interface Survey {
  id: string;
  version: number;
  replays: number;
  fence: number;
  /** Nobody holds it, by the database's clock. */
  isFree: boolean;
}

/** Ended, or of before the database's clock was set back: nobody renews a lease for so long. */
const IS_FREE = sql`coalesce(p.lease_until NOT BETWEEN clock_timestamp() AND clock_timestamp() + interval '1 minute', true)`;

export async function surveyEndpoints(db: Kysely<Tables>): Promise<{ nowMs: number; endpoints: Survey[] }> {
  const { rows } = await sql<{ now_ms: number; endpoints: Survey[] }>`
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
      coalesce((
        SELECT jsonb_agg(jsonb_build_object('id', w.id, 'version', w.version, 'replays', p.replays, 'fence', p.fence,
          'isFree', ${IS_FREE}))
        FROM webhook w JOIN webhook_progress p ON p.webhook_id = w.id
        WHERE w.enabled AND NOT ${IS_PAUSED}), '[]') AS endpoints
  `.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the database told no time');
  return { nowMs: row.now_ms, endpoints: row.endpoints };
}

/** Takes up to `max` free endpoints. Instances that do so at once take different ones. */
export async function takeLeases(
  db: Kysely<Tables>,
  { holder, max, leaseMs }: { holder: string; max: number; leaseMs: number },
): Promise<Lease[]> {
  const { rows } = await sql<Lease>`
    UPDATE webhook_progress
    SET lease_holder = ${holder}, fence = fence + 1, lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
    WHERE webhook_id IN (
      SELECT p.webhook_id
      FROM webhook_progress p JOIN webhook w ON w.id = p.webhook_id
      WHERE w.enabled AND ${IS_FREE} AND NOT ${IS_PAUSED}
      LIMIT ${max} FOR UPDATE OF p SKIP LOCKED)
    RETURNING webhook_id AS "webhookId", fence
  `.execute(db);
  return rows;
}

/**
 * Holds on to endpoints, and notes how far each has come.
 *
 * @returns the ids of those that are still held
 */
export async function renewLeases(
  db: Kysely<Tables>,
  leases: readonly (Lease & { position: number })[],
  leaseMs: number,
): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    UPDATE webhook_progress p
    SET lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms', position = greatest(p.position, l.position)
    FROM unnest(${textArray(leases.map(({ webhookId }) => webhookId))}::uuid[],
      ${numberArray(leases.map(({ fence }) => fence))}::bigint[],
      ${numberArray(leases.map(({ position }) => position))}::bigint[]) AS l (id, fence, position)
    WHERE p.webhook_id = l.id AND p.fence = l.fence
    RETURNING p.webhook_id AS id
  `.execute(db);
  return new Set(rows.map(({ id }) => id));
}

export async function releaseLease(db: Kysely<Tables>, { webhookId, fence }: Lease): Promise<void> {
  await sql`
    UPDATE webhook_progress SET lease_holder = NULL, lease_until = NULL
    WHERE webhook_id = ${webhookId} AND fence = ${fence}
  `.execute(db);
}

/** Where an endpoint stands. Intervals, not instants: whoever reads them counts on by a clock of its own. */
export interface Progress {
  position: number;
  replays: number;
  fence: number;
  failuresInRow: number;
  failingForMs: number | null;
  probeInMs: number | null;
}

export async function selectProgress(db: Kysely<Tables>, webhookId: string): Promise<Progress | undefined> {
  const { rows } = await sql<Progress>`
    SELECT position, replays, fence, failures_in_row AS "failuresInRow",
      (extract(epoch FROM clock_timestamp() - failing_since) * 1000)::float8 AS "failingForMs",
      (extract(epoch FROM probe_at - clock_timestamp()) * 1000)::float8 AS "probeInMs"
    FROM webhook_progress WHERE webhook_id = ${webhookId}
  `.execute(db);
  return rows[0];
}

export async function findProgress(
  db: Kysely<Tables>,
  webhookId: string,
): Promise<Selectable<WebhookProgressTable> | undefined> {
  return db.selectFrom('webhook_progress').selectAll().where('webhook_id', '=', webhookId).executeTakeFirst();
}

export async function insertProgress(tx: Transaction<Tables>, webhookId: string, position: number): Promise<void> {
  await tx
    .insertInto('webhook_progress')
    .values({ webhook_id: webhookId, position, lease_holder: null, missed_from: null, missed_to: null })
    .execute();
}

/**
 * Starts an endpoint anew: its failures are forgotten, what waits has three days again, and its holder, if any, loses
 * its lease, so that what it still writes does not undo this.
 *
 * @param position where it goes on; absent: where it stands
 */
export async function resetProgress(tx: Transaction<Tables>, webhookId: string, position?: number): Promise<void> {
  await sql`
    UPDATE webhook_progress
    SET position = coalesce(${position ?? null}::bigint, position), failures_in_row = 0, failing_since = NULL,
      probe_at = NULL, fence = fence + 1, lease_holder = NULL, lease_until = NULL
    WHERE webhook_id = ${webhookId}
  `.execute(tx);
  await sql`
    UPDATE webhook_delivery SET next_attempt_at = NULL, first_attempt_at = clock_timestamp(), refusals = 0
    WHERE webhook_id = ${webhookId} AND status = 'pending' AND attempts > 0
  `.execute(tx);
}

/** Tells the endpoint's holder to look for new deliveries. */
export async function noteReplay(tx: Transaction<Tables>, webhookId: string): Promise<void> {
  await sql`UPDATE webhook_progress SET replays = replays + 1 WHERE webhook_id = ${webhookId}`.execute(tx);
}

/** A stretch of the stream was gone before it was told. */
export async function skipForgotten(
  db: Kysely<Tables>,
  { webhookId, fence }: Lease,
  stretch: { from: number; to: number },
): Promise<void> {
  await sql`
    UPDATE webhook_progress
    SET position = greatest(position, ${stretch.to}::bigint), missed_from = ${stretch.from}, missed_to = ${stretch.to}
    WHERE webhook_id = ${webhookId} AND fence = ${fence}
  `.execute(db);
}
