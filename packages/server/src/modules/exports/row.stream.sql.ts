import { sql, type RawBuilder } from 'kysely';
import type { Database } from '../../platform/database/index.ts';

/** Rows of one round trip. */
const FETCH_ROWS = 2_000;

export interface StreamOptions {
  /** Told the instant of the rows, in milliseconds since the epoch. */
  onSnapshot?: (atMs: number) => void;
  /** When it is aborted, the statement that is under way is cancelled, and fails. */
  signal?: AbortSignal;
  /**
   * The query sums or sorts all it reads before its first row. PostgreSQL plans a cursor for its first tenth, and for 4 MB:
   * the plan of counts over 3,000,000 movements took 49 s by that, walking an index to save a sort, and 19 s by this.
   */
  isReport?: boolean;
}

/**
 * The rows of a query as they were when it began, however long the reader takes: a cursor on one snapshot. Neither side
 * holds more than one fetch of them.
 */
export async function* streamRows<Row>(
  database: Database,
  query: RawBuilder<Row>,
  { onSnapshot, signal, isReport = false }: StreamOptions = {},
): AsyncGenerator<Row[], void> {
  const tx = await database.kysely
    .startTransaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute();
  let letGo: (() => Promise<void>) | null = null;
  try {
    // The wait is the reader's: a pager that nobody scrolls, a slow line.
    const { rows: first } = await sql<{ at: number; pid: number }>`
      SELECT clock_timestamp() AS at, pg_backend_pid() AS pid, set_config('statement_timeout', '0', true),
        set_config('idle_in_transaction_session_timeout', '0', true), set_config('timezone', 'UTC', true)`.execute(tx);
    const { at, pid } = first[0] ?? { at: 0, pid: 0 };
    onSnapshot?.(at);
    if (signal !== undefined) letGo = cancelOnAbort(database, pid, signal);
    if (isReport) {
      await sql`
        SELECT set_config('cursor_tuple_fraction', '1', true), set_config('work_mem', '64MB', true)`.execute(tx);
    }
    await sql`DECLARE export_rows NO SCROLL CURSOR FOR ${query}`.execute(tx);
    for (;;) {
      const { rows } = await sql<Row>`FETCH ${sql.lit(FETCH_ROWS)} FROM export_rows`.execute(tx);
      if (rows.length > 0) yield rows;
      if (rows.length < FETCH_ROWS) return;
    }
  } finally {
    await letGo?.();
    await tx.rollback().execute();
  }
}

/**
 * Cancels what a session runs when the signal is aborted: a sort of millions of rows would go on for nobody.
 *
 * @returns ends that; once it is done, nothing of the session's next user is cancelled
 */
function cancelOnAbort(database: Database, pid: number, signal: AbortSignal): () => Promise<void> {
  let cancelling = Promise.resolve();
  const onAbort = (): void => {
    // Where nobody can be asked, the statement ends by itself.
    cancelling = cancelStatement(database, pid).catch(() => undefined);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  return async () => {
    signal.removeEventListener('abort', onAbort);
    await cancelling;
  };
}

/** With the rights of the one who connected: the serving role may not. */
async function cancelStatement(database: Database, pid: number): Promise<void> {
  const client = await database.openClient();
  try {
    await client.query('SELECT pg_cancel_backend($1)', [pid]);
  } finally {
    await client.end();
  }
}
