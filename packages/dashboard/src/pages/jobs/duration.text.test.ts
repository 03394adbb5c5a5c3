import { expect, test } from 'vitest';
import { durationText, parseDuration, roughDuration } from './duration.text.ts';

test.each([
  [5_400_000, '1 h 30 min'],
  [300_000, '5 min'],
  [1_500, '1 s 500 ms'],
  [90_061_000, '1 d 1 h 1 min 1 s'],
  [0, '0 s'],
])('%i ms is written %s, and read back', (ms, text) => {
  expect(durationText(ms)).toBe(text);
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ['90s', 90_000],
  ['1.5 hours', 5_400_000],
  [' 2 Minutes ', 120_000],
  ['1h30m', 5_400_000],
])('people may write %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(['', '5', 'soon', '5 parsecs', '-5 s', '1 h soon'])('%j is no duration', (text) =>
  expect(parseDuration(text)).toBeNull(),
);

test.each([
  [0, '0 ms'],
  [999.6, '1000 ms'],
  [1_240, '1.2 s'],
  [9_960, '10 s'],
  [59_960, '1 min'],
  [125_000, '2 min 5 s'],
  [3_599_900, '1 h'],
  [3_840_000, '1 h 4 min'],
  [266_400_000, '3 d 2 h'],
])('%d ms reads %s', (ms, text) => expect(roughDuration(ms)).toBe(text));
