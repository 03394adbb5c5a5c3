import type { Changed } from '../../engine/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { ByteLru, SeenOnce } from '../../platform/cache/index.ts';
import { TouchedProducts } from './touched.products.ts';

/** The part of an event that says what it makes old. */
export interface StockEvent {
  position: number;
  type: string;
  topics: readonly string[];
}

/** The stream of events, as far as this cache follows it. */
export interface FollowedStream {
  subscribe(listener: { onEvents(events: readonly StockEvent[]): void; onGap(): void }): () => void;
  /** How far it has told; null while that is not known. */
  readonly position: number | null;
  /** When it last knew that it had told everything that was committed, on the monotonic clock. */
  readonly upToDateMs: number;
}

/** An answer as it is sent. */
export interface KeptAnswer {
  body: string;
  etag: string;
  /** When the database was asked, on the monotonic clock: what was committed by then is in it. */
  askedMs: number;
}

/** A reading of the database that is under way, and what it saw will be kept if nothing changes meanwhile. */
export interface Fill {
  readonly sku: string;
  readonly askedMs: number;
  /** How far the stream had told when the database was asked: of that everything is in what was read. */
  readonly position: number;
  isValid: boolean;
}

export interface StockCacheOptions {
  stream: FollowedStream;
  clock: Clock;
  bytesMax?: number;
  /** Questions of which it is known for a while that they were asked; what is asked once is not kept. */
  questionsMax?: number;
  /** Told now and then how often it was asked, and with what result. */
  onCounts?: (counts: Readonly<ReadCounts>) => void;
}

export interface ReadCounts {
  hit: number;
  miss: number;
  fresh: number;
  behind: number;
}

interface KeptProduct {
  answers: Map<string, KeptAnswer>;
  bytes: number;
}

/** A stream that has not been heard of for so long is not believed to have told everything. */
export const BEHIND_AFTER_MS = 1_000;
/** While nobody reads, nobody need follow the stream. */
const IDLE_AFTER_MS = 10_000;
const TICK_MS = 250;
/** Reading an event costs about as much as a hit saves: beyond this and the hits, events of one tick are too many. */
const EVENTS_FREE_PER_TICK = 100;
const PAUSE_MS = 10_000;
/** The stream of a database that was restored or promoted goes on so much higher, at least. */
const LIFE_APART = 2 ** 31;
const BYTES_MAX = 33_554_432;
const QUESTIONS_MAX = 50_000;
const ANSWER_BYTES = 120;
const TOPIC = 'product:';

/**
 * Answers about stock, as they were last read from the database, until something that they show changes: by a commit of
 * this instance, which is known before its caller is answered, or by one of another, which the stream of events tells.
 * No decision about stock reads it.
 *
 * A level's numbers change by commits alone: a hold that lapses changes them when it is released, with an entry in the
 * ledger. So nothing here grows old by itself, and no entry needs a time of its own to live.
 *
 * It follows the stream only while somebody reads, and not while there are far more events than answers that it could
 * give: a sale at full speed must not pay for the three readers of a dashboard. It gives up everything when the stream falls behind: after a failover
 * that lost commits there would be no event for what was undone.
 */
export class StockCache {
  readonly #options: StockCacheOptions;
  readonly #products: ByteLru<KeptProduct>;
  readonly #asked: SeenOnce;
  readonly #fills = new Map<string, Set<Fill>>();
  readonly #counts: ReadCounts = { hit: 0, miss: 0, fresh: 0, behind: 0 };
  #isStarted = false;
  #leave: (() => void) | null = null;
  #followsSinceMs = 0;
  #askedMs = 0;
  /** Until then following the stream is not worth while. */
  #pausedUntilMs = -Infinity;
  /** Events since the last tick. */
  #heard = 0;
  #heardUpTo = Infinity;
  /** Up to where products were changed, by sku: what others have read is measured by it. */
  readonly #touched = new TouchedProducts();
  #tick: NodeJS.Timeout | null = null;

  constructor(options: StockCacheOptions) {
    this.#options = options;
    this.#products = new ByteLru(options.bytesMax ?? BYTES_MAX);
    this.#asked = new SeenOnce(options.questionsMax ?? QUESTIONS_MAX);
  }

  get bytes(): number {
    return this.#products.bytes;
  }

  /** From here on it may be asked: the stream runs. */
  start(): void {
    this.#isStarted = true;
  }

  stop(): void {
    this.#isStarted = false;
    this.#rest();
  }

  /** The answer to a question about a product, at once, or null. */
  find(sku: string, question: string): KeptAnswer | null {
    const nowMs = this.#options.clock.monotonic();
    const isCurrent = this.#isCurrent(nowMs);
    const answer = isCurrent ? this.#products.get(sku)?.answers.get(question) : undefined;
    if (!isCurrent) this.#counts.behind += 1;
    else if (answer === undefined) this.#counts.miss += 1;
    else this.#counts.hit += 1;
    return answer ?? null;
  }

  /** How old what it answers may be, in milliseconds: the stream has told everything up to then. */
  ageMs(answer: KeptAnswer): number {
    const knownMs = Math.max(answer.askedMs, this.#options.stream.upToDateMs);
    return Math.max(0, this.#options.clock.monotonic() - knownMs);
  }

  /** Somebody wants no kept answer. */
  passedBy(): void {
    this.#counts.fresh += 1;
  }

  /**
   * To be called before the database is asked, and answered with `end`. `behind`: nothing can be kept, because the stream
   * is not followed well enough. `first`: nobody has asked this for a while, and perhaps nobody will again.
   */
  begin(sku: string, question: string): Fill | 'behind' | 'first' {
    const askedMs = this.#options.clock.monotonic();
    const { position } = this.#options.stream;
    if (!this.#isCurrent(askedMs) || position === null) return 'behind';
    if (!this.#asked.ask(`${sku}/${question}`)) return 'first';
    const fill: Fill = { sku, askedMs, position, isValid: true };
    const fills = this.#fills.get(sku);
    if (fills === undefined) this.#fills.set(sku, new Set([fill]));
    else fills.add(fill);
    return fill;
  }

  /**
   * Whether what another instance has read, when the stream had told that much to it, still holds: nothing of the product
   * may have changed since, by any event that came here, nor by a commit of this instance whose event is on its way.
   */
  holds(sku: string, position: number): boolean {
    const nowMs = this.#options.clock.monotonic();
    return this.#isCurrent(nowMs) && this.#touched.isUntouchedSince(sku, position, nowMs);
  }

  /** To be called for each fill that has begun, with what was read, or null where there is nothing to keep. */
  end(fill: Fill, question: string, answer: KeptAnswer | null): boolean {
    const fills = this.#fills.get(fill.sku);
    fills?.delete(fill);
    if (fills?.size === 0) this.#fills.delete(fill.sku);
    if (!fill.isValid || answer === null) return false;
    const kept = this.#products.get(fill.sku) ?? { answers: new Map<string, KeptAnswer>(), bytes: 0 };
    const before = kept.answers.get(question);
    // Of two that were asked side by side, the later question knows more.
    if (before !== undefined && before.askedMs > answer.askedMs) return true;
    kept.bytes += weightOf(question, answer) - (before === undefined ? 0 : weightOf(question, before));
    kept.answers.set(question, answer);
    this.#products.set(fill.sku, kept, kept.bytes);
    return true;
  }

  /** Something was committed here, or may have been. */
  changed({ skus, everything }: Changed): void {
    const nowMs = this.#options.clock.monotonic();
    if (everything) {
      this.#forgetAll();
      this.#touched.allHere(nowMs);
    } else {
      for (const sku of skus) {
        this.#forget(sku);
        this.#touched.here(sku, nowMs);
      }
    }
  }

  #forget(sku: string): void {
    this.#products.delete(sku);
    const fills = this.#fills.get(sku);
    if (fills === undefined) return;
    for (const fill of fills) fill.isValid = false;
    this.#fills.delete(sku);
  }

  #forgetAll(): void {
    this.#products.clear();
    for (const fills of this.#fills.values()) for (const fill of fills) fill.isValid = false;
    this.#fills.clear();
  }

  #isCurrent(nowMs: number): boolean {
    this.#askedMs = nowMs;
    if (this.#leave === null) this.#follow(nowMs);
    const { upToDateMs, position } = this.#options.stream;
    if (position === null || upToDateMs < this.#followsSinceMs || nowMs - upToDateMs >= BEHIND_AFTER_MS) return false;
    this.#touched.begin(position);
    return true;
  }

  #follow(nowMs: number): void {
    if (!this.#isStarted || nowMs < this.#pausedUntilMs) {
      this.#followsSinceMs = Infinity;
      return;
    }
    this.#followsSinceMs = nowMs;
    this.#heard = 0;
    this.#heardUpTo = Infinity;
    this.#touched.clear();
    this.#leave = this.#options.stream.subscribe({
      onEvents: (events) => this.#hear(events),
      onGap: () => this.#lose(),
    });
    this.#tick = setInterval(() => this.look(), TICK_MS);
    this.#tick.unref();
  }

  #rest(): void {
    this.#leave?.();
    this.#leave = null;
    if (this.#tick !== null) clearInterval(this.#tick);
    this.#tick = null;
    this.#forgetAll();
    this.#asked.clear();
    this.tellCounts();
  }

  /** Looks whether it is still worth while, and still right; four times a second while it follows the stream. */
  look(): void {
    const nowMs = this.#options.clock.monotonic();
    const isTooMuch = this.#heard > EVENTS_FREE_PER_TICK + this.#counts.hit;
    if (isTooMuch) this.#pausedUntilMs = nowMs + PAUSE_MS;
    this.#heard = 0;
    this.tellCounts();
    if (isTooMuch || nowMs - this.#askedMs > IDLE_AFTER_MS) this.#rest();
    else if (nowMs - this.#options.stream.upToDateMs >= BEHIND_AFTER_MS) this.#lose();
  }

  /** The stream is not known to have told everything. */
  #lose(): void {
    this.#forgetAll();
    this.#touched.lose();
  }

  /** Tells what was counted since the last time. */
  tellCounts(): void {
    this.#options.onCounts?.(this.#counts);
    Object.assign(this.#counts, { hit: 0, miss: 0, fresh: 0, behind: 0 });
  }

  #hear(events: readonly StockEvent[]): void {
    this.#heard += events.length;
    // The database lives anew, from an earlier point perhaps: what was undone has no event.
    const [first] = events;
    if (first !== undefined && first.position - this.#heardUpTo >= LIFE_APART) this.#lose();
    this.#heardUpTo = events.at(-1)?.position ?? this.#heardUpTo;
    for (const { position, type, topics } of events) {
      // What is new was shown by no answer. What is renamed, archived or switched off may be shown by any.
      if (type === 'product.created' || type === 'location.created') continue;
      if (type.startsWith('product.') || type.startsWith('location.')) {
        this.#forgetAll();
        this.#touched.allAt(position);
        continue;
      }
      for (const topic of topics) {
        if (!topic.startsWith(TOPIC)) continue;
        const sku = topic.slice(TOPIC.length);
        this.#forget(sku);
        this.#touched.at(sku, position);
      }
    }
  }
}

function weightOf(question: string, { body, etag }: Pick<KeptAnswer, 'body' | 'etag'>): number {
  return body.length + etag.length + 2 * question.length + ANSWER_BYTES;
}
