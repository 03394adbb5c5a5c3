import { expect, test } from 'vitest';
import { killUnderLoad } from './kill.scenario.ts';

// The long form, ten kills of each: npm run torture -- --only kill
test('a server that is killed in mid-load has every acknowledged effect exactly once', async () => {
  const report = await killUnderLoad({ victims: ['server', 'server'], betweenMs: 1_200, clients: 16, seed: 1 });
  console.log('killed servers:', report.facts);
  expect(report.faults).toEqual([]);
}, 120_000);

test('a PostgreSQL that is killed in mid-load comes back with every acknowledged effect exactly once', async () => {
  const report = await killUnderLoad({ victims: ['postmaster', 'backend'], betweenMs: 1_200, clients: 16, seed: 2 });
  console.log('killed databases:', report.facts);
  expect(report.faults).toEqual([]);
}, 120_000);
