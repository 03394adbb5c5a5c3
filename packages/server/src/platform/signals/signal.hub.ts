import { randomUUID } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { checkHint, packHints, parseMessage, type Hint, type SignalMessage } from './signal.message.ts';
import type { Carrier, CarrierName, Signals } from './signals.ts';

export interface SignalHubOptions {
  /** The preferred one first. None: this instance hears itself alone. */
  carriers: readonly Carrier[];
  clock: Clock;
  onUp?: (carrier: CarrierName) => void;
  onDown?: (carrier: CarrierName, reason: unknown) => void;
  onUnfit?: (carrier: CarrierName, reason: string) => void;
  /** A listener threw. */
  onError?: (error: unknown) => void;
}

interface Listener {
  channel: string;
  onSignal: (payload: string) => void;
  onGap: () => void;
}

const nothing = (): void => undefined;

/** Hints that wait to be sent, at most: beyond, the others are told that some are missing. */
const WAITING_MAX = 2_000;
/** How often an instance that does not hear the preferred carrier says so. */
const DEAF_EVERY_MS = 1_000;
/** For so long what is sent then goes by all carriers. */
const WIDE_FOR_MS = 3_000;

/**
 * Hints over one carrier, with others behind it. All carriers are listened to all the time, so that instances need not
 * agree which of them works; what is sent goes by the first that takes it. An instance that is deaf on the preferred one
 * tells the others by the next, and they send by both until it hears again.
 *
 * While a message is on its way the next one gathers, and equal hints become one: a storm of hints costs no more than one
 * message per round trip.
 */
export class SignalHub implements Signals {
  readonly id: string = randomUUID();
  readonly #options: Required<SignalHubOptions>;
  readonly #listeners = new Set<Listener>();
  #waiting = new Map<string, Hint>();
  #isSending = false;
  /** Hints were lost on their way out: the others have to hear of it. */
  #owesGap = false;
  #wideUntilMs = -Infinity;
  #deafTimer: NodeJS.Timeout | null = null;
  #state: 'new' | 'open' | 'closed' = 'new';

  constructor(options: SignalHubOptions) {
    this.#options = { onUp: nothing, onDown: nothing, onUnfit: nothing, onError: nothing, ...options };
  }

  get isLive(): boolean {
    return this.#liveCarriers().length > 0;
  }

  get carriedBy(): CarrierName | 'nothing' {
    return this.#liveCarriers()[0]?.name ?? 'nothing';
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    for (const carrier of this.#options.carriers) {
      carrier.open({
        onMessage: (text) => this.#hear(text),
        onUp: () => this.#up(carrier),
        onDown: (reason) => this.#down(carrier, reason),
        onUnfit: (reason) => this.#options.onUnfit(carrier.name, reason),
      });
    }
    if (this.#options.carriers.length < 2) return;
    this.#deafTimer = setInterval(() => void this.#tellDeafness(), DEAF_EVERY_MS);
    this.#deafTimer.unref();
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    if (this.#deafTimer !== null) clearInterval(this.#deafTimer);
    await Promise.all(this.#options.carriers.map((carrier) => carrier.close()));
  }

  publish(channel: string, payload = ''): void {
    checkHint(channel, payload);
    // Not from within the publisher's own call.
    queueMicrotask(() => this.#deliver(channel, payload));
    if (this.#state !== 'open' || this.#options.carriers.length === 0) return;
    if (this.#waiting.size >= WAITING_MAX) this.#owesGap = true;
    else this.#waiting.set(`${channel} ${payload}`, [channel, payload]);
    if (!this.#isSending) void this.#sendAll();
  }

  on(channel: string, onSignal: (payload: string) => void, onGap: () => void = () => undefined): () => void {
    checkHint(channel, '');
    const listener = { channel, onSignal, onGap };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #liveCarriers(): Carrier[] {
    return this.#options.carriers.filter(({ isLive }) => isLive);
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    // What is published in this turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.size > 0 && this.#state === 'open') {
      const { packed, left } = packHints([...this.#waiting.values()]);
      this.#waiting = new Map(left.map((hint) => [`${hint[0]} ${hint[1]}`, hint]));
      if (await this.#send({ from: this.id, hints: packed })) continue;
      // Nobody hears us: who comes later is told that something is missing, and not what.
      this.#owesGap = true;
      this.#waiting.clear();
    }
    this.#isSending = false;
    await this.#payGap();
  }

  /** @returns whether some carrier took it */
  async #send(message: SignalMessage): Promise<boolean> {
    const text = JSON.stringify(message);
    const isWide = this.#options.clock.monotonic() < this.#wideUntilMs;
    let taken = false;
    for (const carrier of this.#liveCarriers()) {
      if (taken && !isWide) break;
      try {
        await carrier.send(text);
        taken = true;
      } catch {
        // The carrier says itself that it is down; the next one takes it.
      }
    }
    return taken;
  }

  async #payGap(): Promise<void> {
    if (!this.#owesGap || !this.isLive) return;
    this.#owesGap = false;
    if (!(await this.#send({ from: this.id, hints: [], gap: true }))) this.#owesGap = true;
  }

  async #tellDeafness(): Promise<void> {
    const [preferred] = this.#options.carriers;
    if (preferred?.isLive === true || !this.isLive) return;
    await this.#send({ from: this.id, hints: [], deaf: true });
  }

  #hear(text: string): void {
    const message = parseMessage(text);
    if (message === null || message.from === this.id || this.#state !== 'open') return;
    if (message.deaf === true) this.#wideUntilMs = this.#options.clock.monotonic() + WIDE_FOR_MS;
    if (message.gap === true) this.#tellGap();
    for (const [channel, payload] of message.hints) this.#deliver(channel, payload);
  }

  #up(carrier: Carrier): void {
    if (this.#state !== 'open') return;
    this.#options.onUp(carrier.name);
    this.#tellGap();
    void this.#payGap();
  }

  #down(carrier: Carrier, reason: unknown): void {
    if (this.#state !== 'open') return;
    this.#options.onDown(carrier.name, reason);
    // What it took in its last moments may be lost, and the next carrier goes on at once. Without one the gap is told when
    // there is one again.
    if (this.isLive) this.#tellGap();
    void this.#tellDeafness();
  }

  #deliver(channel: string, payload: string): void {
    for (const listener of this.#listeners) {
      if (listener.channel === channel) this.#safely(() => listener.onSignal(payload));
    }
  }

  #tellGap(): void {
    for (const listener of this.#listeners) this.#safely(listener.onGap);
  }

  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}
