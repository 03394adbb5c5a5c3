import { inject, test } from 'vitest';
import { expectHeld, JUDGED } from './report.fixture.ts';
import { followUnderLoad } from './stream.scenario.ts';

// The long form: npm run torture -- --only stream
test(
  'readers of two servers have exactly the ledger, through kills, a lost Redis and a transaction that stays open',
  JUDGED,
  async () => {
    const report = await followUnderLoad({
      postgres: inject('postgres'),
      kills: 2,
      betweenMs: 700,
      clients: 4,
      seed: 1,
      commits: 2_000,
      openForMs: 2_000,
      redisAwayMs: 1_000,
    });
    console.log('stream:', report.facts);
    expectHeld(report);
  },
);
