import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../kernel/clock.ts';
import type { Problem } from '../../kernel/problem.ts';
import type { Logger } from '../log/index.ts';
import { credentialsInvalid, credentialsMissing, sessionEnded } from './auth.problems.ts';
import { OPEN, type Caller } from './caller.ts';
import { CredentialCache } from './credential.cache.ts';
import { keysAsCredentials, sessionsAsCredentials } from './credential.stores.ts';
import { readCredential } from './credentials.ts';
import type { KeyStore } from './key.store.ts';
import { assertFromThisMachine } from './open.mode.ts';
import { assertOwnPage } from './own.origin.ts';
import { readSessionToken } from './session.cookie.ts';
import type { SessionStore } from './session.store.ts';
import { looksLikeToken, tokenExpiryOf, TokenVerifier, type JwtConfig } from './token.verifier.ts';

/** How long an open server may go on without asking whether another instance made a key or a person. */
const OPEN_FOR_MS = 1_000;
const TELL_EVERY_MS = 10_000;

export interface AuthOptions {
  keys: KeyStore;
  /** Without one nobody signs in: cookies are passed by. */
  sessions?: SessionStore;
  /** Tokens of people, where the operator has an identity provider: then the server is never open. */
  jwt: JwtConfig | null;
  clock: Clock;
  log: Logger;
  /** Told of each change that was made here, so that the other instances can be told. */
  onChanged?: () => void;
}

/** Decides who is asking. One per process: it remembers keys, sessions and tokens for as long as API.md allows. */
export class Authenticator {
  readonly #keys: CredentialCache;
  readonly #sessions: CredentialCache | null;
  readonly #store: KeyStore;
  readonly #tokens: TokenVerifier | null;
  readonly #clock: Clock;
  readonly #onChanged: () => void;
  /** Until when the server is known to be open; once closed it never opens again. */
  #openUntilMs = 0;
  #closed: boolean;
  #asking: Promise<boolean> | null = null;

  constructor({ keys, sessions, jwt, clock, log, onChanged = () => undefined }: AuthOptions) {
    this.#keys = new CredentialCache(keysAsCredentials(keys), clock, log);
    this.#sessions = sessions === undefined ? null : new CredentialCache(sessionsAsCredentials(sessions), clock, log);
    this.#store = keys;
    this.#clock = clock;
    this.#tokens = jwt === null ? null : new TokenVerifier(jwt, clock, this.#tellSometimes(log));
    this.#onChanged = onChanged;
    this.#closed = jwt !== null;
  }

  /** A key or a token counts more than a cookie, which a browser adds without being asked. */
  readonly authenticate = (request: IncomingMessage): Caller | Promise<Caller> => {
    const credential = readCredential(request);
    if (credential === null) return this.#byCookie(request);
    if (this.#tokens !== null && looksLikeToken(credential)) return this.#tokens.verify(credential);
    const found = this.#keys.find(credential);
    return found instanceof Promise ? found.then(orRefuse) : orRefuse(found);
  };

  /** A key was made: the server is open no longer, and what was an unknown key may be this one. */
  keyCreated(): void {
    this.#closed = true;
    this.#keys.forgetUnknown();
    this.#onChanged();
  }

  /** A key was revoked or changed: it counts from the next request on. */
  keyChanged(id: string): void {
    this.#keys.forget((found) => found.id === id);
    this.#onChanged();
  }

  /** A person was made: the server is open no longer. */
  personCreated(): void {
    this.#closed = true;
    this.#onChanged();
  }

  /** What a person may do has changed, or sessions of theirs have ended: it counts from the next request on. */
  personChanged(id: string): void {
    this.#sessions?.forget(({ caller }) => caller.session?.personId === id);
    this.#onChanged();
  }

  /** Another instance hints that keys or people have changed: who comes next is looked up, and so is whether it is open. */
  reconsider(): void {
    this.#openUntilMs = 0;
    for (const credentials of [this.#keys, this.#sessions]) {
      credentials?.forget(() => true);
      credentials?.forgetUnknown();
    }
  }

  /** Whether nobody needs a key yet. */
  async isOpen(): Promise<boolean> {
    if (this.#closed) return false;
    if (this.#clock.monotonic() < this.#openUntilMs) return true;
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  #byCookie(request: IncomingMessage): Caller | Promise<Caller> {
    const token = this.#sessions === null ? null : readSessionToken(request);
    if (token === null || this.#sessions === null) return this.#withoutCredential(request, credentialsMissing);
    const found = this.#sessions.find(token);
    if (found instanceof Promise) return found.then((caller) => this.#inSession(request, caller));
    return this.#inSession(request, found);
  }

  /** A cookie that is left of an earlier installation does not keep anybody out of an open server. */
  #inSession(request: IncomingMessage, caller: Caller | null): Caller | Promise<Caller> {
    if (caller === null) return this.#withoutCredential(request, sessionEnded);
    assertOwnPage(request);
    return caller;
  }

  #withoutCredential(request: IncomingMessage, refusal: () => Problem): Caller | Promise<Caller> {
    if (this.#closed) throw refusal();
    if (this.#clock.monotonic() < this.#openUntilMs) return openCaller(request);
    return this.isOpen().then((open) => {
      if (!open) throw refusal();
      return openCaller(request);
    });
  }

  /** Why tokens cannot be checked. Each of them would say so. */
  #tellSometimes(log: Logger): (error: unknown) => void {
    let toldMs = -Infinity;
    return (error) => {
      const nowMs = this.#clock.monotonic();
      if (nowMs - toldMs < TELL_EVERY_MS) return;
      toldMs = nowMs;
      log.warn({ err: error }, 'tokens cannot be checked: the keys at HOLDFAST_JWKS_URL cannot be used');
    };
  }

  async #ask(): Promise<boolean> {
    const askedAtMs = this.#clock.monotonic();
    if (await this.#store.anyExists()) this.#closed = true;
    else this.#openUntilMs = askedAtMs + OPEN_FOR_MS;
    return !this.#closed;
  }
}

/** When the token that a request carries ends, in milliseconds since the epoch. It was verified: nothing is checked. */
export function tokenExpiryIn(request: IncomingMessage): number | null {
  const token = readCredential(request);
  return token === null ? null : tokenExpiryOf(token);
}

function orRefuse(caller: Caller | null): Caller {
  if (caller === null) {
    throw credentialsInvalid('The API key is not valid: it may have been revoked or have expired.');
  }
  return caller;
}

function openCaller(request: IncomingMessage): Caller {
  assertFromThisMachine(request);
  return OPEN;
}
