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

test('lines keep the order of the request, also where named ones were placed first', () => {
  const lines = [{ sku: 'B', quantity: 1 }, { sku: 'A', quantity: 1, location: 'W2' }]; // prettier-ignore
  const { body } = answerOf(decideIn({ levels }, reserve(lines)));
  expect(body['lines']).toMatchObject([{ sku: 'B', line: 0 }, { sku: 'A', line: 1 }]); // prettier-ignore
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
