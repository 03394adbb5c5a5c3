import { expect, test } from 'vitest';
import { isSameView, parseViews, viewOf } from './saved.views.rules.ts';

test('a view is the filters and the sort, not what is open', () => {
  expect(viewOf({ status: 'low', sort: '-onHand', open: 'MUG WH001' })).toEqual({ status: 'low', sort: '-onHand' });
});

test('two views are one where they ask for the same', () => {
  expect(isSameView({ a: '1', b: '2' }, { b: '2', a: '1' })).toBe(true);
  expect(isSameView({ a: '1' }, { a: '1', b: '2' })).toBe(false);
});

test('what was kept and is broken is no view', () => {
  expect(parseViews(null)).toEqual([]);
  expect(parseViews('{')).toEqual([]);
  expect(parseViews('[null, 3, {"name":"x"}, {"name":"Low","filters":{"status":"low","n":3}}]')).toEqual([
    { name: 'Low', filters: { status: 'low', n: '3' } },
  ]);
});
