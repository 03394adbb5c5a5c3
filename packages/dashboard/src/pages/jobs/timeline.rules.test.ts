import { expect, test } from 'vitest';
import { axisOf, barsOf, marksOf, percentOf, rowsOf, ticksOf } from './timeline.rules.ts';

const NOW = Date.parse('2026-11-20T10:00:00.000Z');
const HOUR = 3_600_000;
const axis = axisOf(NOW, 24);
const iso = (ms: number): string => new Date(ms).toISOString();

test('now stands after the fifth of the axis that shows what was', () => {
  expect(percentOf(NOW, axis)).toBe(20);
  expect(percentOf(NOW + 24 * HOUR, axis)).toBe(100);
});

test('ticks that would lie on one another are one', () => {
  const times = [NOW + HOUR, NOW + HOUR + 1_000, NOW + 12 * HOUR, NOW + 48 * HOUR];
  expect(ticksOf(times, axis).map(({ count }) => count)).toEqual([2, 1]);
});

test('a run that lasts is a bar up to now, one that began before the axis is cut', () => {
  const [running, old] = barsOf(
    [
      { startedAt: iso(NOW - 3 * HOUR), finishedAt: null },
      { startedAt: iso(NOW - 12 * HOUR), finishedAt: iso(NOW - 3 * HOUR) },
      { startedAt: iso(NOW - 12 * HOUR), finishedAt: iso(NOW - 11 * HOUR) },
      { startedAt: null, finishedAt: null },
    ],
    axis,
    NOW,
  );
  expect(running).toMatchObject({ at: 10, width: 10 });
  expect(old).toMatchObject({ at: 0, width: 10 });
});

test('a short run is seen', () => {
  const [bar] = barsOf([{ startedAt: iso(NOW - HOUR), finishedAt: iso(NOW - HOUR + 5) }], axis, NOW);
  expect(bar?.width).toBe(0.35);
});

test('the axis is marked at round times of the day of the reader', () => {
  const marks = marksOf(axis, 6, -60).map((at) => iso(at).slice(8, 16));
  // Six hours apart; midnight, an hour ahead of UTC, is at 23:00.
  expect(marks).toEqual(['20T05:00', '20T11:00', '20T17:00', '20T23:00', '21T05:00']);
});

test('jobs stand by when they are due; those that have only run come after', () => {
  const due = [
    { at: iso(NOW + 2 * HOUR), jobId: 'b', name: 'B' },
    { at: iso(NOW + HOUR), jobId: 'a', name: 'A' },
    { at: iso(NOW + HOUR), jobId: 'a', name: 'A' },
  ];
  const rows = rowsOf(due, [{ job: { id: 'c', name: 'C' } }, { job: { id: 'a', name: 'A' } }]);
  expect(rows.map(({ name, dueMs, runs }) => [name, dueMs.length, runs.length])).toEqual([
    ['A', 1, 1],
    ['B', 1, 0],
    ['C', 0, 1],
  ]);
});

test('where too much is due, a job that is due again and again is known to go on', () => {
  const due = [1, 2, 3].map((hour) => ({ at: iso(NOW + hour * HOUR), jobId: hour > 2 ? 'b' : 'a', name: '' }));
  expect(rowsOf(due, [], true).map(({ goesOn }) => goesOn)).toEqual([true, false]);
  expect(rowsOf(due, []).some(({ goesOn }) => goesOn)).toBe(false);
});
