/**
 * The engine against the model, over HTTP: random histories, every answer, every number. Short by default; a failure
 * prints the seed that repeats it and, shrunk, the commands that show it.
 *
 *   HOLDFAST_MODEL_COMMANDS=100000   how many commands (10,000)
 *   HOLDFAST_MODEL_SEED=…            repeats a run
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp } from '../app.ts';
import { httpSystem } from './adapter.ts';
import type { Inject } from './adapter.ts';
import { sequence } from './generate.ts';
import { runAgainstModel } from './harness.ts';
import { emptyStats } from './system.ts';
import type { SystemUnderTest } from './system.ts';

const COMMANDS = Number(process.env['HOLDFAST_MODEL_COMMANDS'] ?? 10_000);
const SEED = Number(process.env['HOLDFAST_MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const STEPS = 60;
const ROUND = 5;
/** Histories are shrunk for so long at most. */
const SHRINK_MS = 60_000;

type TestApp = Awaited<ReturnType<typeof startTestApp>>;

let app: TestApp;
const shift = { ms: 0 };

beforeAll(async () => {
  app = await startTestApp({ timeShiftMs: () => shift.ms });
});

afterAll(async () => app.close());

const inject: Inject = async (method, path, body, headers = {}) => {
  const answer = await app.app.inject({ method, url: path, headers, ...(body === undefined ? {} : { payload: body }) });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
};

/** The test app runs no duties of its own: holds come back where a command needs them, and here. */
const sweep = async (): Promise<void> => {
  await app.server.sweeper.runOnce();
};

it(
  `${COMMANDS} commands are decided as the model decides them`,
  async () => {
    console.log(`HOLDFAST_MODEL_SEED=${SEED}`);
    const system: SystemUnderTest = httpSystem({ inject, shift, sweep });
    const stats = emptyStats();
    let history = 0;
    for (let round = 0; stats.commands < COMMANDS; round += 1) {
      const property = fc.asyncProperty(sequence(STEPS), async (each) => {
        history += 1;
        await runAgainstModel({ system, sequence: each, run: `H${SEED}-${history}`, stats });
      });
      await fc.assert(property, { seed: SEED + round, numRuns: ROUND, interruptAfterTimeLimit: SHRINK_MS });
    }
    console.log(`${stats.commands} commands in ${stats.groups} groups, ${stats.reordered} of them out of order`);
    expect(refusedShare(stats.outcomes)).toBeGreaterThan(0.2);
  },
  40_000 + COMMANDS * 20,
);

function refusedShare(outcomes: Record<string, number>): number {
  const sum = (counts: [string, number][]) => counts.reduce((all, [, count]) => all + count, 0);
  const all = Object.entries(outcomes);
  return sum(all.filter(([key]) => !/ (?:ok|replay)$/.test(key))) / sum(all);
}
