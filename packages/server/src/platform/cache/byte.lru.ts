/** What is kept, and what it is taken to weigh. */
interface Kept<Value> {
  value: Value;
  bytes: number;
}

/** For the key, the entry and its place in the map; measured on Node 24, rounded up. */
const ENTRY_BYTES = 160;

/**
 * A map that holds so many bytes and no more. It is kept in two generations: what is used moves to the younger one, and
 * when that holds half of what is allowed, the older one is given up and takes its place. So what was used lately stays,
 * and a hit costs one look: a list in the order of use would be changed with each (a tenth of a whole read).
 */
export class ByteLru<Value> {
  readonly #halfMax: number;
  #young = new Map<string, Kept<Value>>();
  #old = new Map<string, Kept<Value>>();
  #youngBytes = 0;
  #oldBytes = 0;

  constructor(bytesMax: number) {
    this.#halfMax = bytesMax / 2;
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young.value;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#oldBytes -= old.bytes;
    this.#add(key, old);
    return old.value;
  }

  /** @param bytes what the value weighs; one that weighs more than half of all may is not kept */
  set(key: string, value: Value, bytes: number): void {
    this.delete(key);
    const weight = bytes + ENTRY_BYTES + 2 * key.length;
    if (weight <= this.#halfMax) this.#add(key, { value, bytes: weight });
  }

  delete(key: string): boolean {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.#youngBytes -= young.bytes;
      return this.#young.delete(key);
    }
    const old = this.#old.get(key);
    if (old === undefined) return false;
    this.#oldBytes -= old.bytes;
    return this.#old.delete(key);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngBytes = 0;
    this.#oldBytes = 0;
  }

  #add(key: string, kept: Kept<Value>): void {
    if (this.#youngBytes + kept.bytes > this.#halfMax) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, kept);
    this.#youngBytes += kept.bytes;
  }
}
