import { ConfigError } from '../platform/config/index.ts';
import { failureCode, isConnectionLost, NewerDatabaseError, toDatabaseProblem } from '../platform/database/index.ts';
import { BackupError, EmbeddedPostgresError } from '../platform/postgres/index.ts';
import { Problem } from '../kernel/problem.ts';

/** SQLSTATEs of a database that answers and will not have us: waiting does not help. */
const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'The database refused the password of DATABASE_URL',
  '28000': 'The database refused the user of DATABASE_URL',
  '3D000': 'The database that DATABASE_URL names does not exist; create it first',
  '42501': 'The user of the database may not do that: migrations need the owner of the schema (DATABASE_MIGRATE_URL)',
};

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Something else listens on this address already. Choose another port with --port, or stop it',
  EADDRNOTAVAIL: 'This machine does not have the address of HOST',
  EACCES: 'Permission denied',
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EISDIR: 'It is a directory',
  EEXIST: 'Something else is there already',
  EROFS: 'The disk can only be read',
  ENOSPC: 'No space is left on the device',
};

/** One paragraph for the person at the terminal; the stack only of what is a defect of ours. */
export function explainFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Problem) return wordsOf(error);
  if (isForPeople(error)) return error.message;
  const code = failureCode(error);
  const refusal = REFUSALS[code];
  if (refusal !== undefined) return `${refusal} (${messageOf(error)}).`;
  const isOfSystem = 'syscall' in error && !isDatabaseSocket(error);
  const known = SYSTEM_ERRORS[code];
  if (isOfSystem && known !== undefined) return `${known} (${messageOf(error)}).`;
  if (isConnectionLost(error)) return `The database cannot be reached (${messageOf(error)}).`;
  // Its disk is full, or others were in the way.
  if (toDatabaseProblem(error) !== null) return `The database could not do it (${messageOf(error)}).`;
  // The disk, the network or the limits of this machine: where in our code it was met says nothing of it.
  if (isOfSystem) return `${messageOf(error)}.`;
  return error.stack ?? messageOf(error);
}

function wordsOf({ detail, extensions }: Problem): string {
  const { errors } = extensions as { errors?: { path: string; message: string }[] };
  return errors === undefined ? detail : errors.map(({ path, message }) => `${path} ${message}.`).join(' ');
}

function isForPeople(error: Error): boolean {
  return (
    error instanceof ConfigError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof NewerDatabaseError ||
    error instanceof BackupError ||
    ['CommandRefused', 'RefusedToServe'].includes(error.name)
  );
}

function isDatabaseSocket(error: Error): boolean {
  return 'syscall' in error && error.syscall === 'connect';
}

/** Node says nothing in the message of an error for several addresses, and all in its parts. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
