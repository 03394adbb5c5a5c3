/** Products that are remembered one by one; of the others it is known that they were changed by then at the latest. */
const PRODUCTS_MAX = 50_000;
/** The event of a commit comes within a second, or the stream is behind and nothing is believed. */
const ON_ITS_WAY_MS = 2_000;

/** Up to which position of the stream products were changed, as far as this instance has heard. */
export class TouchedProducts {
  /** Before it nothing is known. */
  #floor: number | null = null;
  #isLost = false;
  readonly #positions = new Map<string, number>();
  /** When this instance last changed a product, on the monotonic clock, while the event may not have come yet. */
  readonly #own = new Map<string, number>();
  #allOwnMs = -Infinity;

  /** From here on every event is heard; once, until it is cleared. */
  begin(position: number): void {
    this.#floor ??= this.#isLost ? position + 1 : position;
  }

  clear(): void {
    this.#floor = null;
    this.#positions.clear();
  }

  /** Not even what was read at the position where it begins again is known to hold: it may be of another life. */
  lose(): void {
    this.clear();
    this.#isLost = true;
  }

  /** An event that changed a product. */
  at(sku: string, position: number): void {
    this.#positions.delete(sku);
    this.#positions.set(sku, position);
    this.#floor = forgetOldest(this.#positions, this.#floor);
  }

  /** An event that changed many. */
  allAt(position: number): void {
    this.#floor = Math.max(this.#floor ?? 0, position);
  }

  /** A commit of this instance. */
  here(sku: string, nowMs: number): void {
    // While nothing is believed, one by one is not worth it.
    if (this.#floor === null) {
      this.#allOwnMs = nowMs;
      return;
    }
    this.#own.delete(sku);
    this.#own.set(sku, nowMs);
    for (const [oldest, committedMs] of this.#own) {
      if (nowMs - committedMs < ON_ITS_WAY_MS && this.#own.size <= PRODUCTS_MAX) break;
      if (nowMs - committedMs < ON_ITS_WAY_MS) this.#allOwnMs = nowMs;
      this.#own.delete(oldest);
    }
  }

  allHere(nowMs: number): void {
    this.#allOwnMs = nowMs;
  }

  isUntouchedSince(sku: string, position: number, nowMs: number): boolean {
    if (this.#floor === null || position < this.#floor || position < (this.#positions.get(sku) ?? 0)) return false;
    const committedMs = Math.max(this.#allOwnMs, this.#own.get(sku) ?? -Infinity);
    return nowMs - committedMs >= ON_ITS_WAY_MS;
  }
}

/** @returns the floor, above what was forgotten */
function forgetOldest(positions: Map<string, number>, floor: number | null): number | null {
  if (positions.size <= PRODUCTS_MAX) return floor;
  const oldest = positions.entries().next();
  if (oldest.done === true) return floor;
  const [sku, position] = oldest.value;
  positions.delete(sku);
  return floor === null ? null : Math.max(floor, position);
}
