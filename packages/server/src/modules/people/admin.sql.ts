import { sql, type Kysely, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Tables } from '../../platform/database/index.ts';

const ADMINS_LOCK = 4_100_004;

/**
 * Whoever makes the first admin, or takes one away, goes alone: of two admins who remove one another the second waits, and
 * finds that he is the last one; of two who would be the first, the second finds the first.
 */
export async function lockAdmins(tx: Transaction<Tables>): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(ADMINS_LOCK)})`.execute(tx);
}

/** Revoked keys and removed people count: the server does not open again. */
export async function anyoneExists(db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    SELECT EXISTS (SELECT FROM api_key) OR EXISTS (SELECT FROM person) AS found
  `.execute(db);
  return rows[0]?.found === true;
}

/** Keys and people that have admin now, as actors. Taken after `lockAdmins`. */
export async function liveAdmins(tx: Transaction<Tables>, nowMs: number): Promise<string[]> {
  const { rows } = await sql<{ actor: string }>`
    SELECT 'key:' || id AS actor FROM api_key
    WHERE 'admin' = ANY(scopes) AND revoked_at IS NULL
      AND coalesce(expires_at > ${toRfc3339(nowMs)}::timestamptz, true)
    UNION ALL
    SELECT 'user:' || id FROM person
    WHERE 'admin' = ANY(scopes) AND disabled_at IS NULL AND removed_at IS NULL
  `.execute(tx);
  return rows.map(({ actor }) => actor);
}

/** Whether this actor is, or was, a person of ours: `user:` alone may be the subject of a token. */
export async function isOurPerson(tx: Transaction<Tables>, actor: string): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    SELECT EXISTS (SELECT FROM person WHERE 'user:' || id = ${actor}) AS found
  `.execute(tx);
  return rows[0]?.found === true;
}
