import { Redis } from 'ioredis';
import type { Clock } from '../../kernel/clock.ts';
import { Loop } from '../../kernel/loop.ts';
import { inTime, TooLate } from './in.time.ts';

export interface RedisLinkOptions {
  /** redis:// or rediss:// */
  url: string;
  clock: Clock;
  /** For a command of somebody who waits. */
  commandWithinMs?: number;
  onUp?: () => void;
  onDown?: (reason: unknown) => void;
}

/** It is away: said at once, without a try. */
export class RedisAway extends Error {
  override name = 'RedisAway';
}

const nothing = (): void => undefined;

/** Long for a Redis on the same network, and short for a request that would have been served without it. */
const COMMAND_WITHIN_MS = 50;
/** So many commands in a row without an answer, and nobody waits for the next. */
const LATE_MAX = 3;
const BEAT_MS = 250;
const BEAT_WITHIN_MS = 500;
const CONNECT_WITHIN_MS = 1_000;
const AGAIN_AFTER_MAX_MS = 1_000;
/** A connection that has been silent for so long is given up: its other end may have gone without a word. */
const SILENT_FOR_MS = 5_000;
/** Nothing is ever written to it: deleting it shows who takes writes, also while memory is full. */
const NO_KEY = 'holdfast:nothing';

/**
 * The door to Redis or Valkey, for what may be lost at any moment. Nothing waits for it: commands have a short time, and
 * once it is seen to be away they are refused at once, until it answers again. It comes back by itself.
 */
export class RedisLink {
  readonly #options: Required<RedisLinkOptions>;
  readonly #client: Redis;
  readonly #loop: Loop;
  readonly #watchers = new Set<() => void>();
  /** Null before it is known. */
  #isUp: boolean | null = null;
  /** Since it was there last. */
  #lastError: unknown = null;
  #late = 0;
  #heardMs = 0;
  #isClosed = false;

  constructor(options: RedisLinkOptions) {
    this.#options = { commandWithinMs: COMMAND_WITHIN_MS, onUp: nothing, onDown: nothing, ...options };
    this.#client = this.connect('holdfast');
    this.#client.on('ready', () => void this.#beat());
    this.#client.on('error', (error) => (this.#lastError = error));
    this.#client.on('close', () => this.#note(false, this.#lastError ?? new Error('the connection was closed')));
    this.#loop = new Loop(() => this.#beat(), { afterErrorMs: BEAT_MS, onError: () => undefined });
  }

  /** Whether it answered last time. */
  get isUp(): boolean {
    return this.#isUp === true;
  }

  start(): void {
    this.#heardMs = this.#options.clock.monotonic();
    // A connection that fails is tried again by itself.
    this.#client.connect().catch(() => undefined);
    this.#loop.start();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isUp = false;
    this.#client.disconnect();
    await this.#loop.stop();
  }

  /**
   * One command, or several at once.
   *
   * @throws RedisAway, TooLate (it may have been done), and what Redis answers, such as OOM
   */
  async run<Reply>(command: (redis: Redis) => Promise<Reply>): Promise<Reply> {
    if (!this.isUp) throw new RedisAway('Redis is away');
    try {
      const reply = await inTime(command(this.#client), this.#options.commandWithinMs);
      this.#late = 0;
      return reply;
    } catch (error) {
      this.#late = error instanceof TooLate ? this.#late + 1 : 0;
      if (this.#late >= LATE_MAX) this.#note(false, error);
      throw withoutCommand(error);
    }
  }

  /** Told when it has come or gone. */
  onChange(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** A connection of one's own, such as for subscriptions: not connected yet, and the caller's to end. */
  connect(name: string): Redis {
    const client = new Redis(this.#options.url, {
      lazyConnect: true,
      connectionName: name,
      // What cannot be sent now is not wanted later.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_WITHIN_MS,
      commandTimeout: 2 * CONNECT_WITHIN_MS,
      keepAlive: 10_000,
      retryStrategy: (times) => (this.#isClosed ? null : Math.min(AGAIN_AFTER_MAX_MS, 50 * times)),
    });
    // Without a listener every failed attempt would be printed; `close` tells what matters.
    client.on('error', withoutCommand);
    return client;
  }

  async #beat(): Promise<number> {
    if (this.#client.status !== 'ready') return BEAT_MS;
    try {
      await inTime(Promise.all([this.#client.ping(), this.#assertPrimary()]), BEAT_WITHIN_MS);
      this.#note(true, null);
    } catch (error) {
      const wasUp = this.isUp;
      this.#note(false, withoutCommand(error));
      const silentMs = this.#options.clock.monotonic() - this.#heardMs;
      // Of a primary that became a replica: whoever is the primary now may answer at the same address.
      const isDemoted = wasUp && isReadOnly(error);
      if (isDemoted || silentMs > SILENT_FOR_MS) {
        this.#heardMs = this.#options.clock.monotonic();
        this.#client.disconnect(true);
      }
    }
    return BEAT_MS;
  }

  /** A replica answers, and what is written to it or published there does not reach the others. */
  async #assertPrimary(): Promise<void> {
    try {
      await this.#client.del(NO_KEY);
    } catch (error) {
      if (isReadOnly(error)) throw error;
    }
  }

  #note(isUp: boolean, reason: unknown): void {
    if (this.#isClosed) return;
    this.#late = 0;
    if (isUp) {
      this.#heardMs = this.#options.clock.monotonic();
      this.#lastError = null;
    }
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    if (isUp) this.#options.onUp();
    else this.#options.onDown(reason);
    for (const watcher of this.#watchers) watcher();
  }
}

function isReadOnly(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('READONLY');
}

/** The client's errors carry their command with all it said: the password, or who is limited. They are logged. */
function withoutCommand(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
}
