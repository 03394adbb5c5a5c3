import { keepNewest } from '../../kernel/bounded.map.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Problem, problems } from '../../kernel/problem.ts';
import type { Logger } from '../log/index.ts';
import { hashApiKey } from './api.key.ts';
import type { Caller } from './caller.ts';

/** What another instance revoked is seen within this. */
const MAX_AGE_MS = 1_000;
/** From here on what is in use is looked up again in the background, so that its requests never wait. */
const REFRESH_AGE_MS = 500;
const TOUCH_EVERY_MS = 60_000;
const ENTRIES_MAX = 10_000;
const LOOKUPS_MAX = 256;
const CREDENTIAL_MAX_LENGTH = 256;

/** Who has the credential. */
export interface Found {
  id: string;
  /** Milliseconds since the epoch. */
  expiresAtMs: number | null;
  caller: Caller;
}

/** Where the credentials of a kind are kept. */
export interface CredentialStore {
  /** In words, as the log has it: "an API key". */
  readonly noun: string;
  /** By SHA-256 of the credential; null for one that nobody has. */
  find(hash: Buffer): Promise<Found | null>;
  /** Notes that it was used. At most once a minute. */
  touch(id: string, whenMs: number): Promise<void>;
}

interface Entry {
  /** Null for a credential that nobody has. */
  found: Found | null;
  /** When the lookup began: what it saw is at least that old. */
  checkedAtMs: number;
}

/**
 * Credentials by their text, for at most a second. The texts are in memory with every request anyway; hashing each would
 * cost more than the lookup.
 */
export class CredentialCache {
  readonly #store: CredentialStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #lookups = new Map<string, Promise<Entry>>();
  readonly #touchedAtMs = new Map<string, number>();
  /** Rises when something was forgotten: a lookup that began before it may have seen what was there. */
  #generation = 0;

  constructor(store: CredentialStore, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * The caller with this credential, at once when it is known; null when nobody has it, or it has expired.
   *
   * @throws Problem `overloaded` when too many unknown ones are being looked up
   */
  find(credential: string): Caller | null | Promise<Caller | null> {
    const entry = this.#entries.get(credential);
    const ageMs = entry === undefined ? Infinity : this.#clock.monotonic() - entry.checkedAtMs;
    if (entry === undefined || ageMs >= MAX_AGE_MS) {
      if (credential.length > CREDENTIAL_MAX_LENGTH) return null;
      return this.#lookUp(credential).then((fresh) => this.#admit(fresh));
    }
    if (ageMs >= REFRESH_AGE_MS && entry.found !== null && !this.#lookups.has(credential)) {
      this.#lookUp(credential).catch((error: unknown) =>
        this.#log.warn({ err: error }, `${this.#store.noun} could not be looked up`),
      );
    }
    return this.#admit(entry);
  }

  /** What fits is looked up again at its next use, and what is being looked up now does not count. */
  forget(fits: (found: Found) => boolean): void {
    this.#generation += 1;
    for (const entry of this.#entries.values()) {
      // It stays: a flood of unknown ones must not keep it from its lookup.
      if (entry.found !== null && fits(entry.found)) entry.checkedAtMs = -Infinity;
    }
  }

  /** Credentials that nobody had may be somebody's now. */
  forgetUnknown(): void {
    this.#generation += 1;
    for (const [credential, { found }] of this.#entries) {
      if (found === null) this.#entries.delete(credential);
    }
  }

  #admit({ found }: Entry): Caller | null {
    const nowMs = this.#clock.now();
    if (found === null || (found.expiresAtMs !== null && found.expiresAtMs <= nowMs)) return null;
    this.#touch(found.id, nowMs);
    return found.caller;
  }

  /** Requests with one credential share a lookup. What was somebody's is always looked up. */
  #lookUp(credential: string): Promise<Entry> {
    const running = this.#lookups.get(credential);
    if (running !== undefined) return running;
    const isKnown = (this.#entries.get(credential)?.found ?? null) !== null;
    if (!isKnown && this.#lookups.size >= LOOKUPS_MAX) {
      throw new Problem(problems.overloaded, 'Too many unknown credentials are being checked. Try again.');
    }
    const lookup = this.#read(credential).finally(() => this.#lookups.delete(credential));
    this.#lookups.set(credential, lookup);
    return lookup;
  }

  async #read(credential: string): Promise<Entry> {
    const hash = hashApiKey(credential);
    for (;;) {
      const generation = this.#generation;
      const checkedAtMs = this.#clock.monotonic();
      const entry: Entry = { found: await this.#store.find(hash), checkedAtMs };
      if (generation !== this.#generation) continue;
      keepNewest(this.#entries, credential, entry, ENTRIES_MAX);
      return entry;
    }
  }

  #touch(id: string, nowMs: number): void {
    const lastMs = this.#touchedAtMs.get(id) ?? -Infinity;
    if (nowMs - lastMs < TOUCH_EVERY_MS) return;
    keepNewest(this.#touchedAtMs, id, nowMs, ENTRIES_MAX);
    this.#store
      .touch(id, nowMs)
      .catch((error: unknown) => this.#log.warn({ err: error }, `the use of ${this.#store.noun} could not be noted`));
  }
}
