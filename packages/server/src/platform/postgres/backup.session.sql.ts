import pg from 'pg';
import type { EmbeddedPostgres } from './embedded.types.ts';

/** A session in which a backup is made: its end gives everything back. */
export interface BackupSession {
  pgdata: string;
  /** Such as "18.4". */
  version: string;
  systemId: string;
  startLsn: string;
  /** Ends backup mode; only then it is known which of the log is needed. */
  stop(): Promise<BackupEnd>;
  end(): Promise<void>;
}

export interface BackupEnd {
  stopLsn: string;
  /** The content of the file backup_label. */
  label: string;
  /** The first and the last segment of the log that the backup needs. */
  firstSegment: string;
  lastSegment: string;
}

const LABEL = 'holdfast backup';

/**
 * Enters backup mode (PostgreSQL's manual, "Making an Exclusive … Low Level API"): from here on the data directory may be
 * copied while it is written to. A temporary slot keeps the log that is written meanwhile.
 */
export async function startBackup({ connection }: Pick<EmbeddedPostgres, 'connection'>): Promise<BackupSession> {
  const client = new pg.Client({ ...connection, application_name: 'holdfast backup' });
  client.on('error', () => undefined);
  await client.connect();
  const one = async (text: string, values: unknown[] = []): Promise<Record<string, string>> => {
    const { rows } = await client.query<Record<string, string>>(text, values);
    if (rows[0] === undefined) throw new Error('PostgreSQL answered nothing');
    return rows[0];
  };
  try {
    const about = await one(`SELECT current_setting('data_directory') AS pgdata, pg_backend_pid()::text AS pid,
      current_setting('server_version') AS version, (SELECT system_identifier::text FROM pg_control_system()) AS "systemId"`);
    await one('SELECT pg_create_physical_replication_slot($1, true, true)::text AS slot', [
      `holdfast_backup_${about['pid']}`,
    ]);
    // A checkpoint at once: by itself it would be spread over minutes.
    const { lsn: startLsn = '' } = await one('SELECT pg_backup_start($1, true)::text AS lsn', [LABEL]);
    return {
      pgdata: about['pgdata'] ?? '',
      version: about['version'] ?? '',
      systemId: about['systemId'] ?? '',
      startLsn,
      stop: async () => {
        const { lsn: stopLsn = '', label = '' } = await one(
          'SELECT lsn::text AS lsn, labelfile AS label FROM pg_backup_stop(false)',
        );
        // The byte before it: versions differ in the segment of an address that is the first of one.
        const { first: firstSegment = '', last: lastSegment = '' } = await one(
          'SELECT pg_walfile_name($1::pg_lsn) AS first, pg_walfile_name($2::pg_lsn - 1) AS last',
          [startLsn, stopLsn],
        );
        return { stopLsn, label, firstSegment, lastSegment };
      },
      end: () => client.end(),
    };
  } catch (error) {
    await client.end();
    throw error;
  }
}
