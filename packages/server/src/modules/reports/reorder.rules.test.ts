import { expect, test } from 'vitest';
import { reorderOf, type ReorderFacts } from './reorder.rules.ts';

const level: ReorderFacts = {
  onHand: 10,
  available: 8,
  incoming: 0,
  reorderPoint: 10,
  reorderQuantity: null,
  maxLevel: null,
  sold: 60,
};
const month = { days: 30, coverDays: 30 };

test.each<[string, Partial<ReorderFacts>, object]>([
  ['covers the days, less what is there', {}, { soldPerDay: 2, daysOfSupply: 4, suggested: 52 }],
  ['what is incoming counts', { incoming: 50 }, { soldPerDay: 2, daysOfSupply: 4, suggested: 2 }],
  ['nothing, where enough is incoming', { incoming: 52 }, { soldPerDay: 2, daysOfSupply: 4, suggested: 0 }],
  [
    'above the reorder point, where little was sold',
    { sold: 1 },
    { soldPerDay: 0.03, daysOfSupply: 240, suggested: 3 },
  ],
  ['above the reorder point, where nothing was', { sold: 0 }, { soldPerDay: 0, daysOfSupply: null, suggested: 3 }],
  ['at least the reorder quantity', { reorderQuantity: 100 }, { soldPerDay: 2, daysOfSupply: 4, suggested: 100 }],
  ['not the reorder quantity where nothing is missing', { reorderQuantity: 100, incoming: 90 }, { suggested: 0 }],
  ['no more than there is room for', { maxLevel: 40 }, { suggested: 30 }],
  ['no more than there is room for, with the incoming', { maxLevel: 40, incoming: 25 }, { suggested: 5 }],
  ['nothing where it is too full already', { maxLevel: 5 }, { suggested: 0 }],
  ['what is promised and not there as well', { available: -20 }, { daysOfSupply: 0, suggested: 80 }],
  ['without a reorder point, for the days alone', { reorderPoint: null, available: 0 }, { suggested: 60 }],
])('%s', (_what, change, expected) => {
  expect(reorderOf({ ...level, ...change }, month)).toMatchObject(expected);
});

test('parts of a unit are whole ones', () => {
  expect(reorderOf({ ...level, available: 0, reorderPoint: null, sold: 10 }, { days: 7, coverDays: 3 })).toEqual({
    soldPerDay: 1.43,
    daysOfSupply: 0,
    // 4.28…
    suggested: 5,
  });
});

test('exact for the largest quantities', () => {
  const sold = 999_999_999_999;
  const span = { days: 364, coverDays: 365 };
  const { suggested } = reorderOf({ ...level, available: 0, reorderPoint: null, sold }, span);
  expect(suggested).toBe(1_002_747_252_747);
});
