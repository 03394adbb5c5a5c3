import type { Numbers } from './stock.recorder.ts';

/** The increment of entry_seq: so many numbers come with each value of it. */
export const BLOCK_SIZE = 4096;

/** A decision needs more numbers than were fetched: fetch more blocks and decide again. */
export class NumbersExhausted extends Error {}

/** Numbers from blocks of the sequence. A run never straddles two: it would not be a run where others write too. */
export class BlockNumbers implements Numbers {
  readonly #blocks: readonly number[];
  #block = 0;
  #used = 0;

  /** @param blocks values of entry_seq: each is the first number of its block */
  constructor(blocks: readonly number[]) {
    this.#blocks = blocks;
  }

  take(count: number): number {
    if (count > BLOCK_SIZE) throw new Error(`a run of ${count} numbers does not fit into a block`);
    if (this.#used + count > BLOCK_SIZE) {
      this.#block += 1;
      this.#used = 0;
    }
    const start = this.#blocks[this.#block];
    if (start === undefined) throw new NumbersExhausted();
    const first = start + this.#used;
    this.#used += count;
    return first;
  }

  /** What is left of the newest block. */
  get rest(): { next: number; end: number } {
    const last = this.#blocks.length - 1;
    const start = this.#blocks[last] ?? 0;
    return { next: start + (this.#block < last ? 0 : this.#used), end: start + BLOCK_SIZE };
  }
}
