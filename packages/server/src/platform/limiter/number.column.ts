const CHUNK_BITS = 10;
/** 8 KB. */
const CHUNK_SLOTS = 2 ** CHUNK_BITS;

/**
 * Numbers by slot. It grows by pieces: one array that is copied into a larger one leaves garbage that V8, which does not
 * see it on its heap, is slow to collect (36 of the 310 MB that a process with a million subjects once took), and the
 * copying is a pause.
 */
export class NumberColumn {
  readonly #chunks: Float64Array[] = [];

  /** Slots that were never set hold 0. */
  reach(slot: number): void {
    while (this.#chunks.length * CHUNK_SLOTS <= slot) this.#chunks.push(new Float64Array(CHUNK_SLOTS));
  }

  get(slot: number): number {
    return (this.#chunks[slot >> CHUNK_BITS] as Float64Array)[slot & (CHUNK_SLOTS - 1)] as number;
  }

  set(slot: number, value: number): void {
    (this.#chunks[slot >> CHUNK_BITS] as Float64Array)[slot & (CHUNK_SLOTS - 1)] = value;
  }
}
