import { expect, test } from 'vitest';
import { chooseKnown, chooseUnderLocks, situationOf, type Routed, type Situation } from './batch.choice.ts';
import { BATCH_WEIGHT_MAX } from './batch.queue.ts';

const IDLE: Situation = { ahead: null, beside: [], others: [], isHungBeside: false };
const LIMITS = { batchMax: 256, secondLaneAt: 4 };

const command = (key: string, knownAt: number | null, weight = 1): Routed => ({
  holds: [key],
  asks: [key],
  weight,
  attempts: 0,
  knownAt,
});
const many = (count: number, knownAt: number | null): Routed[] =>
  Array.from({ length: count }, (_, index) => command(`k${index}`, knownAt));
const underWay = (commands: number, ...keys: string[]) => ({ commands, held: new Set(keys) });
const keys = (commands: Routed[]): string => commands.flatMap(({ holds }) => holds).join();

test('what is under way is ahead, beside, or on lanes of the other kind', () => {
  const batch = (key: string, startedMs: number) => ({ ...underWay(1, key), startedMs });
  const [own, beside, other] = [batch('a', 0), batch('b', 600), batch('c', 0)];
  const lanes = new Map([
    [own, 'lane 1'],
    [beside, 'lane 2'],
    [other, 'known 1'],
  ]);
  const expected = { ahead: own, beside: [beside], others: [other] };
  // Its own batch, and one of the other kind, may hang: that is no reason to go beside them.
  expect(situationOf('lane 1', lanes, ['known 1'], 1_100)).toEqual({ ...expected, isHungBeside: false });
  expect(situationOf('lane 1', lanes, ['known 1'], 1_101)).toEqual({ ...expected, isHungBeside: true });
});

test('each kind of lane takes its own, and nobody passes one before it who wants the same', () => {
  const queue = [command('a', 1), command('b', null), command('a', null), command('b', 1), command('c', 1)];
  expect(keys(chooseUnderLocks([...queue], IDLE, LIMITS))).toBe('b');
  expect(keys(chooseKnown([...queue], IDLE, LIMITS, () => true))).toBe('a,c');
  const busy = { ...IDLE, others: [underWay(1, 'a')] };
  expect(keys(chooseUnderLocks([command('a', null), command('b', null)], busy, LIMITS))).toBe('b');
  expect(keys(chooseKnown([command('a', 1), command('b', 1)], busy, LIMITS, () => true))).toBe('b');
});

test('what another batch of this process is at is not decided on what is known', () => {
  const queue = [command('a', 1), command('b', 1)];
  expect(keys(chooseKnown([...queue], IDLE, LIMITS, ({ holds }) => !holds.includes('a')))).toBe('b');
  const heavy = command('b', 1, BATCH_WEIGHT_MAX);
  const beside = { ...IDLE, beside: [underWay(1, 'a')] };
  expect(keys(chooseKnown([command('a', 1), heavy], beside, LIMITS, () => true))).toBe('b');
});

test('known levels follow a batch when there is a quarter as much, and go beside one when more wait than a batch holds', () => {
  const isFree = (): boolean => true;
  const behind = { ...IDLE, ahead: underWay(20) };
  expect(chooseKnown(many(4, 1), behind, LIMITS, isFree)).toEqual([]);
  expect(chooseKnown(many(5, 1), behind, LIMITS, isFree)).toHaveLength(5);
  const beside = { ...IDLE, beside: [underWay(20)] };
  expect(chooseKnown(many(BATCH_WEIGHT_MAX, 1), beside, LIMITS, isFree)).toEqual([]);
  expect(chooseKnown(many(BATCH_WEIGHT_MAX + 1, 1), beside, LIMITS, isFree)).toHaveLength(BATCH_WEIGHT_MAX);
});

test('a second lane under locks waits for about as much as the first one has; one that has a lane to itself does not', () => {
  const beside = { ...IDLE, beside: [underWay(10, 'x')] };
  expect(chooseUnderLocks(many(6, null), beside, LIMITS)).toEqual([]);
  expect(chooseUnderLocks(many(7, null), beside, LIMITS)).toHaveLength(7);
  expect(chooseUnderLocks(many(7, null), beside, { ...LIMITS, secondLaneAt: Number.POSITIVE_INFINITY })).toEqual([]);
  expect(chooseUnderLocks(many(1, null), { ...IDLE, others: [underWay(200)] }, LIMITS)).toHaveLength(1);
  expect(chooseUnderLocks(many(1, null), { ...beside, isHungBeside: true }, LIMITS)).toHaveLength(1);
});

test('behind a batch whose COMMIT is under way the next is sent when three quarters of it must wait for its levels', () => {
  const waiting = [command('x', null), command('x', null), command('x', null)];
  expect(chooseUnderLocks([...waiting], { ...IDLE, ahead: underWay(5, 'x') }, LIMITS)).toEqual([]);
  expect(chooseUnderLocks([...waiting], { ...IDLE, ahead: underWay(4, 'x') }, LIMITS)).toHaveLength(3);
});
