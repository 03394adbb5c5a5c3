import { describe, expect, test } from 'vitest';
import {
  compensate,
  levelAt,
  previewAdjustment,
  previewHold,
  previewTransfer,
  type PreviewedLevel,
} from './preview.rules.ts';

const level: PreviewedLevel = { onHand: 12, reserved: 3, committed: 5, safetyStock: 1, available: 3, isActive: true };

describe('an adjustment, before it happens', () => {
  test('what comes in is on hand, and available', () => {
    const { rows, warnings, refusal } = previewAdjustment(level, { way: 'add', quantity: 5, force: false });
    expect(rows).toEqual([
      { label: 'On hand', before: 12, after: 17 },
      { label: 'Available', before: 3, after: 8 },
    ]);
    expect({ warnings, refusal }).toEqual({ warnings: [], refusal: null });
  });

  test('what is promised stays, unless it is forced', () => {
    const taken = { way: 'subtract', quantity: 5 } as const;
    expect(previewAdjustment(level, { ...taken, force: false }).refusal).toBe(
      '8 are promised: this would leave it short by 1.',
    );
    const forced = previewAdjustment(level, { ...taken, force: true });
    expect(forced.refusal).toBeNull();
    expect(forced.warnings).toEqual(['It would be short by 1.']);
  });

  test('nobody takes more than there is, forced or not', () => {
    expect(previewAdjustment(level, { way: 'subtract', quantity: 13, force: true }).refusal).toBe(
      'Only 12 are on hand.',
    );
  });

  test('a count that leaves nothing to sell says so', () => {
    const { warnings, refusal } = previewAdjustment(level, { way: 'set', quantity: 9, force: false });
    expect(warnings).toEqual(['Nothing would be left to sell.']);
    expect(refusal).toBeNull();
  });

  test('a level that is short already may be counted up, though not to enough', () => {
    const short = { ...level, onHand: 4, available: 0 };
    expect(previewAdjustment(short, { way: 'add', quantity: 2, force: false }).refusal).toBeNull();
  });
});

test('a transfer takes what is available, and no more', () => {
  const empty = { onHand: 0, reserved: 0, committed: 0, safetyStock: 0, available: 0, isActive: true };
  expect(previewTransfer(level, empty, 4).refusal).toBe('Only 3 are available there.');
  const { rows, refusal } = previewTransfer(level, empty, 3);
  expect(refusal).toBeNull();
  expect(rows.map(({ after }) => after)).toEqual([9, 0, 3, 3]);
});

test('what arrives at an inactive location is not available', () => {
  const closed = levelAt('B', [], [{ code: 'B', active: false }]);
  expect(previewAdjustment(closed, { way: 'add', quantity: 5, force: false }).rows).toEqual([
    { label: 'On hand', before: 0, after: 5 },
    { label: 'Available', before: 0, after: 0 },
  ]);
  expect(previewTransfer(level, closed, 3).rows.map(({ after }) => after)).toEqual([9, 0, 3, 0]);
});

test('a hold takes what is available, and no more', () => {
  expect(previewHold(level, 3)).toMatchObject({ warnings: ['Nothing would be left to sell.'], refusal: null });
  expect(previewHold(level, 2).rows).toEqual([
    { label: 'Reserved', before: 3, after: 5 },
    { label: 'Available', before: 3, after: 1 },
  ]);
  expect(previewHold(level, 4).refusal).toBe('Only 3 are available there.');
  expect(previewHold({ ...level, available: 1 }, 4).refusal).toBe('Only 1 is available there.');
});

test('a movement is taken back by its opposite', () => {
  expect(compensate(-5)).toEqual({ type: 'add', quantity: 5 });
  expect(compensate(2)).toEqual({ type: 'subtract', quantity: 2 });
  expect(compensate(0)).toBeNull();
});
