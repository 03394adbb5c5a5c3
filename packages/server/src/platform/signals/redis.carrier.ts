import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../../kernel/clock.ts';
import { Loop } from '../../kernel/loop.ts';
import type { RedisLink } from '../redis/index.ts';
import type { Carrier, CarrierEars } from './signals.ts';

export interface RedisCarrierOptions {
  link: RedisLink;
  /** All instances of one installation, and no others, name the same; asked until it is known. Cross-talk would do no harm. */
  channel: () => Promise<string>;
  clock: Clock;
}

/** Each instance says something to itself so often, all the way round. */
const BEAT_MS = 500;
/** Then nothing else arrives either. */
const DEAF_AFTER_MS = 1_750;

/**
 * Publish and subscribe of Redis or Valkey. A connection may be open and its subscription gone, or lead to a server that
 * nobody publishes to any more: so it counts as live only while this instance hears itself.
 */
export class RedisCarrier implements Carrier {
  readonly name = 'redis';
  readonly #options: RedisCarrierOptions;
  readonly #subscriber: Redis;
  readonly #beatChannel = `holdfast:${randomUUID()}`;
  readonly #loop: Loop;
  #ears: CarrierEars | null = null;
  #channel: string | null = null;
  #heardMs = -Infinity;
  #isLive = false;
  #isClosed = false;
  #leave: () => void = () => undefined;

  constructor(options: RedisCarrierOptions) {
    this.#options = options;
    this.#subscriber = options.link.connect('holdfast signals');
    this.#loop = new Loop(() => this.#beat(), { afterErrorMs: BEAT_MS, onError: () => undefined });
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  open(ears: CarrierEars): void {
    this.#ears = ears;
    this.#subscriber.on('message', (channel, message) => this.#hear(channel, message));
    this.#subscriber.on('ready', () => void this.#subscribe());
    this.#subscriber.on('close', () => this.#fall(new Error('the subscription was lost')));
    this.#leave = this.#options.link.onChange(() => {
      if (!this.#options.link.isUp) this.#fall(new Error('Redis is away'));
      else void this.#beat();
    });
    this.#subscriber.connect().catch(() => undefined);
    this.#loop.start();
  }

  async send(message: string): Promise<void> {
    const channel = this.#channel;
    if (channel === null) throw new Error('the channel is not known yet');
    await this.#options.link.run((redis) => redis.publish(channel, message));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isLive = false;
    this.#leave();
    this.#subscriber.disconnect();
    await this.#loop.stop();
  }

  async #subscribe(): Promise<void> {
    try {
      this.#channel ??= await this.#options.channel();
      await this.#subscriber.subscribe(this.#channel, this.#beatChannel);
      await this.#beat();
    } catch {
      // The connection was lost again, takes no subscription, or nobody could say what to subscribe to: a new one tries.
      if (!this.#isClosed && this.#subscriber.status === 'ready') this.#subscriber.disconnect(true);
    }
  }

  async #beat(): Promise<number> {
    const { link, clock } = this.#options;
    if (this.#isLive && clock.monotonic() - this.#heardMs > DEAF_AFTER_MS) {
      this.#fall(new Error('what is published does not arrive'));
      // It may be the subscription alone that has gone.
      if (this.#subscriber.status === 'ready') this.#subscriber.disconnect(true);
    }
    await link.run((redis) => redis.publish(this.#beatChannel, '')).catch(() => undefined);
    return BEAT_MS;
  }

  #hear(channel: string, message: string): void {
    if (this.#isClosed) return;
    if (channel !== this.#beatChannel) {
      this.#ears?.onMessage(message);
      return;
    }
    this.#heardMs = this.#options.clock.monotonic();
    if (this.#isLive || !this.#options.link.isUp) return;
    this.#isLive = true;
    this.#ears?.onUp();
  }

  #fall(reason: unknown): void {
    if (!this.#isLive || this.#isClosed) return;
    this.#isLive = false;
    this.#ears?.onDown(reason);
  }
}
