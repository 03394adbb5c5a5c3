import { expect, inject, test } from 'vitest';
import { freezeServer, holdLevel } from './freeze.scenario.ts';

// The long form, 30 s: npm run torture -- --only freeze
test('a server that freezes in mid-transaction delays only callers of the levels that it holds', async () => {
  const report = await freezeServer({ postgres: inject('postgres'), forMs: 8_000, seed: 4 });
  console.log('frozen server:', report.facts);
  expect(report.faults).toEqual([]);
}, 120_000);

test('a session that sits on a level delays only callers of that level, and each has an answer within 5 s', async () => {
  const report = await holdLevel({ postgres: inject('postgres'), forMs: 8_000, seed: 5 });
  console.log('held level:', report.facts);
  expect(report.faults).toEqual([]);
}, 120_000);
