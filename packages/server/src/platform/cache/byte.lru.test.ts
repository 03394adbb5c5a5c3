import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteLru } from './byte.lru.ts';

test('what was used least recently makes room', () => {
  const cache = new ByteLru<string>(3 * 300);
  for (const key of ['a', 'b', 'c']) cache.set(key, key.toUpperCase(), 100);
  expect(cache.get('a')).toBe('A');
  cache.set('d', 'D', 100);
  expect(['a', 'b', 'c', 'd'].map((key) => cache.peek(key))).toEqual(['A', undefined, 'C', 'D']);
});

test('one that weighs more than all may is not kept, and takes its predecessor away', () => {
  const cache = new ByteLru<string>(1_000);
  cache.set('a', 'small', 10);
  cache.set('a', 'large', 1_000);
  expect(cache.get('a')).toBeUndefined();
  expect([cache.size, cache.bytes]).toEqual([0, 0]);
});

test('never more bytes than allowed, and exactly those of what is there', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    bytes: fc.nat(600),
    drop: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = new ByteLru<number>(1_500);
      for (const { key, bytes, drop } of steps) {
        if (drop) cache.delete(key);
        else cache.set(key, bytes, bytes);
        expect(cache.bytes).toBeLessThanOrEqual(1_500);
      }
      const there = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((key) => cache.peek(key) ?? []);
      expect(cache.size).toBe(there.length);
      expect(cache.bytes).toBe(there.reduce((sum, bytes) => sum + bytes + 162, 0));
    }),
  );
});
