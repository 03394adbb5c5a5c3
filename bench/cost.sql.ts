import type { Database } from '../packages/server/src/platform/database/index.ts';

/** What PostgreSQL itself counts of its work, since its start. */
export interface DatabaseWork {
  walBytes: number;
  /** Whole pages in the WAL: the first change of each page after a checkpoint. */
  fullPages: number;
  walSyncs: number;
  /** What the sessions call themselves. */
  names: { pid: number; name: string }[];
}

export async function readDatabaseWork({ pool }: Database): Promise<DatabaseWork> {
  const { rows } = await pool.query<DatabaseWork>(`
    SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS "walBytes", wal_fpi AS "fullPages",
      (SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal') AS "walSyncs",
      (SELECT json_agg(json_build_object('pid', pid, 'name', application_name)) FROM pg_stat_activity
        WHERE application_name <> '') AS names
    FROM pg_stat_wal
  `);
  const [work] = rows;
  if (work === undefined) throw new Error('PostgreSQL counts nothing');
  return work;
}
