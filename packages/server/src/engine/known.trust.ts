/** When too many batches were not done, everything goes under locks for so long; twice as long each time. */
const PAUSE_MS = 100;
const PAUSE_MAX_MS = 60_000;
/** Batches done in a row after which a pause is the first again. */
const TRUSTED_AFTER = 1_000;
/** A batch that was not done is made up for by so many that were; one is worth it while more than these are done. */
const DONE_PER_FAILURE = 5;
const FAILURES_MAX = 5;

/** Whether it is worth it to decide on what is known. Times are those of the monotonic clock. */
export class KnownTrust {
  #pauseMs = 0;
  #restsUntilMs = 0;
  #doneInARow = 0;
  /** Failures, less what was made up for. */
  #doubt = 0;

  isAwake(nowMs: number): boolean {
    return nowMs >= this.#restsUntilMs;
  }

  /** A batch was done. */
  praise(): void {
    this.#doneInARow += 1;
    this.#doubt = Math.max(0, this.#doubt - 1 / DONE_PER_FAILURE);
    if (this.#doneInARow >= TRUSTED_AFTER) this.#pauseMs = 0;
  }

  /** A batch was not done. */
  blame(nowMs: number): void {
    this.#doneInARow = 0;
    this.#doubt += 1;
    if (this.#doubt <= FAILURES_MAX) return;
    this.#doubt = 0;
    this.#pauseMs = Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MS, this.#pauseMs * 2));
    this.#restsUntilMs = nowMs + this.#pauseMs;
  }
}
