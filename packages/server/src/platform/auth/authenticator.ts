import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../log/index.ts';
import { credentialsMissing } from './auth.problems.ts';
import { OPEN, type Caller } from './caller.ts';
import { readCredential } from './credentials.ts';
import { KeyCache } from './key.cache.ts';
import type { KeyStore } from './key.store.ts';
import { assertFromThisMachine } from './open.mode.ts';
import { looksLikeToken, TokenVerifier, type JwtConfig } from './token.verifier.ts';

/** How long an open server may go on without asking whether another instance made a key. */
const OPEN_FOR_MS = 1_000;

export interface AuthOptions {
  keys: KeyStore;
  /** Tokens of people, where the operator has an identity provider: then the server is never open. */
  jwt: JwtConfig | null;
  clock: Clock;
  log: Logger;
}

/** Decides who is asking. One per process: it remembers keys and tokens for as long as API.md allows. */
export class Authenticator {
  readonly #keys: KeyCache;
  readonly #store: KeyStore;
  readonly #tokens: TokenVerifier | null;
  readonly #clock: Clock;
  /** Until when the server is known to be open; once closed it never opens again. */
  #openUntilMs = 0;
  #closed: boolean;
  #asking: Promise<boolean> | null = null;

  constructor({ keys, jwt, clock, log }: AuthOptions) {
    this.#keys = new KeyCache(keys, clock, log);
    this.#store = keys;
    this.#tokens = jwt === null ? null : new TokenVerifier(jwt, clock);
    this.#clock = clock;
    this.#closed = jwt !== null;
  }

  readonly authenticate = (request: IncomingMessage): Caller | Promise<Caller> => {
    const credential = readCredential(request);
    if (credential === null) return this.#withoutCredential(request);
    if (this.#tokens !== null && looksLikeToken(credential)) return this.#tokens.verify(credential);
    return this.#keys.find(credential);
  };

  /** A key was made: the server is open no longer, and what was an unknown key may be this one. */
  keyCreated(): void {
    this.#closed = true;
    this.#keys.forgetUnknown();
  }

  /** A key was revoked or changed: it counts from the next request on. */
  keyChanged(id: string): void {
    this.#keys.forget(id);
  }

  /** Whether nobody needs a key yet. */
  async isOpen(): Promise<boolean> {
    if (this.#closed) return false;
    if (this.#clock.monotonic() < this.#openUntilMs) return true;
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  #withoutCredential(request: IncomingMessage): Caller | Promise<Caller> {
    if (this.#closed) throw credentialsMissing();
    if (this.#clock.monotonic() < this.#openUntilMs) return openCaller(request);
    return this.isOpen().then((open) => {
      if (!open) throw credentialsMissing();
      return openCaller(request);
    });
  }

  async #ask(): Promise<boolean> {
    const askedAtMs = this.#clock.monotonic();
    if (await this.#store.anyExists()) this.#closed = true;
    else this.#openUntilMs = askedAtMs + OPEN_FOR_MS;
    return !this.#closed;
  }
}

function openCaller(request: IncomingMessage): Caller {
  assertFromThisMachine(request);
  return OPEN;
}
