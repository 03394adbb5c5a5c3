import { expect, test } from 'vitest';
import { linesOf } from './bulk.lines.ts';

test('a batch takes as many units as its longest list has lines', () => {
  const two = { lines: [1, 2] };
  expect([undefined, null, 'text', {}, { items: [] }].map(linesOf)).toEqual([1, 1, 1, 1, 1]);
  expect(linesOf({ short: [1], items: [two, {}, { lines: [] }, null, 7], ids: ['a', 'b'] })).toBe(6);
});
