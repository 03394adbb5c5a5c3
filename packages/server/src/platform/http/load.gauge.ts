import type { Clock } from '../../kernel/clock.ts';
import { Problem, problems } from '../../kernel/problem.ts';

const SAMPLE_MS = 500;

export interface LoadLimits {
  inFlightMax: number;
  eventLoopLagMaxMs: number;
}

/**
 * Says when the server has more than it can answer in time: too many requests at once, or an event loop that comes late
 * to its own timer. Full load by itself is neither: the loop of a busy server is late by milliseconds.
 */
export class LoadGauge {
  readonly #limits: LoadLimits;
  readonly #clock: Clock;
  #inFlight = 0;
  #lagMs = 0;
  #dueMs = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(limits: LoadLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  start(): void {
    this.#dueMs = this.#clock.monotonic() + SAMPLE_MS;
    this.#timer = setInterval(() => this.sample(), SAMPLE_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** How late the timer fired. Runs by itself once started. */
  sample(): void {
    const now = this.#clock.monotonic();
    this.#lagMs = Math.max(0, now - this.#dueMs);
    this.#dueMs = now + SAMPLE_MS;
  }

  enter(): void {
    this.#inFlight += 1;
  }

  leave(): void {
    this.#inFlight -= 1;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get lagMs(): number {
    return this.#lagMs;
  }

  /** @throws Problem `overloaded` */
  refuseWhenOverloaded(): void {
    if (this.#inFlight > this.#limits.inFlightMax || this.#lagMs > this.#limits.eventLoopLagMaxMs) {
      throw new Problem(problems.overloaded, 'Wait as long as Retry-After says and try again.');
    }
  }
}
