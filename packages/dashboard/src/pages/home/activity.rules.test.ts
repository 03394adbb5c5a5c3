import { expect, test } from 'vitest';
import type { Movement } from '../../live/live.rules.ts';
import { courseOf } from './activity.rules.ts';

const movement = (minute: number, part: Partial<Movement>): Movement => ({
  seq: minute,
  at: new Date(minute * 60_000).toISOString(),
  type: 'receipt',
  sku: 'MUG',
  location: 'WH001',
  deltaOnHand: 0,
  deltaReserved: 0,
  deltaCommitted: 0,
  onHand: 0,
  reserved: 0,
  committed: 0,
  reference: null,
  reason: null,
  actor: 'user:ada',
  ...part,
});

test('the course leads back from what is now, step by step', () => {
  const movements = [
    movement(1, { deltaOnHand: 10 }),
    movement(5, { type: 'reserve', deltaReserved: 4, reference: { type: 'reservation', id: 'a' } }),
    movement(5.5, { type: 'reserve', deltaReserved: 1, reference: { type: 'reservation', id: 'a' } }),
    movement(9, { type: 'sale', deltaOnHand: -3, deltaReserved: -3 }),
  ];
  const now = { onHand: 7, reserved: 2, committed: 0, available: 5 };
  const course = courseOf(now, movements, { fromMs: 0, toMs: 600_000, steps: 5 });
  expect(course.onHand).toEqual([10, 10, 10, 10, 7]);
  expect(course.reserved).toEqual([0, 0, 5, 5, 2]);
  expect(course.available).toEqual([10, 10, 5, 5, 5]);
  expect(course.movements).toEqual([1, 0, 2, 0, 1]);
  expect(course.holds).toEqual([0, 0, 1, 0, 0]);
  expect(course.times.at(-1)).toBe(600_000);
});
