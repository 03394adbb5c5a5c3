import { clusterTag } from './socket.directory.ts';

const MIB = 1 << 20;

export interface SettingsInput {
  pgdata: string;
  socketDirectory: string;
  /** What this machine, or container, may use. */
  memoryBytes: number;
  /** The user's own, which win. */
  extra: Record<string, string>;
}

/** The name that every PostgreSQL process of this directory carries in its title. */
export function clusterName(pgdata: string): string {
  return `holdfast-${clusterTag(pgdata)}`;
}

/**
 * The text of holdfast.conf. fsync, full_page_writes and synchronous_commit stay at PostgreSQL's defaults: on.
 * Everything here exists in PostgreSQL 15.
 */
export function renderSettings(input: SettingsInput): string {
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: quoteListItem(input.socketDirectory),
    unix_socket_permissions: '0700',
    cluster_name: clusterName(input.pgdata),
    max_connections: '100',
    shared_buffers: `${sharedBuffersMib(input.memoryBytes)}MB`,
    huge_pages: 'try',
    // Partitions of the ledger are locked one by one.
    max_locks_per_transaction: '128',
    // Checkpoints are rare, so that the full images of pages that follow each are rare too; what recovery has to read
    // after a crash is bounded by the same two.
    max_wal_size: '4GB',
    min_wal_size: '256MB',
    checkpoint_timeout: '15min',
    checkpoint_completion_target: '0.9',
    wal_buffers: '16MB',
    // The embedded build has no lz4, and pglz takes longer over a page than the disk does.
    wal_compression: 'off',
    // A batch locks in one order, so a deadlock is rare, and is to be found at once.
    deadlock_timeout: '200ms',
    // A query whose client was killed ends, and with it its locks.
    client_connection_check_interval: '2s',
    // Short statements on few rows: compiling never pays.
    jit: 'off',
    random_page_cost: '1.1',
    // Levels are updated in place all day, and cleaned in passing: nearly every update stays on its page.
    autovacuum_naptime: '30s',
    autovacuum_vacuum_scale_factor: '0.1',
    autovacuum_vacuum_cost_limit: '2000',
    track_io_timing: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] ',
    // Every refused statement is reported to its client; thousands of them a second belong in no log.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    ...input.extra,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${checkName(name)} = ${quoteValue(value)}`);
  return ['# Written anew by Holdfast at each start. Your own settings: ALTER SYSTEM.', ...lines, ''].join('\n');
}

/** A quarter of a small machine, 256 MB on any other: levels, lines and their indexes of a busy shop fit. */
function sharedBuffersMib(memoryBytes: number): number {
  return Math.max(32, Math.min(256, Math.floor(memoryBytes / 4 / MIB)));
}

function checkName(name: string): string {
  if (/^[a-z_][a-z0-9_.]*$/i.test(name)) return name;
  throw new RangeError(`Not the name of a PostgreSQL setting: ${JSON.stringify(name)}`);
}

/** PostgreSQL's own string form: quotes and backslashes doubled. */
function quoteValue(value: string): string {
  if (/[\0\r\n]/.test(value)) throw new RangeError('A PostgreSQL setting cannot hold a line break');
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** A path within a list setting, where blanks and commas would divide it. */
function quoteListItem(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}
