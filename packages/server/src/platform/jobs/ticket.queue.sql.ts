import { sql, type Kysely, type Transaction } from 'kysely';
import type { Tables } from '../database/index.ts';
import { queueSchemaOf } from './queue.install.sql.ts';

/** The schema of the queue's tables, by the one that Holdfast is in. */
export async function queueSchema(db: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ schema: string | null }>`SELECT current_schema() AS schema`.execute(db);
  return queueSchemaOf(rows[0]?.schema ?? 'public');
}

export interface ReadyQueue {
  queue: string;
  priority: number;
  /** Tickets of the queue that somebody holds. */
  taken: number;
}

/**
 * Where a taker would find something. pg-boss has no question of this kind: its own workers ask each queue in turn. One
 * probe of its index (name, priority, …, start_after) for each queue and priority, however many wait.
 */
export async function readyQueues(
  tx: Transaction<Tables>,
  schema: string,
  queues: readonly string[],
): Promise<ReadyQueue[]> {
  const jobs = sql.table(`${schema}.job_common`);
  const { rows } = await sql<ReadyQueue>`
    SELECT q.name AS queue, p.priority, (
        SELECT count(*) FROM ${jobs} AS j WHERE j.name = q.name AND j.state = 'active' AND j.group_id IS NOT NULL
      ) AS taken
    FROM unnest(${queues}::text[]) AS q (name) CROSS JOIN (VALUES (3), (2), (1), (0)) AS p (priority)
    WHERE EXISTS (
      SELECT FROM ${jobs} AS j
      WHERE j.name = q.name AND j.priority = p.priority AND j.state < 'active' AND NOT j.blocked
        AND j.start_after <= clock_timestamp()
    )
    ORDER BY p.priority DESC, random()
  `.execute(tx);
  return rows;
}

/** Whether any of the queues has a ticket that may be taken. */
export async function hasReadyTicket(db: Kysely<Tables>, schema: string, queues: readonly string[]): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM unnest(${queues}::text[]) AS q (name)
    WHERE EXISTS (
      SELECT FROM ${sql.table(`${schema}.job_common`)} AS j
      WHERE j.name = q.name AND j.state < 'active' AND NOT j.blocked AND j.start_after <= clock_timestamp()
    ) LIMIT 1
  `.execute(db);
  return rows.length > 0;
}

/** Whether a ticket waits to be taken; false where somebody has it, and where there is none. */
export async function isTicketFree(
  tx: Transaction<Tables>,
  schema: string,
  { queue, id }: { queue: string; id: string },
): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM ${sql.table(`${schema}.job_common`)} AS j
    WHERE j.name = ${queue} AND j.id = ${id}::uuid AND j.state < 'active'
  `.execute(tx);
  return rows.length > 0;
}
