import { expect, test } from 'vitest';
import { csvCell } from './export.rules.ts';

test('a cell is quoted where it must be, and never a formula', () => {
  expect([12, null, 'MUG', 'a,b', 'say "hi"'].map(csvCell)).toEqual(['12', '', 'MUG', '"a,b"', '"say ""hi"""']);
  expect(csvCell('=HYPERLINK("https://x")')).toBe(`"'=HYPERLINK(""https://x"")"`);
  expect(csvCell(-5)).toBe('-5');
});
