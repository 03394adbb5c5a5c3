import { expect, test } from 'vitest';
import { noNews, unlisted, withNews, type News } from './new.rows.rules.ts';

const listOf = (...rows: (string | null)[]) => ({ count: rows.length, rowAt: (index: number) => rows[index] ?? null });
const newsOf = (...keys: string[]): News => keys.reduce(withNews, noNews('runs'));
const keyOf = (row: string): string => row;

test('a row is announced once, and not where the list has it already', () => {
  const news = newsOf('b', 'c', 'b');
  expect(unlisted(news, listOf('a'), keyOf)).toBe(2);
  expect(unlisted(news, listOf('b', 'a'), keyOf)).toBe(1);
  expect(unlisted(news, listOf('c', 'b', 'a'), keyOf)).toBe(0);
});

test('rows that are not here may be any', () => {
  expect(unlisted(newsOf('b'), listOf(null, 'a'), keyOf)).toBe(1);
});

test('where more come than are looked for, each counts', () => {
  const news = newsOf(...Array.from({ length: 1_002 }, (_, index) => String(index)));
  expect(unlisted(news, listOf('0', '1001'), keyOf)).toBe(1_001);
});
