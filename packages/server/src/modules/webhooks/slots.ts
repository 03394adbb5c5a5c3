/** Requests that may be under way beyond one per endpoint, in one instance. */
export class Slots {
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  get hasFree(): boolean {
    return this.#free > 0;
  }

  take(): void {
    this.#free -= 1;
  }

  release(): void {
    this.#free += 1;
  }
}
