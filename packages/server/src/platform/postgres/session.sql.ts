import type { Client } from 'pg';
import { DATABASE } from './embedded.types.ts';

/** The advisory locks of a data directory, in database `postgres`: who serves from it, who uses it, who is leaving it. */
const LOCK_CLASS = 0x686f6c64;
const SERVING = 1;
const USING = 2;
const LEAVING = 3;
/** A stop takes 6 s, and ends who waits for it. One that takes longer is frozen. */
const LEAVING_WAIT_MS = 10_000;

/** The kernel closes the session of a process that is killed, so its locks never outlive it. */
export async function tryLockServing(client: Client): Promise<boolean> {
  return lock(client, 'SELECT pg_try_advisory_lock($1, $2) AS locked', SERVING);
}

export async function lockUsing(client: Client): Promise<void> {
  await client.query('SELECT pg_advisory_lock_shared($1, $2)', [LOCK_CLASS, USING]);
}

/** True when no other command uses the directory; one's own shared lock does not count. */
export async function tryLockAlone(client: Client): Promise<boolean> {
  return lock(client, 'SELECT pg_try_advisory_lock($1, $2) AS locked', USING);
}

/** Waits until nobody else is leaving: of two at once each would take the other for one who stays. */
export async function lockLeaving(client: Client): Promise<void> {
  await client.query(`SELECT set_config('lock_timeout', $1, false)`, [`${LEAVING_WAIT_MS}ms`]);
  await client.query('SELECT pg_advisory_lock($1, $2)', [LOCK_CLASS, LEAVING]);
}

/** Before the next one leaves: the end of a session frees its locks in no order. */
export async function unlockServingAndUsing(client: Client): Promise<void> {
  await client.query('SELECT pg_advisory_unlock($1, $2), pg_advisory_unlock_shared($1, $3)', [
    LOCK_CLASS,
    SERVING,
    USING,
  ]);
}

async function lock(client: Client, statement: string, key: number): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(statement, [LOCK_CLASS, key]);
  return rows[0]?.locked === true;
}

/** The name of the session that serves, which tells its process: "holdfast serve, pid 4711". */
export async function whoServes(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT a.application_name AS name
       FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.granted`,
    [LOCK_CLASS, SERVING],
  );
  return rows[0]?.name;
}

export async function dataDirectory(client: Client): Promise<string> {
  const { rows } = await client.query<{ path: string }>(`SELECT current_setting('data_directory') AS path`);
  return rows[0]?.path ?? '';
}

/** Its commit is durable, like any other. */
export async function ensureDatabase(client: Client): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
  if (rowCount !== 0) return;
  try {
    await client.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    // 42P04 and 23505: somebody else made it in the same moment.
    if (!(error instanceof Error && 'code' in error && (error.code === '42P04' || error.code === '23505'))) throw error;
  }
}
