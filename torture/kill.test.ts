import { expect, test } from 'vitest';
import { killUnderLoad } from './kill.scenario.ts';

// The long form, ten kills of each: npm run torture -- --only kill
test('a server that is killed in mid-load, and one that is stopped, has every acknowledged effect exactly once', async () => {
  const report = await killUnderLoad({ victims: ['server', 'orderly'], betweenMs: 1_200, clients: 16, seed: 1 });
  console.log('killed servers:', report.facts);
  expect(report.faults).toEqual([]);
}, 120_000);

test('a PostgreSQL that is killed in mid-load comes back with every acknowledged effect exactly once', async () => {
  const report = await killUnderLoad({ victims: ['postmaster', 'backend'], betweenMs: 1_200, clients: 16, seed: 2 });
  console.log('killed databases:', report.facts);
  expect(report.faults).toEqual([]);
}, 120_000);

test('of servers side by side one may be killed, and all of them', async () => {
  const report = await killUnderLoad({
    victims: ['worker', 'server'],
    betweenMs: 1_200,
    clients: 16,
    seed: 7,
    workers: 2,
  });
  console.log('killed workers:', report.facts);
  expect(report.faults).toEqual([]);
}, 120_000);
