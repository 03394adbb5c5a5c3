import { keepNewest } from '../../kernel/bounded.map.ts';
import { Problem } from '../../kernel/problem.ts';
import type { EventBatch } from './event.feed.ts';
import { eventProblems } from './event.problems.ts';
import type { EventSpan } from './event.tail.ts';

const PAGE = 1_000;
const READS_MAX = 4;
const KEPT_MAX = 8;
const KEPT_MS = 10_000;

/**
 * The stream by the page, for readers who come from further back than the tail goes. Pages begin and end at the same
 * positions for everybody, so that a thousand readers who come back together share them, wherever each of them was; and
 * only so many are read at once, so that the past never takes the database from the present.
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

  /**
   * A span that begins at or before a position. Where it does not go beyond it, there may be nothing more yet.
   *
   * @throws Problem `position_gone`
   */
  async after(position: number): Promise<EventSpan> {
    const start = position - (position % PAGE);
    const kept = this.#kept.get(start);
    if (kept !== undefined && kept.position > position) return kept;
    if (start < position) {
      const span = await this.#shared(start).catch(beginningIsGone);
      if (span !== null && span.position > position) return span;
    }
    return this.#shared(position);
  }

  #shared(after: number): Promise<EventSpan> {
    const running = this.#reading.get(after);
    if (running !== undefined) return running;
    const read = this.#readPage(after).finally(() => this.#reading.delete(after));
    this.#reading.set(after, read);
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
    keepNewest(this.#kept, span.after, span, KEPT_MAX);
    if (this.#willForget) return;
    this.#willForget = true;
    setTimeout(() => {
      this.#willForget = false;
      this.#kept.clear();
    }, KEPT_MS).unref();
  }
}

/** The beginning of a page may be kept no longer while its end is. */
function beginningIsGone(error: unknown): null {
  if (error instanceof Problem && error.code === eventProblems.positionGone.code) return null;
  throw error;
}
