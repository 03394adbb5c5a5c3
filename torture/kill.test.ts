import { test } from 'vitest';
import { killUnderLoad } from './kill.scenario.ts';
import { expectHeld, JUDGED } from './report.fixture.ts';

// The long form, ten kills of each: npm run torture -- --only kill
test(
  'a server that is killed in mid-load, and one that is stopped, has every acknowledged effect exactly once',
  JUDGED,
  async () => {
    const report = await killUnderLoad({ victims: ['server', 'orderly'], betweenMs: 1_200, clients: 16, seed: 1 });
    console.log('killed servers:', report.facts);
    expectHeld(report);
  },
);

test(
  'a PostgreSQL that is killed in mid-load comes back with every acknowledged effect exactly once',
  JUDGED,
  async () => {
    const report = await killUnderLoad({ victims: ['postmaster', 'backend'], betweenMs: 1_200, clients: 16, seed: 2 });
    console.log('killed databases:', report.facts);
    expectHeld(report);
  },
);

test('of servers side by side one may be killed, and all of them', JUDGED, async () => {
  const report = await killUnderLoad({
    victims: ['worker', 'server'],
    betweenMs: 1_200,
    clients: 16,
    seed: 7,
    workers: 2,
  });
  console.log('killed workers:', report.facts);
  expectHeld(report);
});
