import { beforeEach, expect, test } from 'vitest';
import { KnownTrust } from './known.trust.ts';

let trust: KnownTrust;
let nowMs: number;

beforeEach(() => {
  trust = new KnownTrust();
  nowMs = 0;
});

const times = (count: number, what: () => void): void => {
  for (let turn = 0; turn < count; turn += 1) what();
};
/** Long after whatever was before. @returns for how long it rests when so many were not done: six are too many */
function restAfter(blames = 6): number {
  nowMs += 1_000_000;
  times(blames, () => trust.blame(nowMs));
  let restMs = 0;
  while (!trust.isAwake(nowMs + restMs)) restMs += 50;
  return restMs;
}

test('it rests when more than five batches were not done, and then counts anew', () => {
  expect([trust.isAwake(0), restAfter(5), restAfter(1), restAfter(5)]).toEqual([true, 0, 100, 0]);
});

test('each rest is twice as long as the last, up to a minute', () => {
  const rests = Array.from({ length: 12 }, () => restAfter());
  expect(rests).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 60_000, 60_000]);
});

test('one that was not done is made up for by five that were', () => {
  restAfter(5);
  times(5, () => trust.praise());
  expect([restAfter(1), restAfter(1)]).toEqual([0, 100]);
});

test('what is done well makes up for nothing in advance', () => {
  times(100, () => trust.praise());
  expect([restAfter(5), restAfter(1)]).toEqual([0, 100]);
});

test('after a thousand done in a row a rest is the first again', () => {
  restAfter();
  times(999, () => trust.praise());
  expect(restAfter()).toBe(200);
  times(999, () => trust.praise());
  trust.blame(nowMs);
  trust.praise();
  expect(restAfter()).toBe(400);
  times(1_000, () => trust.praise());
  expect(restAfter()).toBe(100);
});
