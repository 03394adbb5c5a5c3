import { expect, inject, test } from 'vitest';
import { followUnderLoad } from './stream.scenario.ts';

// The long form: npm run torture -- --only stream
test('readers of two servers have exactly the ledger, through kills, a lost Redis and a transaction that stays open', async () => {
  const report = await followUnderLoad({
    postgres: inject('postgres'),
    kills: 2,
    betweenMs: 700,
    clients: 4,
    seed: 1,
    commits: 5_000,
    openForMs: 2_000,
    redisAwayMs: 1_000,
  });
  console.log('stream:', report.facts);
  expect(report.faults).toEqual([]);
}, 120_000);
