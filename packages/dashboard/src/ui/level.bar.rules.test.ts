import { expect, test } from 'vitest';
import { describeBar, layOutBar, scaleOf, type LevelNumbers } from './level.bar.rules.ts';

const level: LevelNumbers = {
  onHand: 100,
  reserved: 20,
  committed: 30,
  safetyStock: 10,
  available: 40,
  incoming: 0,
  shortage: 0,
};

test('the parts stand in their order and fill what is on hand', () => {
  expect(layOutBar(level, 100).segments).toEqual([
    { part: 'committed', units: 30, percent: 30 },
    { part: 'reserved', units: 20, percent: 20 },
    { part: 'safety', units: 10, percent: 10 },
    { part: 'available', units: 40, percent: 40 },
  ]);
});

test('what is promised beyond what is there is left of zero, and nothing is drawn twice', () => {
  const short: LevelNumbers = { ...level, onHand: 40, available: 0, shortage: 10 };
  const { segments, shortage } = layOutBar(short, scaleOf(short));
  expect(segments.map(({ part, units }) => [part, units])).toEqual([
    ['committed', 30],
    ['reserved', 10],
  ]);
  expect(shortage).toEqual({ units: 10, percent: 20 });
});

test('a safety stock that is larger than what is free takes only what is there', () => {
  const low: LevelNumbers = { ...level, onHand: 55, available: 0, safetyStock: 10 };
  expect(layOutBar(low, 55).segments.at(-1)).toMatchObject({ part: 'safety', units: 5 });
});

test('one unit in a million is still seen', () => {
  const big: LevelNumbers = {
    ...level,
    onHand: 1_000_000,
    reserved: 1,
    committed: 0,
    safetyStock: 0,
    available: 999_999,
  };
  expect(layOutBar(big, scaleOf(big)).segments[0]).toEqual({ part: 'reserved', units: 1, percent: 1.5 });
  expect(describeBar(big)).toMatch(/^on hand 1\D000\D000, /);
});

test('what is free at an inactive location is neither safety stock nor available', () => {
  const closed: LevelNumbers = { ...level, available: 0 };
  expect(layOutBar(closed, 100).segments.map(({ part, units }) => [part, units])).toEqual([
    ['committed', 30],
    ['reserved', 20],
    ['safety', 10],
    ['inactive', 40],
  ]);
  expect(describeBar(closed)).toMatch(/safety 10, available 0, at inactive locations 40$/);
});

test('of sums the units of one level do not stand in for those that another has too few of', () => {
  const sums: LevelNumbers = {
    ...level,
    onHand: 43,
    reserved: 0,
    committed: 10,
    safetyStock: 12,
    available: 4,
    shortage: 6,
  };
  expect(layOutBar(sums, 49).segments.map(({ part, units }) => [part, units])).toEqual([
    ['committed', 4],
    ['safety', 12],
    ['inactive', 23],
    ['available', 4],
  ]);
});

test('an empty level has no parts, and says so', () => {
  const empty: LevelNumbers = { onHand: 0, reserved: 0, committed: 0, safetyStock: 0, available: 0, shortage: 0 };
  expect(layOutBar(empty, scaleOf(empty)).segments).toEqual([]);
  expect(describeBar(empty)).toBe('on hand 0, committed 0, reserved 0, safety 0, available 0');
});
