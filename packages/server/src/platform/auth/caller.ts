import type { IncomingMessage } from 'node:http';
import { expandScopes, type Scope } from './scope.ts';

/** The session in which a person calls. */
export interface CallerSession {
  readonly id: string;
  readonly personId: string;
  /** The person's. */
  readonly name: string;
  /** Milliseconds since the epoch: when it ends, if it is not used before. */
  readonly expiresAtMs: number;
}

/** Who is asking. */
export interface Caller {
  /** As ledger and journal show it: `key:<id>`, `user:<sub>` or `user:<person's id>`, or `open`. */
  readonly actor: string;
  /** Whose idempotency keys these are. */
  readonly owner: string;
  /** Implied ones included. */
  readonly scopes: ReadonlySet<Scope>;
  /** Of a person who signed in; neither keys nor tokens have one. */
  readonly session?: CallerSession;
}

/**
 * Answers at once when the credentials are known, or with a promise when they must be looked up.
 *
 * @throws Problem `unauthorized`, `forbidden` or `validation_failed`, either way
 */
export type Authenticate = (request: IncomingMessage) => Caller | Promise<Caller>;

/** On routes that need no key. */
export const ANONYMOUS: Caller = { actor: 'anonymous', owner: 'anonymous', scopes: expandScopes([]) };

/** Until a first key or person exists. */
export const OPEN: Caller = { actor: 'open', owner: 'open', scopes: expandScopes(['admin']) };
