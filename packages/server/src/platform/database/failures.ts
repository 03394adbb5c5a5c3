import { Problem, problems } from '../../kernel/problem.ts';

/** The SQLSTATE of a database error, or the system's code of a connection error. */
export function failureCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

const LOST_CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EACCES',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '25P03', // idle_in_transaction_session_timeout
  '53300', // too_many_connections
  '25006', // read_only_sql_transaction: a primary that became a replica
]);

/** node-postgres gives no code to these. */
const LOST_MESSAGES =
  /Connection terminated|connection error|timeout exceeded when trying to connect|Client was closed|Connection ended|not queryable|timeout expired/i;

/** Whether the connection is gone, or the server cannot take one: nothing that the statement itself did. */
export function isConnectionLost(error: unknown): boolean {
  const code = failureCode(error);
  if (LOST_CONNECTION.has(code) || code.startsWith('08')) return true;
  return error instanceof Error && code === '' && LOST_MESSAGES.test(error.message);
}

/** Two transactions met; the same work may be tried again as it is. */
export function isConflict(error: unknown): boolean {
  const code = failureCode(error);
  // serialization_failure, deadlock_detected, unique_violation (two makers of one row)
  return code === '40001' || code === '40P01' || code === '23505';
}

/** lock_not_available: lock_timeout passed. */
export function isLockTimeout(error: unknown): boolean {
  return failureCode(error) === '55P03';
}

/** insufficient_resources, such as a disk that is full, and system_error. */
function isOutOfMeans(error: unknown): boolean {
  return /^(?:53|58)/.test(failureCode(error));
}

/** Turns what a caller can do something about into a problem; null for defects of ours. */
export function toDatabaseProblem(error: unknown): Problem | null {
  if (isConnectionLost(error)) {
    return new Problem(problems.databaseUnavailable, 'The database is away. Nothing was changed; try again shortly.');
  }
  if (isOutOfMeans(error)) {
    const detail =
      'The database has run out of disk or memory, or its disk fails. Nothing was changed; try again later.';
    return new Problem(problems.databaseUnavailable, detail);
  }
  if (isLockTimeout(error) || isConflict(error) || failureCode(error) === '57014') {
    return new Problem(problems.levelBusy, 'Another writer holds these rows. Nothing was changed; try again shortly.');
  }
  return null;
}
