import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteLru } from './byte.lru.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

test('what was not used for a while makes room', () => {
  const cache = new ByteLru<string>(2 * 3 * 262);
  for (const key of ['a', 'b', 'c']) cache.set(key, key.toUpperCase(), 100);
  // The first three are the older generation from here on; the one that is used is young again.
  cache.set('d', 'D', 100);
  expect(cache.get('a')).toBe('A');
  cache.set('e', 'E', 100);
  cache.set('f', 'F', 100);
  expect(KEYS.map((key) => cache.get(key))).toEqual(['A', undefined, undefined, 'D', 'E', 'F']);
});

test('all of it is counted and forgotten, in both generations', () => {
  // Each weighs 160 bytes, two for each letter of its key, and its own.
  const cache = new ByteLru<string>(2 * 200);
  cache.set('four', 'A', 32);
  cache.set('many', 'B', 32);
  expect([cache.size, cache.bytes, cache.get('four'), cache.get('many')]).toEqual([2, 400, 'A', 'B']);
  cache.clear();
  expect([cache.size, cache.bytes, cache.get('four'), cache.get('many')]).toEqual([0, 0, undefined, undefined]);
  cache.set('four', 'too large', 33);
  expect(cache.size).toBe(0);
});

test('one that weighs more than half of all may is not kept, and takes its predecessor away', () => {
  const cache = new ByteLru<string>(1_000);
  cache.set('a', 'small', 10);
  cache.set('a', 'large', 500);
  expect(cache.get('a')).toBeUndefined();
  expect([cache.size, cache.bytes]).toEqual([0, 0]);
});

test('never more bytes than allowed, exactly those of what is there, and never another value than the last', () => {
  const step = fc.record({
    key: fc.constantFrom(...KEYS),
    bytes: fc.nat(600),
    does: fc.constantFrom('set', 'get', 'delete'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const cache = new ByteLru<number>(1_500);
      const last = new Map<string, number>();
      for (const { key, bytes, does } of steps) {
        if (does === 'set') {
          cache.set(key, bytes, bytes);
          last.set(key, bytes);
        } else if (does === 'delete') {
          cache.delete(key);
          last.delete(key);
          expect(cache.get(key)).toBeUndefined();
        } else expect([undefined, last.get(key)]).toContain(cache.get(key));
        expect(cache.bytes).toBeLessThanOrEqual(1_500);
      }
      // A look may make room: so one after the other.
      let bytes = 0;
      for (const key of KEYS) {
        const value = cache.get(key);
        if (value === undefined) continue;
        cache.delete(key);
        bytes += value + 162;
      }
      expect(bytes).toBeLessThanOrEqual(1_500);
      expect([cache.size, cache.bytes]).toEqual([0, 0]);
    }),
  );
});
