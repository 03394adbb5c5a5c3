import { expect, test } from 'vitest';
import { CountPlanner, dateOf, dayOf, WEEKDAYS, weekdayOf, type Weekday } from './count.rules.ts';

/** 2026-11-20, a Friday. */
const FRIDAY = dayOf(Date.UTC(2026, 10, 20, 23, 59, 59, 999));
const ALL = new Set(WEEKDAYS);
const WORK: ReadonlySet<Weekday> = new Set(['monday', 'tuesday', 'wednesday', 'thursday', 'friday']);

const placed = (planner: CountPlanner, dueDays: readonly number[]) =>
  dueDays.map((due) => {
    const day = planner.place(FRIDAY + due);
    return day === null ? null : day - FRIDAY;
  });

test('days have their dates and names', () => {
  expect([dateOf(FRIDAY), weekdayOf(FRIDAY), weekdayOf(FRIDAY + 2), weekdayOf(0)]).toEqual([
    '2026-11-20',
    'friday',
    'sunday',
    'thursday',
  ]);
});

test('a day is filled before the next, and the rest is left over', () => {
  const planner = new CountPlanner({ firstDay: FRIDAY, days: 2, perDay: 2, weekdays: ALL });
  expect(placed(planner, [0, 0, 0, 0, 0])).toEqual([0, 0, 1, 1, null]);
});

test('nothing is counted before it is due', () => {
  const planner = new CountPlanner({ firstDay: FRIDAY, days: 5, perDay: 2, weekdays: ALL });
  expect(placed(planner, [0, 2, 2, 2, 3, 3])).toEqual([0, 2, 2, 3, 3, 4]);
});

test('what is due on a day off waits for the next working day', () => {
  const planner = new CountPlanner({ firstDay: FRIDAY, days: 5, perDay: 2, weekdays: WORK });
  expect(placed(planner, [0, 0, 0, 1, 2, 3])).toEqual([0, 0, 3, 3, 4, 4]);
});

test('a plan without a working day places nothing', () => {
  const planner = new CountPlanner({ firstDay: FRIDAY + 1, days: 2, perDay: 2, weekdays: WORK });
  expect(placed(planner, [1, 2])).toEqual([null, null]);
});
