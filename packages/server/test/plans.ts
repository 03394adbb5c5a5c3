import { Kysely, PostgresDialect, type CompiledQuery } from 'kysely';
import type { Database, Tables } from '../src/platform/database/index.ts';

/** How the database answers the last statement of a reading: EXPLAIN's words, with the rows that it looked at. */
export async function planOf(database: Database, read: (kysely: Kysely<Tables>) => Promise<unknown>): Promise<string> {
  const seen: CompiledQuery[] = [];
  const dialect = new PostgresDialect({ pool: database.pool });
  await read(new Kysely<Tables>({ dialect, log: ({ query }) => void seen.push(query) }));
  const last = seen.at(-1);
  if (last === undefined) throw new Error('nothing was asked of the database');
  const explain = `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) ${last.sql}`;
  const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(explain, [...last.parameters]);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}
