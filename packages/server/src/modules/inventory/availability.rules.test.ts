import { expect, test } from 'vitest';
import { judgeAvailability, type AvailabilityLine } from './availability.rules.ts';

const FREE = new Map([
  [
    'MUG',
    [
      { location: 'WH001', available: 7 },
      { location: 'WH002', available: 5 },
    ],
  ],
]);

const line = (quantity: number, location: string | null = null, sku = 'MUG'): AvailabilityLine => ({
  sku,
  quantity,
  location,
});
const judge = (...lines: AvailabilityLine[]) =>
  judgeAvailability(lines, FREE).map(({ available, fulfillable }) => [available, fulfillable]);

test('a line without a location sees all of them', () => {
  expect(judgeAvailability([line(12)], FREE)).toEqual([
    {
      sku: 'MUG',
      quantity: 12,
      location: null,
      available: 12,
      fulfillable: true,
      byLocation: [
        { location: 'WH001', available: 7 },
        { location: 'WH002', available: 5 },
      ],
    },
  ]);
  expect(judge(line(13))).toEqual([[12, false]]);
});

test('a line with a location sees that one', () => {
  expect(judgeAvailability([line(5, 'WH002')], FREE)).toEqual([
    {
      sku: 'MUG',
      quantity: 5,
      location: 'WH002',
      available: 5,
      fulfillable: true,
      byLocation: [{ location: 'WH002', available: 5 }],
    },
  ]);
  expect(judge(line(6, 'WH002'))).toEqual([[5, false]]);
});

test('repeated lines are judged together', () => {
  expect(judge(line(3, 'WH002'), line(2, 'WH002'))).toEqual([
    [5, true],
    [5, true],
  ]);
  expect(judge(line(3, 'WH002'), line(3, 'WH002'))).toEqual([
    [5, false],
    [5, false],
  ]);
  expect(judge(line(6), line(7))).toEqual([
    [12, false],
    [12, false],
  ]);
});

test('lines that name a location take theirs first, the others share what is left', () => {
  expect(judge(line(5), line(7, 'WH001'))).toEqual([
    [12, true],
    [7, true],
  ]);
  expect(judge(line(6), line(7, 'WH001'))).toEqual([
    [12, false],
    [7, true],
  ]);
  // The 9 cannot be had, and the rest is shared without the location they ask for.
  expect(judge(line(5), line(9, 'WH001'))).toEqual([
    [12, true],
    [7, false],
  ]);
});

test('nothing free is an answer', () => {
  expect(judge(line(1, null, 'PLATE'), line(1, 'WH009'))).toEqual([
    [0, false],
    [0, false],
  ]);
});
