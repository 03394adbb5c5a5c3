import { expect, it } from 'vitest';
import { Seldom } from './seldom.ts';

it('tells of each cause once, and of the same again only after a while', () => {
  let nowMs = 0;
  const seldom = new Seldom(1_000, () => nowMs);
  const said = ['cancelled', 'cancelled', 'disk full', 'cancelled'].filter((cause) => seldom.isNews(cause));
  expect(said).toEqual(['cancelled', 'disk full']);
  nowMs = 999;
  expect(seldom.isNews('cancelled')).toBe(false);
  nowMs = 1_000;
  expect(seldom.isNews('cancelled')).toBe(true);
});
