import { inject, test } from 'vitest';
import { killWorkers } from './jobs.scenario.ts';
import { expectHeld, JUDGED } from './report.fixture.ts';

// The long form, 10,000 runs and 20 kills: npm run torture -- --only jobs
test('runs of workers that are killed, frozen and stopped are each done once, within 30 s', JUDGED, async () => {
  const report = await killWorkers({
    postgres: inject('postgres'),
    runs: 300,
    kills: 2,
    // One is frozen, one stops, one is killed: somebody has to be left, however long new ones take to start.
    workers: 4,
    slots: 4,
    serverSlots: 0,
    seed: 8,
  });
  console.log('killed workers of jobs:', report.facts);
  expectHeld(report);
});
