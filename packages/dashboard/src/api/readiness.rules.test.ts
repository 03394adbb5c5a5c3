import { expect, test } from 'vitest';
import { formatAsOf, pauseMs, verdictOf } from './readiness.rules.ts';

const problem = (...reasons: unknown[]): object => ({ code: 'not_ready', status: 503, reasons });

test('ready is what answers 200, and what a proxy keeps to itself', () => {
  for (const status of [200, 401, 403, 404]) expect(verdictOf(status, null)).toEqual({ is: 'ready' });
});

test('what a proxy answers for a server that is not there is silence', () => {
  for (const status of [502, 504]) expect(verdictOf(status, null)).toEqual({ is: 'silent' });
});

test('not ready is told in the words of the server, where it has some', () => {
  const becauseOf = (body: unknown): unknown => verdictOf(503, body);
  expect(becauseOf(problem('The database does not answer.'))).toEqual({
    is: 'unready',
    because: 'The database does not answer.',
  });
  expect(becauseOf(problem('The database is a standby: it takes no writes.'))).toEqual({
    is: 'unready',
    because: 'The database is a standby: it takes no writes.',
  });
  expect(becauseOf(problem('The server is starting, and its database is not open yet. Try again shortly.'))).toEqual({
    is: 'unready',
    because: 'The server is starting, and its database is not open yet.',
  });
  for (const body of [null, 'Service Unavailable', {}, problem(), problem(7), { reasons: 'none' }]) {
    expect(becauseOf(body)).toEqual({ is: 'unready', because: 'The service is not ready.' });
  }
});

test('a database that is away has one name, however the server found it so: the bar does not change its mind', () => {
  const ends = ['does not answer.', 'cannot be reached.', 'cannot be reached (EAGAIN).', 'cannot be reached (57P03).'];
  const verdicts = ends.map((end) => verdictOf(503, problem(`The database ${end}`)));
  expect(verdicts).toEqual(ends.map(() => ({ is: 'unready', because: 'The database does not answer.' })));
});

test('a first miss is looked at again soon; an outage is asked less and less often', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 100].map((misses) => pauseMs(misses, 0))).toEqual([
    6_000, 600, 1_500, 2_250, 3_375, 5_062.5, 6_000, 6_000, 6_000,
  ]);
});

test('no two tabs keep step: chance takes up to half of a pause', () => {
  for (const misses of [0, 1, 2, 100]) expect(pauseMs(misses, 0.5)).toBe(pauseMs(misses, 0) * 0.75);
});

test('a time of today is a time, of another day it has its day', () => {
  const noon = new Date(2026, 2, 4, 12, 0, 7).getTime();
  expect(formatAsOf(noon, noon + 60_000)).toMatch(/^12:00:07/);
  expect(formatAsOf(noon, noon + 86_400_000)).toMatch(/2026.*12:00:07/);
});
