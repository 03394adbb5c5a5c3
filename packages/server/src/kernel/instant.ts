/** 9999-12-31T23:59:59.999Z: no time of ours is later. */
export const LAST_MS = 253_402_300_799_999;

/**
 * Our times are whole milliseconds, a caller's may be finer. A bound between two milliseconds keeps its meaning when it
 * is moved to the next whole one: `at >= bound` and `at < bound` answer the same before and after. Behind the last there
 * is none: the end of time as other platforms write it, 9999-12-31T23:59:59.9999999Z, is ours.
 *
 * @param text an RFC 3339 time that was validated
 */
export function boundMs(text: string): number {
  const ms = Date.parse(text.toUpperCase());
  return FINER.test(text) ? Math.min(ms + 1, LAST_MS) : ms;
}

/** The last whole millisecond at or before a time, for `at <= time`. */
export function instantMs(text: string): number {
  return Date.parse(text.toUpperCase());
}

/** A digit that counts, after the milliseconds. */
const FINER = /\.\d{3}\d*[1-9]/;
