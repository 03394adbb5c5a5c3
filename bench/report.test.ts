import { expect, test } from 'vitest';
import type { LoadResult } from './load.ts';
import { parseOptions } from './options.ts';
import { isMet, median, renderTargets, type Row, rowOf, targetsOf } from './report.ts';
import { reportProfile } from './profile.report.ts';
import { SCENARIOS } from './scenarios.ts';

function rowAt(name: string, operationsPerSecond: number, p99Ms = 10): Row {
  const scenario = SCENARIOS.find((known) => known.name === name);
  if (scenario === undefined) throw new Error(name);
  const latency = { p50Ms: 1, p99Ms, p999Ms: p99Ms, maxMs: p99Ms };
  const load: LoadResult = {
    operationsPerSecond,
    callsPerSecond: operationsPerSecond,
    latency,
    measuredMs: 1000,
    statuses: {},
    operationsInAll: operationsPerSecond,
    loadCpuMs: 1,
  };
  return rowOf(scenario, [{ load, serverCpuUs: 1, databaseCpuUs: undefined, othersShare: undefined }]);
}

test('the median of an even and of an odd number of rounds', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test('targets are judged against the best pool size, and the worst p99', () => {
  const rows = [
    rowAt('a-app', 20_000),
    rowAt('a-bare', 30_000),
    rowAt('b-spread-8', 1_000),
    rowAt('b-spread-16', 2_000),
    rowAt('b-spread-32', 1_500),
    rowAt('b-hot-8', 500),
    rowAt('c-spread', 12_000, 20),
    rowAt('c-zipf', 12_000, 60),
    rowAt('c-hot', 6_000, 30),
  ];
  const targets = targetsOf(rows, { startMs: 2_500, rssMb: 300 });
  const judged = targets.map((target) => [target.value, isMet(target)]);
  expect(judged).toEqual([
    [6, true],
    [12, false],
    [0.5, false],
    [0.6, true],
    [0.4, true],
    [60, false],
    [undefined, undefined],
    [undefined, undefined],
    [undefined, undefined],
    [2.5, true],
    [300, false],
  ]);
  expect(renderTargets(targets).match(/not measured/g)?.length).toBe(3);
});

test('options say what is wrong with them', () => {
  expect(parseOptions(['--help'])).toBeUndefined();
  expect([...(parseOptions(['--only', 'e,c'])?.only ?? [])]).toEqual(['c', 'e']);
  expect(parseOptions(['--quick'])).toMatchObject({ rounds: 1, measureMs: 500 });
  expect(() => parseOptions(['--only', 'c,x'])).toThrow('and not x');
  expect(() => parseOptions(['--rounds', '0'])).toThrow('--rounds takes a number above 0');
  expect(() => parseOptions(['--fast'])).toThrow('--fast');
});

test('a profile is summed by function and by place, without the idle time', () => {
  const node = (functionName: string, url: string, hitCount: number, id: number) => ({
    id,
    hitCount,
    callFrame: { functionName, url, scriptId: '0', lineNumber: 9, columnNumber: 0 },
  });
  const report = reportProfile({
    startTime: 0,
    endTime: 1,
    nodes: [
      node('(idle)', '', 50, 1),
      node('(garbage collector)', '', 10, 2),
      node('parse', 'file:///x/node_modules/pg-protocol/dist/parser.js', 20, 3),
      node('decide', 'file:///x/packages/server/src/engine/decide.ts', 10, 4),
      node('parse', 'file:///x/node_modules/pg-protocol/dist/parser.js', 10, 5),
    ],
  });
  expect(report.busyShare).toBe(0.5);
  expect(report.functions[0]).toEqual({ share: 0.6, name: 'parse  pg-protocol parser.js:10' });
  expect(report.places).toEqual([
    { share: 0.6, name: 'pg-protocol' },
    { share: 0.2, name: '(garbage collector)' },
    { share: 0.2, name: 'engine' },
  ]);
});
