/** What failed attempts are counted by. */
export type ThrottleKind = 'pair' | 'address' | 'login';

interface Policy {
  /** Attempts that are let through at once. */
  free: number;
  holdMaxMs: number;
}

/**
 * - `pair`: one login from one address: somebody who guesses, or who forgot.
 * - `address`: any login from one address: somebody who tries one password on many.
 * - `login`: one login from anywhere: somebody with many addresses. Held for a minute at most, and not at all from an
 *   address where this person has signed in, or strangers could keep a person out.
 */
const POLICIES: Readonly<Record<ThrottleKind, Policy>> = {
  pair: { free: 5, holdMaxMs: 900_000 },
  address: { free: 20, holdMaxMs: 900_000 },
  login: { free: 20, holdMaxMs: 60_000 },
};

/** After so long without an attempt all is forgotten. */
export const FORGET_AFTER_MS = 3_600_000;

/** Attempts so far. Times in milliseconds since the epoch. */
export interface Attempts {
  failures: number;
  lastAtMs: number;
  heldUntilMs: number;
}

/**
 * One attempt more, counted as failed before anybody knows: of a thousand that come at once, all but the free ones are
 * held. The hold doubles with each: 1 s, 2 s, 4 s, …; attempts while it lasts are refused and do not count, so that nobody
 * is held for good.
 */
export function chargeAttempt(kind: ThrottleKind, before: Attempts | undefined, nowMs: number): Attempts {
  const { free, holdMaxMs } = POLICIES[kind];
  const failures = 1 + (before === undefined || isForgotten(before, nowMs) ? 0 : before.failures);
  const holdMs = failures < free ? 0 : Math.min(holdMaxMs, 1_000 * 2 ** (failures - free));
  return { failures, lastAtMs: nowMs, heldUntilMs: nowMs + holdMs };
}

/** For how long it is held yet. */
export function heldForMs(attempts: Attempts | undefined, nowMs: number): number {
  if (attempts === undefined || isForgotten(attempts, nowMs)) return 0;
  return Math.max(0, attempts.heldUntilMs - nowMs);
}

/** An attempt that is yet to come is one from before the clock was set back: it would hold until that time. */
function isForgotten({ lastAtMs }: Attempts, nowMs: number): boolean {
  return Math.abs(nowMs - lastAtMs) >= FORGET_AFTER_MS;
}
