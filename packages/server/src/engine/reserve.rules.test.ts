import { expect, test } from 'vitest';
import { answerOf, decideIn, ledgerOf, refusalOf } from './decide.fixture.ts';
import type { Command, LineRequest, ReserveRequest } from './stock.command.ts';

const reserve = (lines: LineRequest[], more: Partial<ReserveRequest> = {}): Command => ({
  kind: 'reserve',
  request: { lines, ...more },
});
const levels = [
  { sku: 'A', location: 'W1', onHand: 5 },
  { sku: 'A', location: 'W2', onHand: 4 },
  { sku: 'B', location: 'W1', onHand: 2 },
  { sku: 'B', location: 'W2', onHand: 2 },
];

test('many at once are told by their place in the whole request', () => {
  const requests = [{ lines: [{ sku: 'B', quantity: 5 }] }, { lines: [{ sku: 'B', quantity: 1 }] }];
  const decision = decideIn({ levels }, { kind: 'reserveMany', requests, offset: 500 });
  expect(answerOf(decision).body).toMatchObject({
    succeeded: 1,
    results: [
      { index: 500, ok: false, error: { code: 'insufficient_stock' } },
      { index: 501, ok: true, reservation: { status: 'pending' } },
    ],
  });
});

test('repeated sourced lines that find nothing are one shortfall, beside that of the place that was named', () => {
  const lines = [{ sku: 'A', quantity: 9, location: 'W1' }, { sku: 'A', quantity: 7 }, { sku: 'A', quantity: 6 }]; // prettier-ignore
  expect(refusalOf(decideIn({ levels }, reserve(lines))).extensions).toEqual({
    lines: [
      { sku: 'A', location: 'W1', requested: 9, available: 5 },
      { sku: 'A', location: null, requested: 13, available: 5 },
    ],
  });
});

test('fewest_locations stays within the places that are allowed, wherever named lines already are', () => {
  const lines = [{ sku: 'A', quantity: 1, location: 'W1' }, { sku: 'B', quantity: 1 }]; // prettier-ignore
  const sourcing = { strategy: 'fewest_locations' as const, locations: ['W2'] };
  expect(ledgerOf(decideIn({ levels }, reserve(lines, { sourcing })))).toEqual([
    'reserve A@W1 0/1/0',
    'reserve B@W2 0/1/0',
  ]);
});

test('fewest_locations with partial takes what there is where no places have all of it', () => {
  const sourcing = { strategy: 'fewest_locations' as const, split: true };
  const decision = decideIn({ levels }, reserve([{ sku: 'A', quantity: 10 }], { sourcing, partial: true }));
  expect(ledgerOf(decision)).toEqual(['reserve A@W1 0/5/0', 'reserve A@W2 0/4/0']);
});

test('fewest_locations goes where named lines already are, and counts what they take there', () => {
  const sourcing = { strategy: 'fewest_locations' as const };
  const beside = [{ sku: 'A', quantity: 1, location: 'W2' }, { sku: 'B', quantity: 1 }]; // prettier-ignore
  expect(ledgerOf(decideIn({ levels }, reserve(beside, { sourcing })))).toEqual([
    'reserve A@W2 0/1/0',
    'reserve B@W2 0/1/0',
  ]);
  const same = [{ sku: 'A', quantity: 5, location: 'W1' }, { sku: 'A', quantity: 4 }]; // prettier-ignore
  expect(ledgerOf(decideIn({ levels }, reserve(same, { sourcing })))).toEqual([
    'reserve A@W1 0/5/0',
    'reserve A@W2 0/4/0',
  ]);
});

test('of the smallest sets of places the one whose places come first is taken', () => {
  const places = [1, 2, 2, 3].map((onHand, index) => ({ sku: 'A', location: `W${index}`, onHand }));
  const locations = places.map(({ location }) => ({ code: location }));
  const sourcing = { strategy: 'fewest_locations' as const, split: true };
  const decision = decideIn({ locations, levels: places }, reserve([{ sku: 'A', quantity: 4 }], { sourcing }));
  expect(ledgerOf(decision)).toEqual(['reserve A@W0 0/1/0', 'reserve A@W3 0/3/0']);
});

test('of ten places every set is tried: the place that serves the most is none of the best two', () => {
  const stock: Record<string, string[]> = { W1: ['C', 'D', 'E', 'F'], W2: ['A', 'C', 'D'], W3: ['B', 'E', 'F'] };
  for (let place = 4; place <= 10; place += 1) stock[`W${place}`] = ['A'];
  const products = ['A', 'B', 'C', 'D', 'E', 'F'];
  const world = {
    products,
    locations: Object.keys(stock).map((code) => ({ code })),
    levels: Object.entries(stock).flatMap(([location, skus]) => skus.map((sku) => ({ sku, location, onHand: 1 }))),
  };
  const lines = products.map((sku) => ({ sku, quantity: 1 }));
  const decision = decideIn(world, reserve(lines, { sourcing: { strategy: 'fewest_locations' } }));
  const placed = answerOf(decision).body['lines'] as { location: string }[];
  expect(new Set(placed.map(({ location }) => location))).toEqual(new Set(['W2', 'W3']));
});

test('a place below zero takes nothing from what the others offer', () => {
  const below = [...levels.slice(0, 2), { sku: 'A', location: 'W3', onHand: 1, committed: 3 }];
  const locations = ['W1', 'W2', 'W3'].map((code) => ({ code }));
  const request = reserve([{ sku: 'A', quantity: 10 }], { sourcing: { split: true } });
  expect(refusalOf(decideIn({ locations, levels: below }, request)).extensions).toMatchObject({
    lines: [{ requested: 10, available: 9 }],
  });
});

test('lines keep the order of the request and their attributes, also where named ones were placed first', () => {
  const lines = [{ sku: 'B', quantity: 1 }, { sku: 'A', quantity: 1, location: 'W2', attributes: { size: 'M' } }]; // prettier-ignore
  const { body } = answerOf(decideIn({ levels }, reserve(lines)));
  expect(body['lines']).toMatchObject([
    { sku: 'B', line: 0, attributes: null },
    { sku: 'A', line: 1, attributes: { size: 'M' } },
  ]);
});

test('what was asked for stands on the first piece of a split line alone', () => {
  const decision = decideIn({ levels }, reserve([{ sku: 'A', quantity: 9 }], { sourcing: { split: true } }));
  expect(answerOf(decision).body['lines']).toMatchObject([
    { location: 'W1', quantity: 5, requested: 9, line: 0 },
    { location: 'W2', quantity: 4, requested: 0, line: 0 },
  ]);
});

test('with partial, a request that gets nothing at all is refused', () => {
  const lines = [{ sku: 'C', quantity: 1, location: 'W1' }];
  expect(refusalOf(decideIn({ products: ['C'], levels: [] }, reserve(lines, { partial: true }))).code).toBe(
    'insufficient_stock',
  );
});
