import { expect, test } from 'vitest';
import { createKept } from './kept.ts';

/** A counter that takes 10 ms to read, on a clock that is moved by hand. */
function counter() {
  let now = 0;
  let readings = 0;
  const read = createKept({
    keepFactor: 20,
    clock: { now: () => now, monotonic: () => now },
    read: async () => {
      await Promise.resolve();
      now += 10;
      readings += 1;
      if (readings === 3) throw new Error('the database is away');
      return readings;
    },
  });
  return { read, pass: (ms: number) => (now += ms) };
}

test('all who ask at once share one reading', async () => {
  const { read } = counter();
  expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
});

test('a reading of 10 ms is kept for 200 ms', async () => {
  const { read, pass } = counter();
  expect(await read()).toBe(1);
  pass(199);
  expect(await read()).toBe(1);
  pass(1);
  expect(await read()).toBe(2);
});

test('a reading that fails is not kept', async () => {
  const { read, pass } = counter();
  await read();
  pass(200);
  await read();
  pass(200);
  await expect(read()).rejects.toThrow('the database is away');
  expect(await read()).toBe(4);
});
