import { expect, test } from 'vitest';
import { asTheyAre, nextSort, rangeBetween, toggled } from './data.table.rules.ts';
import { pathThrough } from './sparkline.rules.ts';
import { shareLeft } from './state.badge.rules.ts';
import { formatAgo, formatLeft } from './time.format.ts';

test('a column is sorted up, then down, then not at all', () => {
  expect([nextSort(undefined, 'sku'), nextSort('sku', 'sku'), nextSort('-sku', 'sku')]).toEqual(['sku', '-sku', null]);
  expect(nextSort('-onHand', 'sku')).toBe('sku');
});

test('a selection with Shift goes either way', () => {
  expect(rangeBetween(2, 4)).toEqual([2, 4]);
  expect(rangeBetween(4, 2)).toEqual([2, 4]);
  expect(rangeBetween(3, 3)).toEqual([3, 3]);
  const select = (known: readonly string[], touched: readonly string[]): string[] => {
    const before = new Map(known.map((row) => [row, row]));
    return [...toggled(before, touched, (row) => row).keys()];
  };
  expect(select(['a'], ['a', 'b'])).toEqual(['a', 'b']);
  expect(select(['a', 'b', 'c'], ['a', 'b'])).toEqual(['c']);
});

test('selected rows are those that they are now, where they are here', () => {
  const [kept, was, is] = ['a active', 'b active', 'b resolved'];
  const selected = new Map([kept, was].map((row) => [row[0] ?? '', row]));
  const list = [null, is, 'c active'];
  const rows = { count: list.length, rowAt: (index: number) => list[index] ?? null };
  expect(asTheyAre(selected, rows, (row) => row[0] ?? '')).toEqual([kept, is]);
});

test('the time that is left counts down to zero, and no further', () => {
  const cases: [number, string][] = [
    [-5_000, '0:00'],
    [1, '0:01'],
    [61_000, '1:01'],
    [3_669_000, '1:01:09'],
    [90_000_000, '1 d 1 h'],
  ];
  expect(cases.map(([ms]) => formatLeft(ms))).toEqual(cases.map(([, text]) => text));
});

test('what just happened is now', () => {
  expect(formatAgo(1_000, 4_000)).toBe('now');
  expect(formatAgo(0, 3 * 3_600_000)).toMatch(/3/);
});

test('a ring drains from its hold to its end', () => {
  const [from, to] = ['2026-11-20T10:00:00.000Z', '2026-11-20T10:10:00.000Z'];
  expect(shareLeft(from, to, Date.parse('2026-11-20T10:05:00.000Z'))).toBe(0.5);
  expect(shareLeft(from, to, Date.parse('2026-11-20T11:00:00.000Z'))).toBe(0);
  expect(shareLeft(to, from, 0)).toBe(0);
});

test('a sparkline starts at zero, and a flat one lies in the middle of nothing', () => {
  expect(pathThrough([0, 5, 10], 20, 10)).toBe('M0 10L10 5L20 0');
  expect(pathThrough([0, 0], 20, 10)).toBe('M0 10L20 10');
  expect(pathThrough([3], 20, 10)).toBe('');
});
