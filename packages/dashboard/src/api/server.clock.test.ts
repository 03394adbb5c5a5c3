import { expect, test, vi } from 'vitest';
import { hearDate, serverNow } from './server.clock.ts';

const HOUR_MS = 3_600_000;

test('times are held against the clock of the server, however wrong the own one is', () => {
  vi.useFakeTimers();
  try {
    const saysNow = (wrongByMs: number, tookMs = 40): void =>
      hearDate(new Date(Date.now() - wrongByMs).toUTCString(), Date.now(), Date.now() + tookMs);
    saysNow(0);
    expect(serverNow() - Date.now()).toBe(0);
    saysNow(HOUR_MS);
    expect(Math.abs(serverNow() - Date.now() + HOUR_MS)).toBeLessThanOrEqual(2_000);
    const known = serverNow();
    // An answer that was long under way says little, and one that says nothing changes nothing.
    saysNow(HOUR_MS, 3 * HOUR_MS);
    hearDate(null, 0, 0);
    expect(serverNow()).toBe(known);
    // Somebody set it right.
    saysNow(0);
    expect(serverNow() - Date.now()).toBeLessThanOrEqual(0);
    expect(serverNow() - Date.now()).toBeGreaterThan(-1_000);
  } finally {
    vi.useRealTimers();
  }
});
