import { describe, expect, test } from 'vitest';
import { chargeAttempt, heldForMs, type Attempts, type ThrottleKind } from './throttle.rules.ts';

const T0 = 1_800_000_000_000;

/** The holds after each of so many attempts, each made as soon as it may be. */
function holdsOf(kind: ThrottleKind, count: number): number[] {
  const holds: number[] = [];
  let attempts: Attempts | undefined;
  let nowMs = T0;
  for (let made = 0; made < count; made += 1) {
    attempts = chargeAttempt(kind, attempts, nowMs);
    const held = heldForMs(attempts, nowMs);
    holds.push(held / 1_000);
    nowMs += held;
  }
  return holds;
}

describe('failed attempts', () => {
  test('of a login from one address: five, then each waits twice as long, up to a quarter of an hour', () => {
    expect(holdsOf('pair', 16)).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  test('of an address: twenty', () => {
    expect(holdsOf('address', 22)).toEqual([...Array.from({ length: 19 }, () => 0), 1, 2, 4]);
  });

  test('of a login from everywhere: a minute at most, so that nobody is kept out', () => {
    expect(Math.max(...holdsOf('login', 200))).toBe(60);
  });

  test('are forgotten after an hour', () => {
    let attempts: Attempts | undefined;
    for (let made = 0; made < 10; made += 1) attempts = chargeAttempt('pair', attempts, T0);
    expect(chargeAttempt('pair', attempts, T0 + 3_599_999).failures).toBe(11);
    expect(chargeAttempt('pair', attempts, T0 + 3_600_000)).toEqual({
      failures: 1,
      lastAtMs: T0 + 3_600_000,
      heldUntilMs: T0 + 3_600_000,
    });
  });

  test('of a time that the clock was set back from hold nobody until it comes again', () => {
    const aYearAhead = { failures: 30, lastAtMs: T0 + 31_536_000_000, heldUntilMs: T0 + 31_536_900_000 };
    expect(heldForMs(aYearAhead, T0)).toBe(0);
    expect(chargeAttempt('pair', aYearAhead, T0)).toEqual({ failures: 1, lastAtMs: T0, heldUntilMs: T0 });
    // A little is no more than a clock that is put right.
    const aMinuteAhead = chargeAttempt('pair', { failures: 9, lastAtMs: T0, heldUntilMs: T0 }, T0 + 60_000);
    expect(heldForMs(aMinuteAhead, T0)).toBe(60_000 + 32_000);
  });

  test('never hold for longer than they say, however many', () => {
    const many = chargeAttempt('pair', { failures: 2_000_000_000, lastAtMs: T0, heldUntilMs: T0 }, T0);
    expect(heldForMs(many, T0)).toBe(900_000);
    expect(heldForMs(many, T0 + 900_001)).toBe(0);
    expect(heldForMs(undefined, T0)).toBe(0);
  });
});
