import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  circuitAfterFailure,
  CLOSED,
  isGivenUp,
  pauseAfter,
  RETRIES_FOR_MS,
  verdictOn,
  type Circuit,
  type Health,
} from './retry.rules.ts';

describe('pauses between attempts', () => {
  it('are about 1, 2, 5, 15 and 60 seconds, then minutes to hours', () => {
    const seconds = Array.from({ length: 14 }, (_, index) => pauseAfter(index + 1, 0.5) / 1_000);
    expect(seconds).toEqual([1, 2, 5, 15, 60, 300, 900, 3600, 7200, 14_400, 28_800, 43_200, 43_200, 43_200]);
  });

  it('vary by a fifth either way', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, random) => {
        const middle = pauseAfter(attempts, 0.5);
        expect(Math.abs(pauseAfter(attempts, random) - middle)).toBeLessThanOrEqual(middle * 0.2 + 0.001);
      }),
    );
  });
});

describe('an event that failed', () => {
  const event = { refusals: 3, firstAttemptMs: 1_000 };

  it('is tried until three days after its first attempt, and then once more', () => {
    let nowMs = event.firstAttemptMs;
    let attempts = 0;
    for (;;) {
      attempts += 1;
      const verdict = verdictOn({ ...event, refusals: attempts }, 'failing', nowMs, 0.5);
      if (verdict.kind !== 'retry') break;
      expect(verdict.atMs).toBeGreaterThan(nowMs);
      nowMs = verdict.atMs;
    }
    expect(nowMs).toBe(event.firstAttemptMs + RETRIES_FOR_MS);
    expect(attempts).toBeGreaterThan(14);
    expect(attempts).toBeLessThan(20);
  });

  it('is set aside after ten refusals of a healthy endpoint, and of no other', () => {
    const verdict = (refusals: number, health: Health) => verdictOn({ ...event, refusals }, health, 5_000, 0.5).kind;
    expect([verdict(9, 'taking'), verdict(10, 'taking'), verdict(10, 'failing'), verdict(10, 'dead')]).toEqual([
      'retry',
      'set_aside',
      'retry',
      'retry',
    ]);
  });

  it('is not given up while the endpoint is dead', () => {
    const nowMs = event.firstAttemptMs + RETRIES_FOR_MS;
    expect(verdictOn(event, 'failing', nowMs, 0.5)).toEqual({ kind: 'failed' });
    expect(verdictOn(event, 'dead', nowMs, 0.5)).toEqual({ kind: 'retry', atMs: nowMs + 5_000 });
  });
});

describe('the circuit', () => {
  const failing = (times: number): Circuit => {
    let circuit = CLOSED;
    for (let count = 0; count < times; count += 1) circuit = circuitAfterFailure(circuit, 1_000, 0.5);
    return circuit;
  };

  it('opens with the fifth failure in a row, and probes after seconds, then every five minutes', () => {
    expect(failing(4)).toEqual({ failuresInRow: 4, failingSinceMs: 1_000, probeAtMs: null });
    const pauses = [5, 6, 7, 8, 9, 10, 11, 50].map((times) => ((failing(times).probeAtMs ?? 0) - 1_000) / 1_000);
    expect(pauses).toEqual([1, 2, 5, 15, 60, 300, 300, 300]);
  });

  it('gives an endpoint up that took nothing for three days', () => {
    const circuit = failing(9);
    expect(isGivenUp(circuit, 1_000 + RETRIES_FOR_MS - 1)).toBe(false);
    expect(isGivenUp(circuit, 1_000 + RETRIES_FOR_MS)).toBe(true);
    expect(isGivenUp(failing(3), 1_000 + 2 * RETRIES_FOR_MS)).toBe(false);
  });
});
