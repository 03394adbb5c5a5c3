import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Charge, LimitStore } from './limit.ts';
import { TAKE_SCRIPT } from './take.lua.ts';

/** What is asked of the door to Redis: RedisLink has it. It gives up by itself, soon. */
export interface RedisDoor {
  run<Reply>(command: (redis: Redis) => Promise<Reply>): Promise<Reply>;
}

export interface RedisStoreOptions {
  link: RedisDoor;
  /** Before every key: of those who count together, and of no others. Asked until it is known. */
  prefix?: () => Promise<string>;
  /** Requests that go in one call of the script. */
  batchMax?: number;
  /** In place of Redis's own clock: for tests that travel in time. */
  nowMs?: () => number;
}

type Action = 'take' | 'peek' | 'refund';

interface Waiting {
  charges: readonly Charge[];
  resolve: (passes: boolean) => void;
  reject: (error: unknown) => void;
}

const SCRIPT_SHA = createHash('sha1').update(TAKE_SCRIPT).digest('hex');
/** Small enough that Redis works on one while the next is written, large enough that what a call costs is shared. */
const BATCH_MAX = 32;
const FIELDS = 4;

/**
 * Counters that all instances share. What is asked for in one turn of the event loop goes in one call of one script: a
 * round trip per request at most, and under load one for hundreds.
 */
export class RedisStore implements LimitStore {
  readonly #link: RedisDoor;
  readonly #prefixOf: () => Promise<string>;
  #prefix: string | null = null;
  readonly #batchMax: number;
  readonly #nowMs: (() => number) | undefined;
  readonly #waiting: Record<Action, Waiting[]> = { take: [], peek: [], refund: [] };
  #isScheduled = false;

  constructor({
    link,
    prefix = () => Promise.resolve('holdfast:limit:'),
    batchMax = BATCH_MAX,
    nowMs,
  }: RedisStoreOptions) {
    this.#link = link;
    this.#prefixOf = prefix;
    this.#batchMax = batchMax;
    this.#nowMs = nowMs;
  }

  /** @throws what the door throws: Redis is away, or too late; what asking for the prefix throws */
  take(charges: readonly Charge[]): Promise<boolean> {
    return this.#ask('take', charges);
  }

  async peek(charges: readonly Charge[]): Promise<void> {
    await this.#ask('peek', charges);
  }

  async refund(charges: readonly Charge[]): Promise<void> {
    await this.#ask('refund', charges);
  }

  #ask(action: Action, charges: readonly Charge[]): Promise<boolean> {
    if (charges.length === 0) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting[action];
      waiting.push({ charges, resolve, reject });
      if (waiting.length >= this.#batchMax) {
        this.#waiting[action] = [];
        void this.#send(action, waiting);
        return;
      }
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      // After all that has arrived in this turn was read.
      setImmediate(() => this.#sendAll());
    });
  }

  #sendAll(): void {
    this.#isScheduled = false;
    for (const action of ['refund', 'take', 'peek'] as const) {
      const waiting = this.#waiting[action];
      if (waiting.length === 0) continue;
      this.#waiting[action] = [];
      void this.#send(action, waiting);
    }
  }

  async #send(action: Action, batch: readonly Waiting[]): Promise<void> {
    try {
      const prefix = (this.#prefix ??= await this.#prefixOf());
      const keys: string[] = [];
      for (const { charges } of batch) {
        for (const { counter, subject } of charges) keys.push(`${prefix}${counter.id}:${subject}`);
      }
      const fields = fieldsOf(action);
      let requests = '';
      for (const { charges } of batch) {
        requests += `${requests === '' ? '[' : ','}${charges.length}`;
        for (const charge of charges) requests += fields(charge);
      }
      const time = this.#nowMs === undefined ? [] : [String(this.#nowMs())];
      const answer = await this.#run([keys.length, ...keys, action, `${requests}]`, ...time]);
      this.#deal(batch, answer.split(' '));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #run(args: [number, ...string[]]): Promise<string> {
    try {
      return (await this.#link.run((redis) => redis.evalsha(SCRIPT_SHA, ...args))) as string;
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return (await this.#link.run((redis) => redis.eval(TAKE_SCRIPT, ...args))) as string;
    }
  }

  #deal(batch: readonly Waiting[], answer: readonly string[]): void {
    const atMs = Number(answer[0]);
    let at = 1;
    for (const { charges, resolve } of batch) {
      let passes = true;
      for (const charge of charges) {
        charge.atMs = atMs;
        charge.allowed = answer[at] === '1';
        charge.remaining = Number(answer[at + 1]);
        charge.resetMs = Number(answer[at + 2]);
        charge.retryMs = Number(answer[at + 3]);
        if (!charge.allowed && !charge.shadow) passes = false;
        at += FIELDS;
      }
      resolve(passes);
    }
  }
}

function fieldsOf(action: Action): (charge: Charge) => string {
  return ({ counter, limit, burst, cost, shadow, atMs }) =>
    `,${counter.kind},${counter.windowMs},${limit},${burst},${cost},${shadow ? 1 : 0},${action === 'refund' ? atMs : 0}`;
}

/** Redis was started anew, or told to forget. */
function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
