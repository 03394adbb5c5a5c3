import { describe, expect, it } from 'vitest';
import { retryAfterMs } from './retry.after.ts';

describe('Retry-After', () => {
  const now = Date.parse('2026-11-20T10:00:00Z');
  it.each([
    [undefined, 0],
    ['120', 120_000],
    ['0', 0],
    ['86400', 3_600_000],
    ['Fri, 20 Nov 2026 10:00:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 09:00:00 GMT', 0],
    ['soon', 0],
    ['-5', 0],
  ])('%s', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });
});
