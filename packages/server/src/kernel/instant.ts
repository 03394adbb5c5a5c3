/**
 * Our times are whole milliseconds, a caller's may be finer. A bound between two milliseconds keeps its meaning when it
 * is moved to the next whole one: `at >= bound` and `at < bound` answer the same before and after.
 *
 * @param text an RFC 3339 time that was validated
 */
export function boundMs(text: string): number {
  const ms = Date.parse(text.toUpperCase());
  return FINER.test(text) ? ms + 1 : ms;
}

/** The last whole millisecond at or before a time, for `at <= time`. */
export function instantMs(text: string): number {
  return Date.parse(text.toUpperCase());
}

/** A digit that counts, after the milliseconds. */
const FINER = /\.\d{3}\d*[1-9]/;
