import type { Clock } from '../../kernel/clock.ts';
import { Problem, problems } from '../../kernel/problem.ts';
import type { Logger } from '../log/index.ts';
import { hashApiKey } from './api.key.ts';
import { credentialsInvalid } from './auth.problems.ts';
import type { Caller } from './caller.ts';
import type { KeyStore, StoredKey } from './key.store.ts';
import { expandScopes } from './scope.ts';

/** A revocation by another instance is seen within this. */
const MAX_AGE_MS = 1_000;
/** From here on a key in use is looked up again in the background, so that its requests never wait. */
const REFRESH_AGE_MS = 500;
const TOUCH_EVERY_MS = 60_000;
const ENTRIES_MAX = 10_000;
const LOOKUPS_MAX = 256;
const KEY_MAX_LENGTH = 256;

interface Entry {
  /** Null for a key that nobody has. */
  found: { id: string; expiresAtMs: number | null; caller: Caller } | null;
  /** When the lookup began: what it saw is at least that old. */
  checkedAtMs: number;
}

/**
 * API keys by their text, for at most a second. The texts are in memory with every request anyway; hashing each would
 * cost more than the lookup.
 */
export class KeyCache {
  readonly #store: KeyStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #lookups = new Map<string, Promise<Entry>>();
  readonly #touchedAtMs = new Map<string, number>();
  /** Rises when something was forgotten: a lookup that began before it may have seen what was there. */
  #generation = 0;

  constructor(store: KeyStore, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * The caller with this key, at once when it is known.
   *
   * @throws Problem `unauthorized`; `overloaded` when too many unknown keys are being looked up
   */
  find(key: string): Caller | Promise<Caller> {
    const entry = this.#entries.get(key);
    const ageMs = entry === undefined ? Infinity : this.#clock.monotonic() - entry.checkedAtMs;
    if (entry === undefined || ageMs >= MAX_AGE_MS) {
      if (key.length > KEY_MAX_LENGTH) throw refused();
      return this.#lookUp(key).then((fresh) => this.#admit(fresh));
    }
    if (ageMs >= REFRESH_AGE_MS && entry.found !== null && !this.#lookups.has(key)) {
      this.#lookUp(key).catch((error: unknown) => this.#log.warn({ err: error }, 'an API key could not be looked up'));
    }
    return this.#admit(entry);
  }

  /** This key is looked up again at its next use, and what is being looked up now does not count. */
  forget(id: string): void {
    this.#generation += 1;
    for (const [key, { found }] of this.#entries) {
      if (found?.id === id) this.#entries.delete(key);
    }
  }

  /** Keys that nobody had may be somebody's now. */
  forgetUnknown(): void {
    this.#generation += 1;
    for (const [key, { found }] of this.#entries) {
      if (found === null) this.#entries.delete(key);
    }
  }

  #admit({ found }: Entry): Caller {
    const nowMs = this.#clock.now();
    if (found === null || (found.expiresAtMs !== null && found.expiresAtMs <= nowMs)) throw refused();
    this.#touch(found.id, nowMs);
    return found.caller;
  }

  /** Requests with one key share a lookup. */
  #lookUp(key: string): Promise<Entry> {
    const running = this.#lookups.get(key);
    if (running !== undefined) return running;
    if (this.#lookups.size >= LOOKUPS_MAX) {
      throw new Problem(problems.overloaded, 'Too many unknown keys are being checked. Try again.');
    }
    const lookup = this.#read(key).finally(() => this.#lookups.delete(key));
    this.#lookups.set(key, lookup);
    return lookup;
  }

  async #read(key: string): Promise<Entry> {
    const hash = hashApiKey(key);
    for (;;) {
      const generation = this.#generation;
      const checkedAtMs = this.#clock.monotonic();
      const entry: Entry = { found: foundOf(await this.#store.findByHash(hash)), checkedAtMs };
      if (generation !== this.#generation) continue;
      keep(this.#entries, key, entry);
      return entry;
    }
  }

  #touch(id: string, nowMs: number): void {
    const lastMs = this.#touchedAtMs.get(id) ?? -Infinity;
    if (nowMs - lastMs < TOUCH_EVERY_MS) return;
    keep(this.#touchedAtMs, id, nowMs);
    this.#store
      .touch(id, nowMs)
      .catch((error: unknown) => this.#log.warn({ err: error }, "an API key's last use could not be noted"));
  }
}

function foundOf(stored: StoredKey | null): Entry['found'] {
  if (stored === null) return null;
  const { id, scopes, expiresAtMs } = stored;
  const actor = `key:${id}`;
  return { id, expiresAtMs, caller: { actor, owner: actor, scopes: expandScopes(scopes) } };
}

/** The oldest entry makes room. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= ENTRIES_MAX) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

function refused(): Problem {
  return credentialsInvalid('The API key is not valid: it may have been revoked or have expired.');
}
