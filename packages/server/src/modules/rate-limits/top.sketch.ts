/** What is remembered of one subject: what was counted since it is an entry, and `error` that it may have had before. */
export interface TopEntry {
  subject: string;
  allowed: number;
  refused: number;
  error: number;
}

/**
 * The subjects that come most often, in bounded memory: SpaceSaving (Metwally, Agrawal, El Abbadi, "Efficient Computation
 * of Frequent and Top-k Elements in Data Streams", 2005). Of `capacity` entries the least takes in who is new and
 * inherits its count; whoever makes up more than 1/capacity of the traffic is among them for certain.
 */
export class TopSketch {
  readonly #capacity: number;
  readonly #entries = new Map<string, TopEntry>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  count(subject: string, allowed: boolean): void {
    const entry = this.#entries.get(subject) ?? this.#takeIn(subject);
    if (allowed) entry.allowed += 1;
    else entry.refused += 1;
  }

  /** The largest first; the sketch begins anew. */
  drain(count: number): TopEntry[] {
    const all = [...this.#entries.values()].toSorted((left, right) => totalOf(right) - totalOf(left));
    this.#entries.clear();
    return all.slice(0, count);
  }

  get size(): number {
    return this.#entries.size;
  }

  #takeIn(subject: string): TopEntry {
    const entry: TopEntry = { subject, allowed: 0, refused: 0, error: 0 };
    if (this.#entries.size >= this.#capacity) {
      const least = this.#findLeast();
      this.#entries.delete(least.subject);
      // What it inherits is told apart, so that a newcomer does not look like a regular.
      entry.error = totalOf(least) + least.error;
    }
    this.#entries.set(subject, entry);
    return entry;
  }

  #findLeast(): TopEntry {
    let least: TopEntry | null = null;
    for (const entry of this.#entries.values()) {
      if (least === null || weightOf(entry) < weightOf(least)) least = entry;
    }
    return least as TopEntry;
  }
}

function totalOf({ allowed, refused }: TopEntry): number {
  return allowed + refused;
}

function weightOf(entry: TopEntry): number {
  return totalOf(entry) + entry.error;
}
