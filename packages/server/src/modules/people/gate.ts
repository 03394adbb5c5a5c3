import { Problem, problems } from '../../kernel/problem.ts';

/** Lets so many through at once; so many more wait, in the order in which they came; the others are told to come back. */
export class Gate {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor({ insideMax, waitingMax }: { insideMax: number; waitingMax: number }) {
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
  }

  /** @throws Problem `overloaded`, and what the work throws */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#inside < this.#insideMax) {
      this.#inside += 1;
      return;
    }
    if (this.#waiting.length >= this.#waitingMax) {
      throw new Problem(problems.overloaded, 'Too many people are signing in at this moment. Try again.');
    }
    // Whoever leaves hands over the place.
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside -= 1;
    else next();
  }
}
