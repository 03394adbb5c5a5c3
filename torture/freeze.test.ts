import { expect, inject, test } from 'vitest';
import { freezeServer, holdLevel, holdReservation } from './freeze.scenario.ts';

// The long form, 30 s: npm run torture -- --only freeze
/** They judge how long callers waited, on a machine that may have stood still itself: what is wrong is wrong each time. */
const JUDGED = { timeout: 300_000, retry: 2 };

test('a server that freezes in mid-transaction delays only callers of the levels that it holds', JUDGED, async () => {
  const report = await freezeServer({ postgres: inject('postgres'), forMs: 6_000, seed: 4 });
  console.log('frozen server:', report.facts);
  expect(report.faults).toEqual([]);
});

test(
  'a session that sits on a level delays only callers of that level, and each has an answer within 5 s',
  JUDGED,
  async () => {
    const report = await holdLevel({ postgres: inject('postgres'), forMs: 6_000, seed: 5 });
    console.log('held level:', report.facts);
    expect(report.faults).toEqual([]);
  },
);

test('a session that sits on a lapsed hold delays only callers of its levels', JUDGED, async () => {
  const report = await holdReservation({ postgres: inject('postgres'), forMs: 6_000, seed: 6 });
  console.log('held reservation:', report.facts);
  expect(report.faults).toEqual([]);
});
