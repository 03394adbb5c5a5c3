import { expect, test } from 'vitest';
import { createGatherer } from './gather.ts';

interface Round {
  keys: number[];
  answer: () => void;
  fail: (error: Error) => void;
}

/** A gatherer of doubled numbers whose rounds are answered by hand. */
function doubles(maxKeys: number) {
  const rounds: Round[] = [];
  const read = createGatherer<number, number>({
    maxKeys,
    idOf: String,
    load: (keys) =>
      new Promise((resolve, reject) => {
        rounds.push({ keys, answer: () => resolve(keys.map((key) => key * 2)), fail: reject });
      }),
  });
  return { rounds, read };
}

/** Two turns of the event loop: an answer arrives in one, the round after it starts in the next. */
const turn = async (): Promise<void> => {
  for (let i = 0; i < 2; i += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
};

test('reads of one turn share one round, each gets its own answer, and the same key is asked for once', async () => {
  const { rounds, read } = doubles(100);
  const answers = Promise.all([read(1), read(2), read(1)]);
  await turn();
  expect(rounds.map(({ keys }) => keys)).toEqual([[1, 2]]);
  rounds[0]?.answer();
  expect(await answers).toEqual([2, 4, 2]);
});

test('what comes while a round is in flight waits for the next one', async () => {
  const { rounds, read } = doubles(100);
  const first = read(1);
  await turn();
  const later = [read(2), read(3)];
  await turn();
  expect(rounds).toHaveLength(1);
  rounds[0]?.answer();
  expect(await first).toBe(2);
  await turn();
  expect(rounds[1]?.keys).toEqual([2, 3]);
  rounds[1]?.answer();
  expect(await Promise.all(later)).toEqual([4, 6]);
});

test('a full round starts beside the one in flight, a third one waits', async () => {
  const { rounds, read } = doubles(2);
  const answers = [1, 2, 3, 4, 5, 6, 7].map(read);
  await turn();
  expect(rounds.map(({ keys }) => keys)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  rounds[1]?.answer();
  await turn();
  expect(rounds[2]?.keys).toEqual([5, 6]);
  rounds[0]?.answer();
  rounds[2]?.answer();
  await turn();
  rounds[3]?.answer();
  expect(await Promise.all(answers)).toEqual([2, 4, 6, 8, 10, 12, 14]);
});

test('a round that fails rejects its own callers and no other', async () => {
  const { rounds, read } = doubles(100);
  const failing = Promise.allSettled([read(1), read(2)]);
  await turn();
  const fine = read(3);
  rounds[0]?.fail(new Error('the database is away'));
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await turn();
  rounds[1]?.answer();
  expect(await fine).toBe(6);
});

test('an answer that is too short is an error for all, not undefined for one', async () => {
  const read = createGatherer<number, number>({ maxKeys: 10, idOf: String, load: () => Promise.resolve([1]) });
  const settled = await Promise.allSettled([read(1), read(2)]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
