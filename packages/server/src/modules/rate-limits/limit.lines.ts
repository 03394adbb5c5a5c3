import type { Charge } from '../../platform/limiter/index.ts';

/** The header lines of a rule. What is the same from one answer to the next is written once. */
export class LimitLines {
  /** The name as a string of a structured field (RFC 9651). */
  readonly #label: string;
  readonly #windowMs: number;
  #limit = -1;
  #policy = '';
  /** Up to the units that are left: with the policy, and without. */
  #head = '';
  #stateHead = '';
  #resetS = -1;
  #resetAtS = -1;
  /** Between the units that are left and these once more. */
  #middle = '';

  constructor(name: string, windowMs: number) {
    this.#label = fieldString(name);
    this.#windowMs = windowMs;
  }

  policyOf(limit: number): string {
    if (limit !== this.#limit) this.#useLimit(limit);
    return this.#policy;
  }

  /** All five. */
  write(charge: Charge, nowMs: number): string {
    if (charge.limit !== this.#limit) this.#useLimit(charge.limit);
    return this.#head + this.#left(charge, nowMs);
  }

  /** Without the policy. */
  writeState(charge: Charge, nowMs: number): string {
    if (charge.limit !== this.#limit) this.#useLimit(charge.limit);
    return this.#stateHead + this.#left(charge, nowMs);
  }

  #left({ remaining, resetMs }: Charge, nowMs: number): string {
    const resetS = seconds(resetMs);
    const resetAtS = seconds(nowMs + resetMs);
    if (resetS !== this.#resetS || resetAtS !== this.#resetAtS) {
      this.#resetS = resetS;
      this.#resetAtS = resetAtS;
      this.#middle = `;t=${resetS}\r\nX-RateLimit-Reset: ${resetAtS}\r\nX-RateLimit-Remaining: `;
    }
    const left = `${remaining}`;
    return `${left}${this.#middle}${left}\r\n`;
  }

  #useLimit(limit: number): void {
    this.#limit = limit;
    // The draft counts windows in whole seconds.
    this.#policy = `${this.#label};q=${limit};w=${seconds(this.#windowMs)}`;
    this.#stateHead = `X-RateLimit-Limit: ${limit}\r\nRateLimit: ${this.#label};r=`;
    this.#head = `RateLimit-Policy: ${this.#policy}\r\n${this.#stateHead}`;
  }
}

/** Visible ASCII; the rest is percent-encoded. */
function fieldString(name: string): string {
  const ascii = name.replaceAll(/[^\x20-\x7e]/gu, (character) => encodeURIComponent(character));
  return `"${ascii.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;
}

export function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
