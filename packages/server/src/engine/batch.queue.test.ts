import { expect, test } from 'vitest';
import { ATTEMPTS_TOGETHER, BATCH_WEIGHT_MAX, countTouching, isDeep, takeApart, takeFirst } from './batch.queue.ts';

interface Named {
  name: string;
  weight: number;
  attempts: number;
  holds: string[];
  asks: string[];
}

const command = (name: string, keys: string[], more: Partial<Named> = {}): Named => ({
  name,
  holds: keys,
  asks: keys,
  weight: 1,
  attempts: 0,
  ...more,
});
const underWay = (...keys: string[]) => ({ commands: keys.length, held: new Set(keys) });
const names = (commands: Named[]): string => commands.map(({ name }) => name).join('');

test('the next batch is those who came first, as many as fit', () => {
  const queue = [command('a', ['x']), command('b', ['x']), command('c', ['y'])];
  expect([names(takeFirst(queue, 2)), names(queue)]).toEqual(['ab', 'c']);
  const heavy = [command('a', [], { weight: BATCH_WEIGHT_MAX + 1 }), command('b', [])];
  expect([names(takeFirst(heavy, 9)), names(heavy)]).toEqual(['a', 'b']);
});

test('one that was often tried in company goes alone', () => {
  const often = { attempts: ATTEMPTS_TOGETHER };
  const queue = [command('a', ['x']), command('b', ['y'], often), command('c', ['z'])];
  expect(names(takeFirst(queue, 9))).toBe('a');
  expect(names(takeFirst(queue, 9))).toBe('b');
  const beside = [command('b', ['y'], often), command('c', ['z'])];
  expect(takeApart(beside, 9, 1, [underWay('y')]).map(({ name }) => name)).toEqual(['c']);
  expect(names(takeApart(beside, 9, 5, [underWay('z')]))).toBe('b');
});

test('a second lane takes what is free of the first one, and nobody is overtaken by one who wants the same', () => {
  const queue = [
    command('a', ['hot']),
    command('b', ['hot', 'x']),
    command('c', ['x']),
    command('d', ['y']),
    command('e', ['y']),
    command('f', ['z'], { attempts: ATTEMPTS_TOGETHER }),
    command('g', ['z']),
  ];
  expect(takeApart(queue, 9, 3, [underWay('hot')])).toEqual([]);
  expect([names(takeApart(queue, 9, 2, [underWay('hot')])), names(queue)]).toEqual(['de', 'abcfg']);
  expect(countTouching(queue, 9, underWay('hot'))).toBe(2);
  expect(countTouching(queue, 1, underWay('hot'))).toBe(1);
});

test('nobody overtakes one who wants any level of the same product', () => {
  const any = { ...command('a', []), holds: ['MUG', '*MUG'], asks: ['*MUG'] };
  const level = { ...command('b', []), holds: ['MUG W1', '*MUG'], asks: ['MUG W1', 'MUG'] };
  expect(names(takeApart([any, level, command('c', ['x'])], 9, 1, [underWay('*MUG')]))).toBe('c');
});

test('a batch that is full of lines is enough, however few its commands are', () => {
  const third = { weight: BATCH_WEIGHT_MAX / 3 };
  const queue = [
    command('a', ['x'], third),
    command('b', ['hot'], third),
    command('c', ['y'], third),
    command('d', ['z'], third),
    command('e', ['w'], third),
  ];
  expect(takeApart(queue.slice(0, 4), 9, 4, [underWay('hot')])).toEqual([]);
  expect([names(takeApart(queue, 9, 5, [underWay('hot')])), names(queue)]).toEqual(['acd', 'be']);
});

test('what is more than a batch by number or by lines is deep', () => {
  const queue = [command('a', []), command('b', [], { weight: BATCH_WEIGHT_MAX })];
  expect([isDeep(queue, 2), isDeep(queue, 3), isDeep(queue.slice(1), 2)]).toEqual([true, true, false]);
});
