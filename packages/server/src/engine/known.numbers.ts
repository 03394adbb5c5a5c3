import type { Numbers } from './stock.recorder.ts';
import { BLOCK_SIZE, NumbersExhausted } from './numbers.ts';

/** Numbers from `next` up to, and without, `end`. */
export interface NumberRange {
  next: number;
  end: number;
}

/** Of fewer numbers than this a new block is drawn with the next batch. */
const LOW = BLOCK_SIZE / 2;

/**
 * Numbers for entries of levels that are not locked when they are drawn. Those of a level must rise: a block is given up
 * as soon as a level is learned that may have entries of a later one.
 */
export class KnownNumbers implements Numbers {
  #range: NumberRange = { next: 0, end: 0 };
  #spare: NumberRange | null = null;

  /** Blocks that the next batch should draw. */
  get wanted(): number {
    return this.#spare === null && this.#range.end - this.#range.next < LOW ? 1 : 0;
  }

  /** Whether a batch that takes so many at most can be decided. */
  has(count: number): boolean {
    return this.#range.end - this.#range.next >= count || (this.#spare !== null && count <= BLOCK_SIZE);
  }

  /** What is left of a block that was drawn under the locks of levels, of which no entry has a higher number. */
  learn(range: NumberRange): void {
    if (range.next <= this.#range.end) return;
    this.#range = range;
    if (this.#spare !== null && this.#spare.next < range.next) this.#spare = null;
  }

  /** A block that was drawn with a batch. */
  add(first: number): void {
    const range = { next: first, end: first + BLOCK_SIZE };
    if (first >= this.#range.end) this.#spare = range;
  }

  forget(): void {
    this.#range = { next: 0, end: 0 };
    this.#spare = null;
  }

  take(count: number): number {
    if (this.#range.end - this.#range.next < count) {
      if (this.#spare === null || count > BLOCK_SIZE) throw new NumbersExhausted();
      this.#range = this.#spare;
      this.#spare = null;
    }
    const first = this.#range.next;
    this.#range.next += count;
    return first;
  }
}
