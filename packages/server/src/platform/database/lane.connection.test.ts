import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { LaneConnection, SentBehindFailure, type LaneResult, type LaneStatement } from './lane.connection.ts';

let lane: LaneConnection;
beforeEach(async () => {
  lane = await LaneConnection.connect(inject('postgres'));
  await lane.query('CREATE TEMPORARY TABLE seen (word text)');
});
afterEach(() => lane.end());

const statement = (text: string, ...values: string[]): LaneStatement => ({ name: text, text, values });
const add = (word: string): LaneStatement => statement('INSERT INTO seen VALUES ($1)', word);

/** What is asked for later than this goes into a group of its own, while this one's is not answered yet. */
function underWay(asked: (LaneStatement | string)[]): Promise<PromiseSettledResult<LaneResult>[]> {
  return Promise.allSettled(asked.map((one) => lane.query(one)));
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => process.nextTick(resolve));
}

async function words(): Promise<unknown[]> {
  return (await lane.query<[string]>(statement('SELECT word FROM seen ORDER BY word'))).rows.flat();
}

test('a group is sent while those before it are not answered, and each gets its own answer', async () => {
  const startedMs = performance.now();
  const first = underWay([statement(`SELECT 'slow' FROM pg_sleep(0.1)`)]);
  await nextTurn();
  const second = underWay([statement(`SELECT 'quick'`), statement('SELECT $1::text, 2', 'two')]);
  expect(await second).toMatchObject([{ value: { rows: [['quick']] } }, { value: { rows: [['two', 2]] } }]);
  expect(performance.now() - startedMs).toBeGreaterThan(50);
  expect(await first).toMatchObject([{ value: { rows: [['slow']] } }]);
});

test('a group behind one that fails has failed, even where the server has done it', async () => {
  const failing = underWay([add('undone'), statement('SELECT 1 / 0 FROM pg_sleep(0.1)'), add('not run')]);
  await nextTurn();
  const behind = underWay([add('done all the same')]);
  await nextTurn();
  const furtherBehind = underWay([statement('SELECT no_such_column')]);
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  for (const group of [behind, furtherBehind]) {
    expect(await group).toMatchObject([{ reason: expect.any(SentBehindFailure) as unknown }]);
  }
  expect(await words()).toEqual(['done all the same']);
});

test('what is sent after a failure is known is not concerned', async () => {
  const failing = underWay(['BEGIN', add('first'), statement('SELECT 1 / 0'), 'COMMIT']);
  await nextTurn();
  const behind = underWay(['BEGIN', add('second')]);
  const rolledBack = failing.then(() => underWay(['ROLLBACK']));
  expect((await behind).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await rolledBack).toMatchObject([{ value: { command: 'ROLLBACK' } }]);
  expect(await underWay(['BEGIN', add('third'), 'COMMIT'])).toMatchObject([
    { value: { command: 'BEGIN' } },
    { value: { command: 'INSERT' } },
    { value: { command: 'COMMIT' } },
  ]);
  expect(await words()).toEqual(['third']);
});

test('when the connection is lost, every group hears of that', async () => {
  const first = underWay([statement('SELECT 1 FROM pg_sleep(5)')]);
  await nextTurn();
  const second = underWay([statement('SELECT 2')]);
  lane.cut();
  for (const group of [first, second]) {
    const [only] = await group;
    expect(only).toMatchObject({ status: 'rejected' });
    expect(only).not.toMatchObject({ reason: expect.any(SentBehindFailure) as unknown });
  }
});
