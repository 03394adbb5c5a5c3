import { expect, test } from 'vitest';
import { BLOCK_SIZE, BlockNumbers, NumbersExhausted } from './numbers.ts';

test('numbers of a block follow one another, and the rest of it is told', () => {
  const numbers = new BlockNumbers([8192]);
  expect([numbers.take(3), numbers.take(1)]).toEqual([8192, 8195]);
  expect(numbers.rest).toEqual({ next: 8196, end: 12_288 });
});

test('a run fills its block to the last number, and goes whole into the next block where it does not fit', () => {
  const numbers = new BlockNumbers([8192, 40_960]);
  numbers.take(BLOCK_SIZE - 2);
  expect(numbers.rest).toEqual({ next: 40_960, end: 45_056 });
  expect([numbers.take(2), numbers.take(2)]).toEqual([12_286, 40_960]);
  const other = new BlockNumbers([8192, 40_960]);
  other.take(BLOCK_SIZE - 2);
  expect([other.take(3), other.take(1)]).toEqual([40_960, 40_963]);
  expect(other.rest).toEqual({ next: 40_964, end: 45_056 });
});

test('more than there are is never made up', () => {
  const numbers = new BlockNumbers([8192]);
  numbers.take(BLOCK_SIZE);
  expect(() => numbers.take(1)).toThrow(NumbersExhausted);
  expect(() => numbers.take(BLOCK_SIZE + 1)).toThrow('does not fit into a block');
});
