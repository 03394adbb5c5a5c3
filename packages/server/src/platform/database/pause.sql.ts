import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

/** Since when this installation does nothing by itself towards others, and why. */
export interface Pause {
  sinceMs: number;
  because: string;
}

/** Part of whatever takes work that others would notice: webhooks to send to, jobs that are due, runs to do. */
export const IS_PAUSED = sql<boolean>`EXISTS (SELECT FROM installation WHERE paused_at IS NOT NULL)`;

/** Null where it is not paused. */
export async function readPause(db: Kysely<Tables>): Promise<Pause | null> {
  const { rows } = await sql<{ since: number | null; because: string | null }>`
    SELECT paused_at AS since, paused_because AS because FROM installation`.execute(db);
  const { since = null, because = null } = rows[0] ?? {};
  return since === null || because === null ? null : { sinceMs: since, because };
}

/** One that is paused already stays so since then, and for that reason. */
export async function pause(db: Kysely<Tables>, because: string): Promise<void> {
  await sql`
    UPDATE installation SET paused_at = clock_timestamp(), paused_because = ${because} WHERE paused_at IS NULL
  `.execute(db);
}

export async function resume(db: Kysely<Tables>): Promise<void> {
  await sql`UPDATE installation SET paused_at = NULL, paused_because = NULL`.execute(db);
}
