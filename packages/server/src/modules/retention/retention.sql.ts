import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Tables } from '../../platform/database/index.ts';

/** What can be forgotten. Ids of its table are UUIDv7 of when a row was made, which is before it was over. */
export interface Kind {
  table: 'alert' | 'person_session' | 'webhook_delivery';
  /** Of the rows as `item`: since when they are over; null while they are not. */
  overSince: RawBuilder<number | null>;
}

export const RESOLVED_ALERTS: Kind = { table: 'alert', overSince: sql`item.resolved_at` };

export const ENDED_SESSIONS: Kind = {
  table: 'person_session',
  overSince: sql`least(item.ended_at, item.idle_ends_at, item.ends_at)`,
};

export const FINISHED_DELIVERIES: Kind = { table: 'webhook_delivery', overSince: sql`item.finished_at` };

/** A stretch of a table in the order of its ids. */
export interface Stretch {
  /** Behind this id; null: from the first. */
  after: string | null;
  /** Below this id: no row from there on is old enough. */
  below: string;
  /** Rows that were over before this instant, in milliseconds since the epoch, are due. */
  overBeforeMs: number;
  /** How many rows are looked at. */
  most: number;
}

export interface Looked {
  due: number;
  /** How many rows were looked at, and the last of them. */
  looked: number;
  last: string | null;
}

/**
 * Forgets what is due in a stretch. It goes by the primary key, so that the work of one statement is bounded however few
 * rows are due and no index has to be kept for it; a row that somebody else has locked is left for the next time.
 */
export async function forgetDue(db: Kysely<Tables>, kind: Kind, stretch: Stretch): Promise<Looked> {
  const table = sql.table(kind.table);
  return look(
    db,
    sql`WITH looked AS (${rowsOf(kind, stretch)}), due AS (
        SELECT item.id FROM ${table} item JOIN looked USING (id) WHERE ${isDue(kind, stretch)} FOR UPDATE OF item SKIP LOCKED
      ), gone AS (DELETE FROM ${table} item USING due WHERE item.id = due.id RETURNING item.id)
      ${summary(sql`gone`)}`,
  );
}

/** Counts what is due in a stretch. */
export async function countDue(db: Kysely<Tables>, kind: Kind, stretch: Stretch): Promise<Looked> {
  const due = sql`SELECT item.id FROM ${sql.table(kind.table)} item JOIN looked USING (id) WHERE ${isDue(kind, stretch)}`;
  return look(db, sql`WITH looked AS (${rowsOf(kind, stretch)}), due AS (${due}) ${summary(sql`due`)}`);
}

function rowsOf({ table }: Kind, { after, below, most }: Stretch): RawBuilder<unknown> {
  const behind = after === null ? sql`` : sql`id > ${after}::uuid AND`;
  return sql`SELECT id FROM ${sql.table(table)} WHERE ${behind} id < ${below}::uuid ORDER BY id LIMIT ${most}`;
}

function isDue({ overSince }: Kind, { overBeforeMs }: Stretch): RawBuilder<SqlBool> {
  return sql`${overSince} < ${toRfc3339(overBeforeMs)}::timestamptz`;
}

function summary(counted: RawBuilder<unknown>): RawBuilder<Looked> {
  return sql`SELECT (SELECT count(*) FROM ${counted}) AS due, (SELECT count(*) FROM looked) AS looked,
    (SELECT id FROM looked ORDER BY id DESC LIMIT 1) AS last`;
}

async function look(db: Kysely<Tables>, statement: RawBuilder<unknown>): Promise<Looked> {
  const { rows } = await (statement as RawBuilder<Looked>).execute(db);
  return rows[0] ?? { due: 0, looked: 0, last: null };
}

/** The database's clock, in milliseconds since the epoch. */
export async function readClock(db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ now: number }>`SELECT clock_timestamp() AS now`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the database told no time');
  return row.now;
}
