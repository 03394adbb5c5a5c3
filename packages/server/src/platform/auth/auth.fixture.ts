import type { Clock } from '../../kernel/clock.ts';
import { hashApiKey } from './api.key.ts';
import type { KeyStore, StoredKey } from './key.store.ts';
import type { SessionStore, StoredSession } from './session.store.ts';

/** A clock that goes when it is told to. */
export class HandClock implements Clock {
  ms = 1_800_000_000_000;
  now = () => this.ms;
  monotonic = () => this.ms;
}

/** Keys in memory, counting who asks. Answers can be held back. */
export class MemoryKeys implements KeyStore {
  readonly keys = new Map<string, StoredKey>();
  everMade = false;
  lookups = 0;
  questions = 0;
  touches: [string, number][] = [];
  /** Runs before each answer. */
  before: () => Promise<void> = () => Promise.resolve();

  add(key: string, stored: StoredKey): void {
    this.everMade = true;
    this.keys.set(hashApiKey(key).toString('hex'), stored);
  }

  remove(key: string): void {
    this.keys.delete(hashApiKey(key).toString('hex'));
  }

  async findByHash(hash: Buffer): Promise<StoredKey | null> {
    this.lookups += 1;
    const found = this.keys.get(hash.toString('hex')) ?? null;
    await this.before();
    return found;
  }

  async anyExists(): Promise<boolean> {
    this.questions += 1;
    await this.before();
    return this.everMade;
  }

  async touch(id: string, whenMs: number): Promise<void> {
    this.touches.push([id, whenMs]);
    return Promise.resolve();
  }
}

/** Sessions in memory, counting who asks. */
export class MemorySessions implements SessionStore {
  readonly sessions = new Map<string, StoredSession>();
  lookups = 0;
  touches: string[] = [];

  add(token: string, stored: StoredSession): void {
    this.sessions.set(hashApiKey(token).toString('hex'), stored);
  }

  remove(token: string): void {
    this.sessions.delete(hashApiKey(token).toString('hex'));
  }

  async findByHash(hash: Buffer): Promise<StoredSession | null> {
    this.lookups += 1;
    return Promise.resolve(this.sessions.get(hash.toString('hex')) ?? null);
  }

  async touch(id: string): Promise<void> {
    this.touches.push(id);
    return Promise.resolve();
  }
}
