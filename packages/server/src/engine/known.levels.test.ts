import { expect, test } from 'vitest';
import { loadedWorld, NOON } from './decide.fixture.ts';
import { KnownLevels } from './known.levels.ts';
import { buildState } from './loaded.ts';
import { availableUnits, type Level } from './stock.state.ts';

/** More than a block of rows. */
const MANY = 5_000;

function levelOf(onHand: number, more: object = {}): Level {
  const levels = [{ sku: 'A', location: 'W1', onHand, ...more }];
  return buildState(loadedWorld({ levels })).productsById.get(1)?.levels.get(101) as Level;
}

const readBack = (levels: KnownLevels, row: number, { product, location }: Level): Level =>
  levels.read(row, product, location);

test('a level is read as it was written, as far as a reserve looks', () => {
  const levels = new KnownLevels();
  const full = levelOf(100, {
    reserved: 4,
    committed: 3,
    safetyStock: 20,
    reorderPoint: 7,
    maxLevel: 90,
    openAlerts: 5,
    lastMovementAt: NOON - 7,
  });
  for (const level of [full, levelOf(0)]) {
    const row = levels.take();
    levels.write(row, level);
    // What resolves an alert must be read.
    expect(readBack(levels, row, level)).toEqual({ ...level, alerts: null });
    expect(levels.available(row)).toBe(availableUnits(level));
  }
});

test('each has a row of its own, however many there are, and one that is free is taken again', () => {
  const levels = new KnownLevels();
  const level = levelOf(0);
  const fill = (from: number): number[] =>
    Array.from({ length: MANY }, (_, index) => {
      const row = levels.take();
      levels.write(row, { ...level, onHand: from + index });
      return row;
    });
  const rows = fill(0);
  expect(rows.map((row) => levels.available(row))).toEqual(rows.map((_, index) => index));
  levels.free(rows[17] as number);
  expect(levels.take()).toBe(rows[17]);
  levels.free(rows[18] as number);
  levels.clear();
  const again = fill(MANY);
  expect(new Set(again).size).toBe(MANY);
  expect(again.map((row) => levels.available(row))).toEqual(again.map((_, index) => MANY + index));
});
