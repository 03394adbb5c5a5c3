/**
 * Keys that were asked for lately, at least once: what is asked for a second time is worth keeping (the doorkeeper of
 * TinyLFU, Einziger et al. 2017). Of many keys that are asked for in no order, most never come again while they are kept:
 * keeping each cost a third of a read. Bounded: the older half is forgotten at once.
 */
export class SeenOnce {
  readonly #halfMax: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(keysMax: number) {
    this.#halfMax = keysMax / 2;
  }

  /** @returns whether it was asked for before */
  ask(key: string): boolean {
    if (this.#young.has(key)) return true;
    if (this.#young.size >= this.#halfMax) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(key);
    return this.#old.has(key);
  }

  clear(): void {
    this.#young = new Set();
    this.#old = new Set();
  }
}
