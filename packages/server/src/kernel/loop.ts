/**
 * Runs a duty again and again, each time after the pause that its last run asked for. A run that fails is told and
 * tried again after `afterErrorMs`. The loop does not keep the process alive.
 */
export class Loop {
  readonly #run: () => Promise<number>;
  readonly #afterErrorMs: number;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  /** @param run answers how long to wait before the next run, in milliseconds */
  constructor(run: () => Promise<number>, options: { afterErrorMs: number; onError: (error: unknown) => void }) {
    this.#run = run;
    this.#afterErrorMs = options.afterErrorMs;
    this.#onError = options.onError;
  }

  start(): void {
    this.#running = this.#runAndWait();
  }

  /** Resolves once the run that is under way, if any, has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  async #runAndWait(): Promise<void> {
    let pauseMs = this.#afterErrorMs;
    try {
      pauseMs = await this.#run();
    } catch (error) {
      this.#onError(error);
    }
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.start(), pauseMs);
    this.#timer.unref();
  }
}
