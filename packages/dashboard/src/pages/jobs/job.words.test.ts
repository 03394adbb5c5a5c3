import { expect, test } from 'vitest';
import { deedsOf, isMadeNow, reasonWords, shareWords, successWords, tookMs, whenWords } from './job.words.ts';

const idle = { status: 'idle', scheduleText: null, dependencies: [] } as const;

test.each([
  [{ ...idle, dependencies: [] }, 'When asked to'],
  [{ ...idle, scheduleText: 'At 02:30 (UTC)', dependencies: [] }, 'At 02:30 (UTC)'],
  [{ ...idle, dependencies: ['a'] }, 'After another job'],
  [{ ...idle, dependencies: ['a', 'b'] }, 'After 2 other jobs'],
  [{ ...idle, status: 'continuous', dependencies: [] }, 'All the time, on every instance'],
] as const)('%j runs: %s', (job, words) =>
  expect(whenWords({ ...job, dependencies: [...job.dependencies] })).toBe(words),
);

test('a rate is rounded, and never up to all or down to none', () => {
  expect(successWords(0, 0)).toBeNull();
  expect(successWords(41, 0)).toBe('100 %');
  expect(successWords(41, 1)).toBe('97.6 %');
  expect(shareWords(0.99999)).toBe('99.9 %');
  expect(shareWords(0.00001)).toBe('0.1 %');
  expect(shareWords(0)).toBe('0 %');
});

test('a run took from its start to its end, or up to now', () => {
  const startedAt = '2026-11-20T10:00:00.000Z';
  expect(tookMs({ startedAt, finishedAt: '2026-11-20T10:00:01.500Z' }, 0)).toBe(1_500);
  expect(tookMs({ startedAt, finishedAt: null }, Date.parse(startedAt) + 700)).toBe(700);
  expect(tookMs({ startedAt: null, finishedAt: null }, 0)).toBeNull();
});

test.each([
  ['running', null, { cancel: true, redrive: false, release: false }],
  ['running', 'user:ada', { cancel: false, redrive: false, release: false }],
  ['held', null, { cancel: true, redrive: false, release: true }],
  ['failed', null, { cancel: false, redrive: true, release: false }],
  ['succeeded', null, { cancel: false, redrive: false, release: false }],
] as const)('what can be done with a run that is %s, stopped by %s', (status, cancelRequestedBy, deeds) =>
  expect(deedsOf({ status, cancelRequestedBy })).toEqual(deeds),
);

test('a reason that is not known is shown as it is', () => {
  expect(reasonWords('overlap')).toBe('the run before it was still under way');
  expect(reasonWords('later_invented')).toBe('later invented');
});

test('a run that waits again is no new run', () => {
  const createdAt = '2026-11-20T10:00:00.000Z';
  const queued = { type: 'run.queued', time: '2026-11-20T10:00:00.040Z', data: { createdAt } };
  expect(isMadeNow(queued)).toBe(true);
  expect(isMadeNow({ ...queued, time: '2026-11-20T10:05:00.000Z' })).toBe(false);
  expect(isMadeNow({ ...queued, type: 'run.succeeded' })).toBe(false);
  expect(isMadeNow({ ...queued, type: 'stock.changed' })).toBe(false);
});
