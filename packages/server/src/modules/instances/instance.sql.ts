import { sql, type Kysely, type Selectable } from 'kysely';
import type { InstanceTable, Tables } from '../../platform/database/index.ts';

export type InstanceRow = Selectable<InstanceTable>;

/** What an instance says of itself. */
export interface InstanceFacts {
  id: string;
  /** Where it listens, such as http://127.0.0.1:8080 */
  address: string | null;
  host: string;
  pid: number;
  version: string;
  signals: string;
}

/** Lists hold no more: a fleet that large is looked at elsewhere. */
const LISTED_MAX = 200;

/** By the database's clock, so that instances with wrong ones agree on who is there. */
export async function sayHere(db: Kysely<Tables>, facts: InstanceFacts): Promise<void> {
  await sql`
    INSERT INTO instance (id, address, host, pid, version, signals, started_at, seen_at)
    VALUES (${facts.id}, ${facts.address}, ${facts.host}, ${facts.pid}, ${facts.version}, ${facts.signals},
      clock_timestamp(), clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET address = excluded.address, signals = excluded.signals,
      seen_at = greatest(instance.seen_at, excluded.seen_at)`.execute(db);
}

export async function sayGone(db: Kysely<Tables>, id: string): Promise<void> {
  await sql`DELETE FROM instance WHERE id = ${id}`.execute(db);
}

/** Those that have said nothing for so long will not come back: a new start has a new id. */
export async function forgetLost(db: Kysely<Tables>, silentMs: number): Promise<void> {
  await sql`DELETE FROM instance WHERE seen_at < clock_timestamp() - ${`${silentMs} ms`}::interval`.execute(db);
}

export interface SeenInstance extends InstanceRow {
  /** How long ago it said that it is there. */
  silentMs: number;
}

/** The oldest first. */
export async function listInstances(db: Kysely<Tables>): Promise<SeenInstance[]> {
  const { rows } = await sql<SeenInstance>`
    SELECT id, address, host, pid, version, signals, started_at, seen_at,
      greatest(0, extract(epoch FROM clock_timestamp() - seen_at) * 1000)::bigint AS "silentMs"
    FROM instance ORDER BY started_at, id LIMIT ${sql.lit(LISTED_MAX)}`.execute(db);
  return rows;
}

/**
 * A name that all instances of this installation know and no other has, for what they share outside the database. A copy
 * of the database in the same cluster has another one.
 */
export async function readInstallationName(db: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    SELECT id || '.' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS name
    FROM installation`.execute(db);
  return rows[0]?.name ?? 'unnamed';
}

/**
 * The same, in this life of the database: after a restore or a failover it is another one, in which positions of the
 * stream may mean other things.
 */
export async function readInstallationLife(db: Kysely<Tables>): Promise<string> {
  const name = await readInstallationName(db);
  const { rows } = await sql<{ origin: string | null }>`SELECT event_stream_origin() AS origin`.execute(db);
  return `${name}.${(rows[0]?.origin ?? 'unknown').replaceAll(' ', '.')}`;
}
