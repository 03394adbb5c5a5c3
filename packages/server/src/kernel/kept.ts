import type { Clock } from './clock.ts';

export interface KeptOptions<Value> {
  read: () => Promise<Value>;
  clock: Clock;
  /** How long a value is kept, as a multiple of what reading it took: 20 spends at most a twentieth of the time. */
  keepFactor: number;
}

/**
 * A value that is dear to read: one reading at a time serves all who ask, and its answer is kept for as long as its cost
 * asks for. A reading that fails is not kept.
 */
export function createKept<Value>({ read, clock, keepFactor }: KeptOptions<Value>): () => Promise<Value> {
  let kept: { value: Value; untilMs: number } | null = null;
  let reading: Promise<Value> | null = null;

  const start = async (): Promise<Value> => {
    const began = clock.monotonic();
    try {
      const value = await read();
      const now = clock.monotonic();
      kept = { value, untilMs: now + (now - began) * keepFactor };
      return value;
    } finally {
      reading = null;
    }
  };

  return () => {
    if (kept !== null && clock.monotonic() < kept.untilMs) return Promise.resolve(kept.value);
    reading ??= start();
    return reading;
  };
}
