import { Problem, problems } from '../../kernel/problem.ts';

/** Lets so many at a time; the others wait in line. */
export class Turns {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /**
   * Resolves when it is the caller's turn, which it gives back by `end`.
   *
   * @throws Problem `level_busy` where it is not within so many milliseconds
   */
  async take(withinMs: number): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#line.splice(this.#line.indexOf(next), 1);
        const detail = 'Too many wait for rows that another writer holds. Nothing was changed; try again shortly.';
        reject(new Problem(problems.levelBusy, detail));
      }, withinMs);
      this.#line.push(next);
    });
  }

  end(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
