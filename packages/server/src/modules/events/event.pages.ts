import type { EventBatch } from './event.feed.ts';
import type { EventSpan } from './event.tail.ts';

const PAGE = 1_000;
const READS_MAX = 4;
const KEPT_MAX = 8;
const KEPT_MS = 10_000;

/**
 * The stream by the page, for readers who come from further back than the tail goes. Pages begin and end at the same
 * positions for everybody, so that a thousand readers who come back together share them; and only so many are read at
 * once, so that the past never takes the database from the present.
 */
export class EventPages {
  readonly #read: (after: number, limit: number) => Promise<EventBatch>;
  readonly #settled: () => number;
  readonly #reading = new Map<number, Promise<EventSpan>>();
  readonly #kept = new Map<number, EventSpan>();
  readonly #waiting: (() => void)[] = [];
  #free = READS_MAX;
  #willForget = false;

  /** @param settled up to there nothing will be added to the stream any more */
  constructor(read: (after: number, limit: number) => Promise<EventBatch>, settled: () => number) {
    this.#read = read;
    this.#settled = settled;
  }

  /** @throws Problem `position_gone` */
  async after(position: number): Promise<EventSpan> {
    const kept = this.#kept.get(position);
    if (kept !== undefined) return kept;
    const running = this.#reading.get(position);
    if (running !== undefined) return running;
    const read = this.#readPage(position).finally(() => this.#reading.delete(position));
    this.#reading.set(position, read);
    return read;
  }

  async #readPage(after: number): Promise<EventSpan> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      const settled = this.#settled();
      const span: EventSpan = { ...(await this.#read(after, PAGE - (after % PAGE))), after };
      if (span.position > after && span.position <= settled) this.#keep(span);
      return span;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #keep(span: EventSpan): void {
    this.#kept.set(span.after, span);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    if (this.#willForget) return;
    this.#willForget = true;
    setTimeout(() => {
      this.#willForget = false;
      this.#kept.clear();
    }, KEPT_MS).unref();
  }
}
