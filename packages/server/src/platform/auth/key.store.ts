import type { Scope } from './scope.ts';

/** A key as it is kept. One that was revoked is not found. */
export interface StoredKey {
  id: string;
  scopes: readonly Scope[];
  /** Milliseconds since the epoch. */
  expiresAtMs: number | null;
}

/** Where keys are kept. */
export interface KeyStore {
  /** By SHA-256 of the key; null when there is none, or it was revoked. */
  findByHash(hash: Buffer): Promise<StoredKey | null>;
  /** Whether a key or a person was ever made: revoked ones count, or revoking the last one would open the server. */
  anyExists(): Promise<boolean>;
  /** Notes that a key was used. At most once a minute and key. */
  touch(id: string, whenMs: number): Promise<void>;
}
