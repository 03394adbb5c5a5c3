const CAUSES_MAX = 100;

/** For what comes by the hundreds where something is wrong: it is told once, and then not for a while, by its cause. */
export class Seldom {
  readonly #quietMs: number;
  readonly #nowMs: () => number;
  readonly #toldMs = new Map<string, number>();

  constructor(quietMs: number, nowMs: () => number) {
    this.#quietMs = quietMs;
    this.#nowMs = nowMs;
  }

  /** Whether to tell of it now. */
  isNews(cause: string): boolean {
    const nowMs = this.#nowMs();
    const toldMs = this.#toldMs.get(cause);
    if (toldMs !== undefined && nowMs - toldMs < this.#quietMs) return false;
    if (this.#toldMs.size >= CAUSES_MAX) this.#toldMs.clear();
    this.#toldMs.set(cause, nowMs);
    return true;
  }
}
