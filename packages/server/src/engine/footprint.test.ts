import { expect, test } from 'vitest';
import { touchOf } from './footprint.ts';
import type { Command } from './stock.command.ts';

const line = (sku: string, location?: string) => ({
  sku,
  quantity: 1,
  ...(location === undefined ? {} : { location }),
});
const reserve = (...lines: ReturnType<typeof line>[]): Command => ({ kind: 'reserve', request: { lines } });
const settings = (sku: string): Command => ({ kind: 'updateProduct', sku, patch: {} }) as Command;
const cancel = (id: string): Command => ({ kind: 'cancel', id, reason: null });
const release = (sku: string, id: string): Command => ({ kind: 'release', sku, id });

/** Whether the second waits while the first is under way, and the other way round. */
const waits = (one: Command, other: Command): [boolean, boolean] => {
  const [first, second] = [touchOf(one), touchOf(other)];
  return [second.asks.some((key) => first.holds.includes(key)), first.asks.some((key) => second.holds.includes(key))];
};

test.each([
  ['the same level', reserve(line('MUG', 'A')), reserve(line('MUG', 'A'))],
  ['one of several levels', reserve(line('CUP', 'A'), line('MUG', 'A')), reserve(line('MUG', 'A'))],
  ['any level of a product', reserve(line('MUG')), reserve(line('MUG', 'A'))],
  ['any level of a product, twice', reserve(line('MUG')), reserve(line('CUP', 'A'), line('MUG'))],
  ['a product that changes', settings('MUG'), reserve(line('MUG', 'A'))],
  ['a reservation', cancel('r-1'), release('MUG', 'r-1')],
  ['a product whose units are given back', release('MUG', 'r-1'), reserve(line('MUG', 'A'))],
])('who wants %s waits', (_what, one, other) => {
  expect(waits(one, other)).toEqual([true, true]);
});

test.each([
  ['another place of the same product', reserve(line('MUG', 'A')), reserve(line('MUG', 'B'))],
  ['another product', reserve(line('MUG')), reserve(line('CUP'))],
  ['another reservation', cancel('r-1'), cancel('r-2')],
])('who wants %s does not wait', (_what, one, other) => {
  expect(waits(one, other)).toEqual([false, false]);
});
