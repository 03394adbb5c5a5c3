import { expect, test } from 'vitest';
import { checkRuns, type GoneWorker, rescuesOf, type SeenRuns } from './jobs.checks.ts';

// What is checked of runs is checked itself: each planted fault must be seen, by the rule that it breaks.

const ASKED = [
  { id: 'a', sku: 'SKU-1' },
  { id: 'b', sku: 'SKU-1' },
  { id: 'c', sku: 'SKU-2' },
];
const GONE: GoneWorker[] = [
  { pid: 10, how: 'killed', atMs: 1_000 },
  { pid: 11, how: 'stopped', atMs: 2_000 },
];

/** One run plainly, one whose worker was killed, one whose worker was stopped. */
function good(): SeenRuns {
  const attempt = (runId: string, fence: number, pid: number, startedMs: number, outcome: string) => ({
    runId,
    fence,
    pid,
    startedMs,
    outcome,
    error: null,
  });
  return {
    runs: ['a', 'b', 'c'].map((id) => ({ id, status: 'succeeded', attempt: 1, lines: 1 })),
    attempts: [
      attempt('a', 1, 12, 500, 'succeeded'),
      attempt('b', 1, 10, 500, 'lost'),
      attempt('b', 2, 12, 15_000, 'succeeded'),
      attempt('c', 1, 11, 500, 'handed_over'),
      attempt('c', 2, 12, 9_000, 'succeeded'),
    ],
    effects: ASKED.map(({ id, sku }) => ({ runId: id, sku, units: 1 })),
    stock: new Map([
      ['SKU-1', 2],
      ['SKU-2', 1],
    ]),
  };
}

function rulesAfter(plant: (seen: SeenRuns) => void): string[] {
  const seen = good();
  plant(seen);
  return checkRuns(ASKED, seen, GONE).map(({ rule }) => rule.replace(/ \(\d+ not\)$/, ''));
}

test('what is as it should be is clean', () => {
  expect(rulesAfter(() => undefined)).toEqual([]);
  expect(rescuesOf(good(), GONE)).toEqual([{ runId: 'b', afterMs: 14_000 }]);
});

const THERE = 'a run that was acknowledged is there, and no other';
const SUCCEEDED = 'each has succeeded, in its first attempt that counts';
const ONE = 'the last attempt of each has succeeded, and that one alone';
const ENDS = 'attempts are lost with killed and frozen workers alone, and handed over by stopped ones alone';
const EFFECT = 'each run has its effect exactly once in the ledger';
const LOG = 'the log of each says so, at most once for each attempt';
const RESCUED = 'what a worker lost is taken up again within 30 s';

test.each<[string, (seen: SeenRuns) => unknown, string[]]>([
  ['a lost run', ({ runs }) => runs.splice(0, 1), [THERE]],
  ['a run that nobody asked for', ({ runs }) => runs.push({ ...at(runs, 0), id: 'd' }), [THERE, ONE, LOG]],
  ['a run that waits', ({ runs }) => (at(runs, 0).status = 'queued'), [SUCCEEDED]],
  ['an attempt that was used up', ({ runs }) => (at(runs, 1).attempt = 2), [SUCCEEDED]],
  ['two successes', ({ attempts }) => (at(attempts, 1).outcome = 'succeeded'), [ONE]],
  ['an attempt that failed', ({ attempts }) => (at(attempts, 1).outcome = 'failed'), [SUCCEEDED, ENDS]],
  ['an attempt that has not ended', ({ attempts }) => (at(attempts, 0).outcome = null), [ONE, ENDS]],
  ['a worker that lost a run and was well', ({ attempts }) => (at(attempts, 1).pid = 12), [ENDS, RESCUED]],
  ['a stopped worker that handed nothing over', ({ attempts }) => (at(attempts, 3).outcome = 'lost'), [ENDS]],
  ['an effect twice', ({ effects }) => effects.push(at(effects, 0)), [EFFECT]],
  ['an effect that is missing', ({ effects }) => effects.pop(), [EFFECT]],
  ['an effect of nobody', ({ effects }) => effects.push({ ...at(effects, 0), runId: 'd' }), ['no effect is of no run']],
  ['a unit too many', ({ stock }) => stock.set('SKU-2', 2), ['there are as many units of a product as it had runs']],
  ['a log without its line', ({ runs }) => (at(runs, 0).lines = 0), [LOG]],
  ['a late rescue', ({ attempts }) => (at(attempts, 2).startedMs = 31_001), [RESCUED]],
])('%s is seen', (_fault, plant, rules) => {
  expect(rulesAfter(plant)).toEqual(rules);
});

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new RangeError(`there is no item ${index}`);
  return item;
}
