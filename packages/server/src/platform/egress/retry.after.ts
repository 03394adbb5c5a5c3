const RETRY_AFTER_MAX_MS = 3_600_000;

/**
 * How long an endpoint asks to be left alone (RFC 9110, 10.2.3): seconds or a date, an hour at most.
 *
 * @param nowMs milliseconds since the epoch
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS) : 0;
}
