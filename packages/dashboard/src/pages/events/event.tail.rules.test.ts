import { expect, test } from 'vitest';
import { matches, TAIL_MAX, withEvents, type TailRow } from './event.tail.rules.ts';

const event = { type: 'reservation.created', subject: 'r-1', time: '2026-11-20T10:00:00Z', data: { orderId: 'O-77' } };
const row = (key: number): TailRow => ({ key, event });

test('the newest stand first, and the oldest are forgotten', () => {
  const rows = withEvents([row(1)], [row(2), row(3)]);
  expect(rows.map(({ key }) => key)).toEqual([3, 2, 1]);
  const many = Array.from({ length: TAIL_MAX + 5 }, (_, key) => row(key));
  expect(withEvents([], many)).toHaveLength(TAIL_MAX);
});

test.each([
  [undefined, undefined, true],
  ['reservation', undefined, true],
  ['reservation.created', undefined, true],
  ['reservation.shipped', undefined, false],
  ['reserv', undefined, false],
  [undefined, 'R-1', true],
  [undefined, 'o-77', true],
  [undefined, 'SKU', false],
])('kind %s and text %s: %s', (kind, text, expected) => {
  expect(matches(event, kind, text)).toBe(expected);
});
