/** `Date` is to the second, and Node makes it once a second. */
const DATE_WITHIN_MS = 2_000;

let aheadMs = 0;

/**
 * The time by the server's clock, in milliseconds since 1970: what the server says of times is held against it. Where the
 * reader's own clock is wrong by an hour, nothing else is.
 */
export function serverNow(): number {
  return Date.now() + aheadMs;
}

/** What an answer says of the server's clock. What is known stays as it is where it may be right. */
export function hearDate(date: string | null, sentMs: number, heardMs: number): void {
  const saidMs = Date.parse(date ?? '');
  if (!Number.isNaN(saidMs)) aheadMs = Math.min(Math.max(aheadMs, saidMs - heardMs), saidMs + DATE_WITHIN_MS - sentMs);
}
