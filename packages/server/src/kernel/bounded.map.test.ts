import { expect, test } from 'vitest';
import { keepNewest } from './bounded.map.ts';

test('of more than so many the one that was kept longest ago makes room; to be kept again makes it the newest', () => {
  const map = new Map<string, number>();
  for (const [value, key] of ['a', 'b', 'a', 'c'].entries()) keepNewest(map, key, value, 3);
  expect(Object.fromEntries(map)).toEqual({ b: 1, a: 2, c: 3 });
  keepNewest(map, 'd', 4, 3);
  expect([...map.keys()]).toEqual(['a', 'c', 'd']);
  keepNewest(map, 'e', 5, 1);
  expect([...map]).toEqual([['e', 5]]);
});
