import { expect, test } from 'vitest';
import { plainText, safeCell } from './csv.cells.ts';

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['\rx', "'\rx"],
  ["'=x", "''=x"],
  ["'quoted'", "'quoted'"],
  ['a=b', 'a=b'],
  ['', ''],
])('%j stands in a cell as %j, and comes back', (text, cell) => {
  expect(safeCell(text)).toBe(cell);
  expect(plainText(cell)).toBe(text);
});
