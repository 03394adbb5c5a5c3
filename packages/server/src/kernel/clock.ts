/**
 * The server's own clock, for durations, log lines and process-local duties. No decision about stock reads it: those
 * take the database's clock (engine/), so that instances with wrong clocks agree.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds on a clock that never goes back. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** The last two instants that were written out: those of a batch are its time and one expiry. */
let [latest, before] = [
  { epochMs: Number.NaN, text: '' },
  { epochMs: Number.NaN, text: '' },
];

/** Milliseconds since the epoch as RFC 3339 in UTC, such as 2026-11-20T10:00:00.000Z. */
export function toRfc3339(epochMs: number): string {
  if (epochMs === latest.epochMs) return latest.text;
  if (epochMs !== before.epochMs) before = { epochMs, text: new Date(epochMs).toISOString() };
  [latest, before] = [before, latest];
  return latest.text;
}

export function rfc3339OrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : toRfc3339(epochMs);
}
