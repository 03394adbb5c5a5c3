/** What is kept, and what it is taken to weigh. */
interface Kept<Value> {
  value: Value;
  bytes: number;
}

/** For the key, the entry and its place in the map; measured on Node 24, rounded up. */
const ENTRY_BYTES = 160;

/** A map that holds so many bytes and no more: what was used least recently goes first. */
export class ByteLru<Value> {
  readonly #bytesMax: number;
  readonly #entries = new Map<string, Kept<Value>>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value, which is the most recently used from now on. */
  get(key: string): Value | undefined {
    const kept = this.#entries.get(key);
    if (kept === undefined) return undefined;
    // A map keeps the order of insertion.
    this.#entries.delete(key);
    this.#entries.set(key, kept);
    return kept.value;
  }

  /** The value, without a word that it was used. */
  peek(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** @param bytes what the value weighs; one that weighs more than all may is not kept */
  set(key: string, value: Value, bytes: number): void {
    this.delete(key);
    const weight = bytes + ENTRY_BYTES + 2 * key.length;
    if (weight > this.#bytesMax) return;
    this.#entries.set(key, { value, bytes: weight });
    this.#bytes += weight;
    if (this.#bytes <= this.#bytesMax) return;
    for (const [oldest, { bytes: freed }] of this.#entries) {
      this.#entries.delete(oldest);
      this.#bytes -= freed;
      if (this.#bytes <= this.#bytesMax) return;
    }
  }

  delete(key: string): boolean {
    const kept = this.#entries.get(key);
    if (kept === undefined) return false;
    this.#entries.delete(key);
    this.#bytes -= kept.bytes;
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
