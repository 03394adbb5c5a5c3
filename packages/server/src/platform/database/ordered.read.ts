import type { CompiledQuery } from 'kysely';
import type { PoolClient } from 'pg';
import type { Database } from './database.ts';

/**
 * Runs one query that reads an index in the order of its answer and stops after a page. The planner knows neither how
 * uneven our data is nor that pages are short: with 300,000 entries at one level it took them all and sorted them
 * (180 ms) where one step of the key does (3 ms). So sorting is made dear for the query; a query that must sort a page
 * still does.
 *
 * @param timeoutMs after which PostgreSQL cancels it, SQLSTATE 57014
 */
export async function readInOrder<Row>(
  database: Database,
  query: CompiledQuery<Row>,
  timeoutMs: number,
): Promise<Row[]> {
  const client = await database.pool.connect();
  try {
    // One simple query. SET LOCAL ends with the transaction, so that no pooled session keeps it.
    await client.query(
      `BEGIN READ ONLY; SET LOCAL enable_sort = off; SET LOCAL max_parallel_workers_per_gather = 0;
       SET LOCAL statement_timeout = ${Math.max(1, Math.round(timeoutMs))}`,
    );
    const { rows } = await client.query<Row & object>(query.sql, [...query.parameters]);
    await client.query('COMMIT');
    client.release();
    return rows;
  } catch (error) {
    await giveBack(client);
    throw error;
  }
}

/** A session that cannot even roll back is closed. */
async function giveBack(client: PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}
