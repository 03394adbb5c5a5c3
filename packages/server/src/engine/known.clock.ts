/** So much two clocks may drift apart: 200 ms in 1,000 s. */
const DRIFT = 0.0002;
/** A clock that is this much behind was set back. */
const SET_BACK_MS = 1_000;

/**
 * The database's clock, told from this process's monotonic one, which no one sets. It was read some time before the
 * answer came, so what is told is a little late, never early; the answer that was the least late counts.
 */
export class KnownClock {
  #offsetMs: number | null = null;
  #learnedAtMs = 0;

  /**
   * @param clockMs what the database's clock said
   * @param heardAtMs when that was heard, on the monotonic clock
   */
  learn(clockMs: number, heardAtMs: number): void {
    const offsetMs = clockMs - heardAtMs;
    const knownMs = this.#offsetMs === null ? offsetMs : this.#offsetMs - (heardAtMs - this.#learnedAtMs) * DRIFT;
    this.#offsetMs = offsetMs < knownMs - SET_BACK_MS ? offsetMs : Math.max(offsetMs, knownMs);
    this.#learnedAtMs = heardAtMs;
  }

  forget(): void {
    this.#offsetMs = null;
  }

  /** Whole milliseconds since the epoch, rounded down; null before anything was learned. */
  nowMs(atMs: number): number | null {
    return this.#offsetMs === null ? null : Math.floor(atMs + this.#offsetMs);
  }
}
