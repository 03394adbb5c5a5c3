import { sql, type Transaction } from 'kysely';
import type { Database, Tables } from '../../platform/database/index.ts';

/** A snapshot of everything that was committed when its first statement ran. */
export type Snapshot = Transaction<Tables>;

/** Product keys, `from` included, `to` not. */
export interface KeyRange {
  from: number;
  to: number;
}

/** How far each table reached when the check began: what comes later is the next run's. */
export interface Extent {
  products: number;
  lastProductId: number;
  /** Milliseconds since the epoch: the first and the last ledger entry; null where there is none. */
  firstAt: number | null;
  lastAt: number | null;
  firstJournalId: number | null;
  lastJournalId: number | null;
  lastReservationId: string | null;
  lastTransferId: string | null;
}

/**
 * Runs the work on one snapshot that cannot write. Short ones, one after another: a snapshot that stayed open for the
 * whole check would keep vacuum from the tables that the server is writing.
 */
export async function onSnapshot<Value>(database: Database, work: (tx: Snapshot) => Promise<Value>): Promise<Value> {
  return database.kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      // A level's whole history is one step of the check, however long it is. A step's rows fit into the memory: on
      // disk, it took a third longer.
      await sql`
        SELECT set_config('statement_timeout', '0', true), set_config('work_mem', '64MB', true),
          set_config('timezone', 'UTC', true)`.execute(tx);
      return work(tx);
    });
}

export async function readExtent(tx: Snapshot): Promise<Extent> {
  const { rows } = await sql<Extent>`
    SELECT (SELECT count(*) FROM product) AS products,
      (SELECT coalesce(max(id), 0) FROM product) AS "lastProductId",
      (SELECT min(at) FROM ledger_entry) AS "firstAt", (SELECT max(at) FROM ledger_entry) AS "lastAt",
      (SELECT min(id) FROM journal_entry) AS "firstJournalId", (SELECT max(id) FROM journal_entry) AS "lastJournalId",
      (SELECT id FROM reservation ORDER BY id DESC LIMIT 1) AS "lastReservationId",
      (SELECT id FROM transfer ORDER BY id DESC LIMIT 1) AS "lastTransferId"`.execute(tx);
  return only(rows);
}

/** The row of a statement that always has one, or the first of those that all carry the same totals. */
export function only<Row>(rows: Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('a statement that always has a row gave none');
  return row;
}
