import { expect, test } from 'vitest';
import { inTime, TooLate } from './in.time.ts';

/** The event loop does nothing else for so long. */
function holdUp(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test('what had come while the event loop was busy is in time, and what had not is too late', async () => {
  const here = inTime(new Promise((resolve) => setImmediate(resolve, 'here')), 5);
  const nowhere = inTime(new Promise(() => undefined), 5).catch((error: unknown) => error);
  holdUp(10);
  expect(await here).toBe('here');
  expect(await nowhere).toBeInstanceOf(TooLate);
});
