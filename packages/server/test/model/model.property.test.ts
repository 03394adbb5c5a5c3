/**
 * The engine against the model, over HTTP and by its decisions alone: random histories, every answer, every number. Short
 * by default; a failure prints the seed that repeats it and, shrunk, the commands that show it.
 *
 *   HOLDFAST_MODEL_COMMANDS=100000   how many commands (2,000; five times as many by the decisions alone)
 *   HOLDFAST_MODEL_SEED=…            repeats a run
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, startTestApp } from '../app.ts';
import type { TestApp } from '../app.ts';
import { httpSystem } from './adapter.ts';
import type { Inject } from './adapter.ts';
import { sequence } from './generate.ts';
import { runAgainstModel } from './harness.ts';
import type { RunOptions } from './harness.ts';
import { minimise } from './minimise.ts';
import type { Trial } from './minimise.ts';
import { pureSystem } from './pure.system.ts';
import { shiftClockOf } from './shifted.clock.ts';
import type { ShiftedClock } from './shifted.clock.ts';
import { emptyStats } from './system.ts';
import type { SystemUnderTest } from './system.ts';

const COMMANDS = Number(process.env['HOLDFAST_MODEL_COMMANDS'] ?? 2_000);
const SEED = Number(process.env['HOLDFAST_MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const STEPS = 60;
const ROUND = 5;
/** A failing history is made shorter for so long at most. */
const SHRINK_MS = 30_000;
const TIMEOUT_MS = 60_000 + COMMANDS * 20;

/**
 * With one lane the model decides in the order of arrival. Two lanes, as a server has them, keep that order among
 * commands of one level only: there, any order that explains the answers is right. So it is where reserves are decided on
 * what is known of stock, beside the lanes.
 */
const SETUPS = [
  { lanes: 'one lane', secondLaneAt: Number.POSITIVE_INFINITY, optimistic: false, anyOrder: false, commands: COMMANDS },
  { lanes: 'two lanes', secondLaneAt: 1, optimistic: false, anyOrder: true, commands: Math.ceil(COMMANDS / 4) },
  { lanes: 'optimistic lanes', secondLaneAt: 1, optimistic: true, anyOrder: true, commands: Math.ceil(COMMANDS / 2) },
];

describe.each(SETUPS)('with $lanes', ({ secondLaneAt, optimistic, anyOrder, commands }) => {
  let app: TestApp;
  let clock: ShiftedClock;
  let dropDatabase: () => Promise<void>;

  beforeAll(async () => {
    const { connection, drop } = await createDatabase();
    dropDatabase = drop;
    clock = await shiftClockOf(connection);
    app = await startTestApp({ connection, secondLaneAt, optimistic });
  });

  afterAll(async () => {
    await app.close();
    await clock.close();
    await dropDatabase();
  });

  const inject: Inject = async (method, path, body, headers = {}) => {
    const payload = body === undefined ? {} : { payload: body as object };
    const answer = await app.app.inject({ method, url: path, headers, ...payload });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
  };

  /** The test app runs no duties of its own: holds come back where a command needs them, and here. */
  const sweep = async (): Promise<void> => {
    await app.server.sweeper.runOnce();
  };

  it(
    `${commands} commands are decided as the model decides them`,
    async () => {
      const system: SystemUnderTest = httpSystem({ inject, advanceClock: clock.advance, sweep });
      await expectAgreement(commands, () => ({ system, anyOrder }));
    },
    TIMEOUT_MS,
  );
});

/** No database and no clock are in the way: so many more commands, all of a group in one batch. */
it(
  `${COMMANDS * 5} commands are decided in memory as the model decides them`,
  async () => expectAgreement(COMMANDS * 5, () => ({ system: pureSystem() })),
  TIMEOUT_MS,
);

/** @param setup what each history runs against */
async function expectAgreement(commands: number, setup: () => Pick<RunOptions, 'system' | 'anyOrder'>): Promise<void> {
  console.log(`HOLDFAST_MODEL_SEED=${SEED}`);
  const stats = emptyStats();
  let histories = 0;
  const trial: Trial = async (history) => {
    histories += 1;
    return disagreementOf({ ...setup(), sequence: history, run: `H${SEED}-${histories}`, stats });
  };
  for (let round = 0; stats.commands < commands; round += 1) {
    for (const history of fc.sample(sequence(STEPS), { seed: SEED + round * 7919, numRuns: ROUND })) {
      const error = await trial(history);
      if (error !== null) throw (await minimise(history, error, trial, SHRINK_MS)).error;
    }
  }
  console.log(`${stats.commands} commands in ${stats.groups} groups`);
  expect(refusedShare(stats.outcomes)).toBeGreaterThan(0.2);
}

async function disagreementOf(options: RunOptions): Promise<Error | null> {
  try {
    await runAgainstModel(options);
    return null;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

function refusedShare(outcomes: Record<string, number>): number {
  const sum = (counts: [string, number][]) => counts.reduce((all, [, count]) => all + count, 0);
  const all = Object.entries(outcomes);
  return sum(all.filter(([key]) => !/ (?:ok|replay)$/.test(key))) / sum(all);
}
