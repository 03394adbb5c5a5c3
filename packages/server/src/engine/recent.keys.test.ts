import { expect, test } from 'vitest';
import { RecentKeys } from './recent.keys.ts';

const keyOf = (key: string, owner = 'open', chunk?: number): Parameters<RecentKeys['see']>[0] => ({
  owner,
  key,
  requestHash: '',
  ...(chunk === undefined ? {} : { chunk }),
});

test('a key that came before is known; of another owner or slice it is another', () => {
  const keys = new RecentKeys();
  expect(keys.see(keyOf('k-1'))).toBe(false);
  expect(keys.see(keyOf('k-1'))).toBe(true);
  expect(keys.see(keyOf('k-1', 'key:1'))).toBe(false);
  expect(keys.see(keyOf('k-1', 'open', 1))).toBe(false);
  expect(keys.see(keyOf('k-1', 'open', 0))).toBe(true);
});

test('of 50,000 new keys hardly one is taken for an old one, and nearly all of them are known afterwards', () => {
  const keys = new RecentKeys();
  const names = Array.from({ length: 50_000 }, (_, index) => keyOf(`order-${index}`));
  const taken = names.filter((name) => keys.see(name)).length;
  const known = names.filter((name) => keys.see(name)).length;
  expect(taken).toBeLessThan(10);
  // Where two fall on one place each takes the other's.
  expect(known).toBeGreaterThan(30_000);
});
