import { expect, test } from 'vitest';
import { courseFromLedger, instantsBetween } from './course.rules.ts';
import { openUnits, sumByType } from './explain.rules.ts';

const at = (second: number): string => new Date(second * 1_000).toISOString();
const moved = (second: number, deltaOnHand: number, deltaReserved = 0) => {
  return { at: at(second), deltaOnHand, deltaReserved, deltaCommitted: 0 };
};

test('the course is exact: what came after an instant is taken away again', () => {
  const movements = [moved(10, 20), moved(40, -5, -5), moved(30, 0, 5)];
  const course = courseFromLedger({ onHand: 15, reserved: 0, committed: 0 }, movements, { fromMs: 0, toMs: 60_000 });
  expect(course).toEqual({
    times: [0, 10_000, 30_000, 40_000, 60_000],
    onHand: [0, 20, 20, 15, 15],
    reserved: [0, 0, 5, 0, 0],
    committed: [0, 0, 0, 0, 0],
  });
});

test('movements of one command are one point, and older ones do not count', () => {
  const course = courseFromLedger({ onHand: 9, reserved: 0, committed: 0 }, [moved(5, 4), moved(5, 4), moved(-9, 1)], {
    fromMs: 0,
    toMs: 10_000,
  });
  expect(course.times).toEqual([0, 5_000, 10_000]);
  expect(course.onHand).toEqual([1, 9, 9]);
});

test('instants include both ends', () => {
  expect(instantsBetween(0, 100, 5)).toEqual([0, 25, 50, 75, 100]);
});

test('on hand is the sum of its movements, by kind', () => {
  const rows = sumByType([
    { type: 'receipt', deltaOnHand: 100 },
    { type: 'receipt', deltaOnHand: 20 },
    { type: 'sale', deltaOnHand: -30 },
    { type: 'reserve', deltaOnHand: 0 },
  ]);
  expect(rows).toEqual([
    { type: 'receipt', count: 2, units: 120 },
    { type: 'sale', count: 1, units: -30 },
  ]);
});

test('what is open of a reservation: not shipped, not cancelled, and of this level', () => {
  const line = { sku: 'MUG', location: 'WH001', quantity: 5, shipped: 2, cancelled: 1 };
  const lines = [line, { ...line, location: 'WH002' }, { ...line, sku: 'BOWL' }];
  expect(openUnits(lines, 'MUG', 'WH001')).toBe(2);
  expect(openUnits(lines, 'MUG', null)).toBe(4);
});

test('what moved since the page looked at its clock last is not taken for what was always there', () => {
  const balances = { onHand: 12, reserved: 0, committed: 0 };
  const course = courseFromLedger(balances, [moved(67, 12)], { fromMs: 0, toMs: 60_000 });
  expect(course.times).toEqual([0, 67_000]);
  expect(course.onHand).toEqual([0, 12]);
});
