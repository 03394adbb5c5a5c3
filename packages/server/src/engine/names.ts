/**
 * Which key a name had when it was last looked up. Never believed without a look: a batch reads the products and
 * locations again under its locks and starts over where a name has moved. Bounded: the oldest entry goes first.
 */
export class NameCache {
  readonly #ids = new Map<string, number>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(name: string): number | undefined {
    return this.#ids.get(name);
  }

  set(name: string, id: number): void {
    if (this.#ids.size >= this.#entriesMax && !this.#ids.has(name)) {
      const oldest = this.#ids.keys().next();
      if (oldest.done !== true) this.#ids.delete(oldest.value);
    }
    this.#ids.set(name, id);
  }

  delete(name: string): void {
    this.#ids.delete(name);
  }

  /** The names that are not known. */
  missing(names: Iterable<string>): string[] {
    const unknown: string[] = [];
    for (const name of names) if (!this.#ids.has(name)) unknown.push(name);
    return unknown;
  }
}
