import { describe, expect, test } from 'vitest';
import { createIdSource } from '../kernel/ids.ts';
import { loadedWorld, META, NOON } from './decide.fixture.ts';
import { KnownClock } from './known.clock.ts';
import { KnownNumbers } from './known.numbers.ts';
import { KnownStock } from './known.stock.ts';
import { buildState } from './loaded.ts';
import { BLOCK_SIZE, NumbersExhausted } from './numbers.ts';
import { decideKnown } from './optimistic.batch.ts';
import type { Command, LineRequest, ReserveRequest } from './stock.command.ts';
import type { Level, StockState } from './stock.state.ts';

const NOBODY = new Set<string>();
const NUMBERS = { next: BLOCK_SIZE, end: 2 * BLOCK_SIZE };

function reserve(lines: LineRequest[], more: Partial<ReserveRequest> = {}): Command {
  return { kind: 'reserve', request: { lines, ...more } };
}

const one = (sku: string, location: string, quantity = 1): Command => reserve([{ sku, location, quantity }]);

function learned(change: (state: StockState) => void = () => undefined): KnownStock {
  const known = new KnownStock(900_000);
  const state = buildState(
    loadedWorld({
      levels: [
        { sku: 'A', location: 'W1', onHand: 10, reserved: 4, reorderPoint: 3 },
        { sku: 'B', location: 'W2', onHand: 5 },
      ],
    }),
  );
  change(state);
  known.learn({ state, written: new Set(), numbers: NUMBERS, clock: { nowMs: NOON, heardAtMs: 0 } });
  return known;
}

const levelIn = (state: StockState, sku: string, code: string): Level | undefined =>
  state.products.get(sku)?.levels.get(state.locations.get(code)?.id ?? 0);

describe('what is known', () => {
  test('is what was locked and read, as long as there is enough of it', () => {
    const known = learned();
    expect(known.knows(one('A', 'W1', 6), NOBODY)).toBe(true);
    // What lapsed holds keep is not seen here.
    expect(known.knows(one('A', 'W1', 7), NOBODY)).toBe(false);
    expect(known.knows(one('A', 'W2'), NOBODY)).toBe(false);
    expect(known.knows(one('C', 'W1'), NOBODY)).toBe(false);
    expect(known.knows(reserve([{ sku: 'A', quantity: 1 }]), NOBODY)).toBe(false);
    expect(known.knows(reserve([{ sku: 'A', location: 'W1', quantity: 1 }], { partial: true }), NOBODY)).toBe(false);
    expect(known.knows({ kind: 'expire', id: 'r' }, NOBODY)).toBe(false);
    expect(known.knows(one('A', 'W1'), new Set(['1:101']))).toBe(false);
  });

  test('is given to a decision as a copy, and is what the decision left if that counts', () => {
    const known = learned();
    const commands = [one('A', 'W1')];
    const state = known.stateFor(commands, NOON);
    const level = levelIn(state, 'A', 'W1') as Level;
    expect(level).toMatchObject({
      onHand: 10,
      reserved: 4,
      reorderPoint: 3,
      maxLevel: null,
      rowVersion: 7,
      rowReserved: 4,
    });
    expect(levelIn(state, 'B', 'W2')).toBeUndefined();
    level.reserved += 6;
    known.settle([]);
    expect(levelIn(state, 'A', 'W1')).toBeUndefined();
    expect(known.knows(one('A', 'W1', 6), NOBODY)).toBe(true);
    known.stateFor(commands, NOON);
    known.settle([level]);
    expect(known.knows(one('A', 'W1'), NOBODY)).toBe(false);
  });

  test('stays as it is where a decision cannot be taken', () => {
    const known = learned();
    known.numbers.learn({ next: 3 * BLOCK_SIZE - 3, end: 3 * BLOCK_SIZE });
    const asked = [one('A', 'W1', 3), one('A', 'W1', 3)].map((command) => ({ command, meta: META }));
    // Each takes two numbers, and there are three.
    expect(decideKnown(asked, known, NOON, 0, createIdSource())).toEqual({ accepted: [false, false], plan: null });
    expect(known.knows(one('A', 'W1', 6), NOBODY)).toBe(true);
    known.numbers.learn({ next: 4 * BLOCK_SIZE, end: 5 * BLOCK_SIZE });
    expect(decideKnown(asked, known, NOON, 0, createIdSource()).accepted).toEqual([true, true]);
    expect(known.knows(one('A', 'W1'), NOBODY)).toBe(false);
  });

  test('refuses nothing: where one of many does not find its units, all go under locks', () => {
    const known = learned();
    const requests = [{ lines: [{ sku: 'A', location: 'W1', quantity: 4 }] }];
    const many: Command = { kind: 'reserveMany', requests: [...requests, ...requests], offset: 0 };
    expect(known.knows(many, NOBODY)).toBe(true);
    const asked = [{ command: many, meta: META }];
    expect(decideKnown(asked, known, NOON, 0, createIdSource())).toEqual({ accepted: [false], plan: null });
    expect(known.knows(one('A', 'W1', 6), NOBODY)).toBe(true);
  });

  test('is written in the order in which levels are locked everywhere', () => {
    const known = learned();
    const asked = [one('B', 'W2'), one('A', 'W1')].map((command) => ({ command, meta: META }));
    const { plan } = decideKnown(asked, known, NOON, 0, createIdSource());
    const levels = String(plan?.write.values[0]);
    expect(levels.indexOf('(2,102,')).toBeGreaterThan(levels.indexOf('(1,101,'));
    expect(levels.indexOf('(1,101,')).toBeGreaterThan(0);
  });

  test('is not touched while others are at it', () => {
    const known = learned();
    known.claim(['1:101']);
    known.claim(['1:101']);
    known.release(['1:101']);
    expect([known.isFree(one('A', 'W1')), known.isFree(one('B', 'W2'))]).toEqual([false, true]);
    expect(known.isFree(one('C', 'W1'))).toBe(false);
    known.release(['1:101']);
    expect(known.isFree(one('A', 'W1'))).toBe(true);
  });

  test('is forgotten level by level, or as a whole, and one can tell', () => {
    const known = learned();
    const before = known.forgotten;
    const level = levelIn(known.stateFor([one('A', 'W1')], NOON), 'A', 'W1') as Level;
    known.forget([level]);
    expect([known.knows(one('A', 'W1'), NOBODY), known.knows(one('B', 'W2'), NOBODY)]).toEqual([false, true]);
    expect(known.forgotten).toBeGreaterThan(before);
    known.forgetAll();
    expect(known.knows(one('B', 'W2'), NOBODY)).toBe(false);
    expect([known.clock.nowMs(0), known.numbers.has(1)]).toEqual([null, false]);
  });

  test('follows a product that was renamed', () => {
    const known = learned();
    const renamed = buildState(loadedWorld({ levels: [{ sku: 'A', location: 'W1', onHand: 9 }] }));
    const product = renamed.productsById.get(1);
    Object.assign(product ?? {}, { sku: 'NEW', version: 2 });
    known.learn({ state: renamed, written: new Set(), numbers: NUMBERS, clock: { nowMs: NOON, heardAtMs: 0 } });
    expect([known.knows(one('A', 'W1'), NOBODY), known.knows(one('NEW', 'W1', 9), NOBODY)]).toEqual([false, true]);
  });

  test('follows a location that was renamed, or closed', () => {
    const known = learned();
    const before = known.forgotten;
    const changed = buildState(loadedWorld({ levels: [{ sku: 'A', location: 'W1', onHand: 9 }] }));
    Object.assign(changed.locationsById.get(101) ?? {}, { code: 'NEW', active: false, version: 2 });
    known.learn({ state: changed, written: new Set(), numbers: NUMBERS, clock: { nowMs: NOON, heardAtMs: 0 } });
    expect(known.forgotten).toBeGreaterThan(before);
    expect(known.knows(one('A', 'W1'), NOBODY)).toBe(false);
    const asked = [{ command: one('A', 'NEW'), meta: META }];
    expect(decideKnown(asked, known, NOON, 0, createIdSource()).accepted).toEqual([false]);
  });

  test('a level without a row is not known, unless the batch made it', () => {
    const withoutRow = (state: StockState): void => {
      for (const product of state.productsById.values())
        for (const level of product.levels.values()) level.exists = false;
    };
    expect(learned(withoutRow).knows(one('A', 'W1'), NOBODY)).toBe(false);
  });
});

describe('numbers', () => {
  test('are of the newest block that any known level may have entries of', () => {
    const numbers = new KnownNumbers();
    expect([numbers.has(1), numbers.wanted]).toEqual([false, 1]);
    numbers.learn({ next: 5_000, end: 8_192 });
    expect(numbers.take(2)).toBe(5_000);
    numbers.learn({ next: 4_200, end: 8_192 });
    numbers.learn({ next: 4_096, end: 4_100 });
    expect(numbers.take(1)).toBe(5_002);
    numbers.learn({ next: 12_300, end: 16_384 });
    expect(numbers.take(1)).toBe(12_300);
  });

  test('go on in a block that was drawn in time, never in an older one', () => {
    const numbers = new KnownNumbers();
    numbers.learn({ next: 8_190, end: 8_192 });
    expect(numbers.wanted).toBe(1);
    numbers.add(4_096);
    expect(numbers.has(3)).toBe(false);
    numbers.add(12_288);
    expect([numbers.has(3), numbers.wanted]).toEqual([true, 0]);
    expect([numbers.take(3), numbers.take(2)]).toEqual([12_288, 12_291]);
    numbers.add(20_480);
    numbers.learn({ next: 24_580, end: 28_672 });
    expect(numbers.take(4_000)).toBe(24_580);
    expect(() => numbers.take(4_000)).toThrow(NumbersExhausted);
  });
});

test('numbers of a block are given to the last one, and once', () => {
  const numbers = new KnownNumbers();
  numbers.learn({ next: 8_190, end: 8_192 });
  numbers.add(12_288);
  expect([numbers.take(2), numbers.take(4_096), numbers.has(1)]).toEqual([8_190, 12_288, false]);
  expect(() => numbers.take(1)).toThrow(NumbersExhausted);
  numbers.learn({ next: 16_384, end: 20_480 });
  numbers.add(20_480);
  numbers.forget();
  expect(numbers.has(1)).toBe(false);
});

describe('the clock', () => {
  test('is told from the answer that came with the least delay, and never early', () => {
    const clock = new KnownClock();
    expect(clock.nowMs(0)).toBeNull();
    clock.learn(1_000_000, 50);
    expect(clock.nowMs(60)).toBe(1_000_010);
    // Another came 40 ms sooner after it was read, and one 30 ms later.
    clock.learn(1_000_100, 110);
    expect(clock.nowMs(110)).toBe(1_000_100);
    clock.learn(1_000_200, 240);
    expect(clock.nowMs(240)).toBe(1_000_229);
  });

  test('follows one that was set, either way', () => {
    const clock = new KnownClock();
    clock.learn(1_000_000, 0);
    clock.learn(4_600_000, 10);
    expect(clock.nowMs(10)).toBe(4_600_000);
    clock.learn(1_000_020, 20);
    expect(clock.nowMs(20)).toBe(1_000_020);
  });
});
