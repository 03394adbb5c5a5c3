import type pg from 'pg';

/** Asks what `isPooled` needs to know. */
export const WHO_SERVES = 'SELECT pg_backend_pid() AS pid';

type Served = pg.QueryResult<{ pid: number }> | undefined;

/** Whether a pooler such as PgBouncer is in between: it tells its clients of a process that is not the server's. */
export function isPooled(client: pg.ClientBase, answer: Served): boolean {
  const { processID } = client as unknown as { processID: number | null };
  return answer?.rows[0]?.pid !== processID;
}

/**
 * Sees to it that a session is right behind a pooler, which may give each transaction another server process: a
 * statement that was prepared in one is not there in the next, or is another program's of the same name. So there
 * statements are sent without names, and parsed each time.
 *
 * @param answer to WHO_SERVES
 */
export function copeWithPooler(client: pg.ClientBase, answer: Served): void {
  if (!isPooled(client, answer)) return;
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  Object.assign(client, { query: (statement: unknown, ...rest: unknown[]) => query(withoutName(statement), ...rest) });
}

function withoutName(statement: unknown): unknown {
  if (typeof statement !== 'object' || statement === null || !('name' in statement)) return statement;
  const { name: _name, ...rest } = statement;
  return rest;
}

/** The same, asked of a session of one's own. */
export async function isBehindPooler(session: pg.ClientBase): Promise<boolean> {
  return isPooled(session, await session.query<{ pid: number }>(WHO_SERVES));
}
