import type { Scope } from './scope.ts';

/** A session of a person who signed in. One that has ended, or whose person may no longer sign in, is not found. */
export interface StoredSession {
  id: string;
  personId: string;
  name: string;
  scopes: readonly Scope[];
  /** Milliseconds since the epoch: when it ends, if it is not used before. */
  expiresAtMs: number;
}

/** Where sessions are kept. */
export interface SessionStore {
  /** By SHA-256 of the cookie's token. */
  findByHash(hash: Buffer): Promise<StoredSession | null>;
  /** Notes that a session was used, which puts off its end. At most once a minute and session. */
  touch(id: string): Promise<void>;
}
