/** What can keep the embedded PostgreSQL from serving. */
export type EmbeddedPostgresErrorCode =
  /** another Holdfast serves from this directory, or a PostgreSQL out of our sight has it open */
  | 'data_directory_in_use'
  /** the directory holds something else, belongs to someone else, or cannot be entered */
  | 'data_directory_unusable'
  /** the data was written by another major version than any PostgreSQL found here */
  | 'version_mismatch'
  /** no PostgreSQL that runs here */
  | 'no_binaries'
  /** we are root, and there is no account that PostgreSQL could run as */
  | 'no_unprivileged_user'
  /** no directory with a path short enough for a Unix socket */
  | 'socket_path_too_long'
  /** a PostgreSQL has the directory open and does not answer */
  | 'not_answering'
  /** PostgreSQL gave up; the message holds the end of its log */
  | 'start_failed'
  /** stop() was called while it was starting */
  | 'stopped';

/** The message is for the person at the terminal: what is wrong, and what to do. */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EmbeddedPostgresError';
    this.code = code;
  }
}

/** The way out that is always open. */
export const USE_YOUR_OWN = 'set DATABASE_URL to a PostgreSQL (15 or later) of your own';

/** The errno name of a failed system call ("ENOENT"), or '' for any other error. */
export function errnoOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
