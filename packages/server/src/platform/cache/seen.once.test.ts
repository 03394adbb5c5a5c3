import { expect, test } from 'vitest';
import { SeenOnce } from './seen.once.ts';

test('the second time it is known, until many others have been asked for', () => {
  const seen = new SeenOnce(8);
  expect([seen.ask('a'), seen.ask('a'), seen.ask('b')]).toEqual([false, true, false]);
  for (const key of ['c', 'd', 'e', 'f']) seen.ask(key);
  expect(seen.ask('a')).toBe(true);
  for (let other = 0; other < 8; other += 1) seen.ask(`other ${other}`);
  expect(seen.ask('a')).toBe(false);
  seen.clear();
  expect(seen.ask('a')).toBe(false);
});

test('it forgets the older half once there are as many younger ones, and all at once when it is told to', () => {
  const seen = new SeenOnce(4);
  const asked = (...keys: string[]): boolean[] => keys.map((key) => seen.ask(key));
  expect(asked('a', 'b', 'c', 'd', 'a')).toEqual([false, false, false, false, false]);
  expect(asked('d')).toEqual([true]);
  seen.clear();
  expect(asked('c', 'd', 'a')).toEqual([false, false, false]);
});
