import { Problem, problems } from '../../kernel/problem.ts';

/** Their number alone bounds no time: on two busy cores a check of 0.1 s takes 0.5 s, and the last of 32 waits 16 s. */
const WAIT_MAX_MS = 3_000;

/**
 * Lets so many through at once; so many more wait, in the order in which they came, for 3 s at most; the others are told
 * to come back.
 */
export class Gate {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
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
    if (this.#waiting.size >= this.#waitingMax) throw tooMany();
    // Whoever leaves hands over the place.
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(enter);
        reject(tooMany());
      }, WAIT_MAX_MS);
      this.#waiting.add(enter);
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inside -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

function tooMany(): Problem {
  return new Problem(problems.overloaded, 'Too many people are signing in at this moment. Try again.');
}
