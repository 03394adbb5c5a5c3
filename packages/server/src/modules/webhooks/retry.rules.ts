/** When an event that failed is tried again, and when no more. Pure: instants are milliseconds on any one clock. */

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const PAUSES_SECONDS = [1, 2, 5, 15, 60, 300, 900, 3_600, 7_200, 14_400, 28_800, 43_200] as const;
export const RETRIES_FOR_MS = 72 * HOUR_MS;
export const REFUSALS_MAX = 10;
/** A share of the pause either way, so that what failed together does not come back together. */
const JITTER = 0.2;

/** @param random 0 to 1 */
function jittered(ms: number, random: number): number {
  return ms * (1 - JITTER + 2 * JITTER * random);
}

/** @param failures how many there were so far; those of an endpoint that is dead as a whole are not the event's */
export function pauseAfter(failures: number, random: number): number {
  const seconds = PAUSES_SECONDS[Math.min(failures, PAUSES_SECONDS.length) - 1] ?? 1;
  return jittered(seconds * SECOND_MS, random);
}

export interface FailedEvent {
  /** Failed attempts since the endpoint was last dead as a whole. */
  refusals: number;
  firstAttemptMs: number;
}

/** What an endpoint does meanwhile: it took others since this event was first tried, or none, or is dead as a whole. */
export type Health = 'taking' | 'failing' | 'dead';

export type Verdict = { kind: 'retry'; atMs: number } | { kind: 'set_aside' } | { kind: 'failed' };

/** What becomes of an event after a failed attempt. While the endpoint is dead, none is given up. */
export function verdictOn(event: FailedEvent, health: Health, nowMs: number, random: number): Verdict {
  const atMs = nowMs + pauseAfter(event.refusals, random);
  if (health === 'dead') return { kind: 'retry', atMs };
  const endMs = event.firstAttemptMs + RETRIES_FOR_MS;
  if (nowMs >= endMs) return { kind: 'failed' };
  if (health === 'taking' && event.refusals >= REFUSALS_MAX) return { kind: 'set_aside' };
  return { kind: 'retry', atMs: Math.min(atMs, endMs) };
}

/** An endpoint's circuit. It is open while `probeAtMs` is not null: then nothing is sent before that instant. */
export interface Circuit {
  failuresInRow: number;
  failingSinceMs: number | null;
  probeAtMs: number | null;
}

export const CLOSED: Circuit = { failuresInRow: 0, failingSinceMs: null, probeAtMs: null };

const OPENS_AT = 5;
const PROBES_SECONDS = [1, 2, 5, 15, 60, 300] as const;

/** Pauses between probes: seconds at first, since most outages are restarts, then 5 minutes. */
export function circuitAfterFailure(circuit: Circuit, nowMs: number, random: number): Circuit {
  const failuresInRow = circuit.failuresInRow + 1;
  const failingSinceMs = circuit.failingSinceMs ?? nowMs;
  if (failuresInRow < OPENS_AT) return { failuresInRow, failingSinceMs, probeAtMs: null };
  const seconds = PROBES_SECONDS[Math.min(failuresInRow - OPENS_AT, PROBES_SECONDS.length - 1)] ?? 1;
  return { failuresInRow, failingSinceMs, probeAtMs: nowMs + jittered(seconds * SECOND_MS, random) };
}

/** An endpoint that took nothing for as long as an event is tried is given up as well. */
export function isGivenUp({ failingSinceMs, probeAtMs }: Circuit, nowMs: number): boolean {
  return probeAtMs !== null && failingSinceMs !== null && nowMs - failingSinceMs >= RETRIES_FOR_MS;
}
