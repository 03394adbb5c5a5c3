import { CompiledQuery, type Transaction } from 'kysely';
import pg from 'pg';
import type { Db } from 'pg-boss';
import type { Database, Tables } from '../database/index.ts';

// How pg-boss reaches the database: over our sessions, which have the serving role.

/** What pg-boss does by itself. */
export function onPool({ pool }: Database): Db {
  // Its own reading of types: ours gives times as numbers.
  const executeSql = async (text: string, values?: unknown[]): Promise<{ rows: unknown[] }> => {
    const answer = (await pool.query({ text, values: values ?? [], types: pg.types })) as RowsOf;
    return { rows: Array.isArray(answer) ? (answer as RowsOf[]).flatMap(({ rows }) => rows) : answer.rows };
  };
  return { executeSql };
}

/** What it does for a caller, as a part of the caller's transaction. */
export function inTransaction(tx: Transaction<Tables>): Db {
  const executeSql = async (text: string, values?: unknown[]): Promise<{ rows: unknown[] }> => {
    const { rows } = await tx.executeQuery(CompiledQuery.raw(text, values ?? []));
    return { rows };
  };
  return { executeSql };
}

/** Of one statement; node-postgres gives several for a script. */
interface RowsOf {
  rows: unknown[];
}
