/** Lets one waiter sleep until something happens. What happens while nobody waits is not lost. */
export class Latch {
  #isSet = false;
  #wake: (() => void) | null = null;

  set(): void {
    this.#isSet = true;
    this.#wake?.();
  }

  /** @param ms at most so long; Infinity: for ever. A waiter does not keep the process alive. */
  async wait(ms: number): Promise<void> {
    if (!this.#isSet && ms > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (Number.isFinite(ms)) timer = setTimeout(resolve, Math.min(ms, TIMER_MAX_MS)).unref();
      });
      clearTimeout(timer);
      this.#wake = null;
    }
    this.#isSet = false;
  }
}

const TIMER_MAX_MS = 2_147_483_647;
