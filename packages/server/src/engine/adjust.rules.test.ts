import { expect, test } from 'vitest';
import { answerOf, decideIn, ledgerOf, NOON, refusalOf } from './decide.fixture.ts';
import type { AdjustRequest, Command } from './stock.command.ts';

const R1 = '00000000-0000-7000-8000-000000000001';
const adjust = (type: AdjustRequest['type'], quantity: number, more: Partial<AdjustRequest> = {}): Command => ({
  kind: 'adjust',
  request: { sku: 'A', location: 'W1', type, quantity, ...more },
});
const transfer = (...quantities: number[]): Command => ({
  kind: 'transfer',
  from: 'W1',
  to: 'W2',
  lines: quantities.map((quantity) => ({ sku: 'A', quantity })),
  reference: null,
});

test('many at once are told by their place in the whole request, and each has the alerts that it causes', () => {
  const items = [['subtract', 5], ['subtract', 1], ['add', 1]] as const; // prettier-ignore
  const requests = items.map(([type, quantity]) => ({ sku: 'A', location: 'W1', type, quantity }));
  const levels = [{ sku: 'A', location: 'W1', onHand: 5 }];
  const decision = decideIn({ levels }, { kind: 'adjustMany', requests, atomic: false, offset: 500 });
  expect(answerOf(decision).body).toMatchObject({
    succeeded: 2,
    results: [
      { index: 500, ok: true },
      { index: 501, ok: false, error: { code: 'insufficient_stock' } },
      { index: 502, ok: true },
    ],
  });
  expect(decision.writes.journal.map(({ kind }) => kind)).toEqual([
    'stock.adjusted',
    'alert.opened',
    'stock.adjusted',
    'alert.resolved',
  ]);
});

test('a level’s history never runs backwards, whatever the clock does', () => {
  const lastMovementAt = NOON + 5_000;
  const { writes } = decideIn({ levels: [{ sku: 'A', location: 'W1', onHand: 3, lastMovementAt }] }, adjust('add', 1));
  expect(writes.ledger).toMatchObject([{ at: lastMovementAt }]);
  expect(writes.journal).toMatchObject([{ at: NOON }]);
});

test('during a shortage units may come, and a count may find no fewer than were there', () => {
  const levels = [{ sku: 'A', location: 'W1', onHand: 3, committed: 6 }];
  expect(ledgerOf(decideIn({ levels }, adjust('add', 1)))).toEqual(['adjustment A@W1 1/0/0']);
  expect(ledgerOf(decideIn({ levels }, adjust('set', 3, { movement: 'count' })))).toEqual(['count A@W1 0/0/0']);
  expect(refusalOf(decideIn({ levels }, adjust('subtract', 1))).code).toBe('stock_below_promised');
});

test('only a count says when it was counted', () => {
  const levels = [{ sku: 'A', location: 'W1', onHand: 3 }];
  expect(answerOf(decideIn({ levels }, adjust('set', 4))).body).toMatchObject({ level: { lastCountAt: null } });
});

const lapsed = (onHand: number, held: number) => ({
  levels: [{ sku: 'A', location: 'W1', onHand, reserved: held }],
  holds: [{ id: R1, expiresAt: NOON - 1, lines: [{ sku: 'A', location: 'W1', quantity: held }] }],
  lapsedLoaded: true,
});

test('lapsed holds promise nothing: they are released where they would be in the way, and only there', () => {
  const released = 'expire A@W1 0/-4/0';
  expect(ledgerOf(decideIn(lapsed(4, 4), adjust('subtract', 3)))).toEqual([released, 'adjustment A@W1 -3/0/0']);
  expect(ledgerOf(decideIn(lapsed(4, 4), adjust('subtract', 3, { force: true })))).toEqual(['adjustment A@W1 -3/0/0']);
  expect(ledgerOf(decideIn(lapsed(1, 4), adjust('add', 1)))).toEqual(['adjustment A@W1 1/0/0']);
  expect(ledgerOf(decideIn(lapsed(4, 4), transfer(3)))).toEqual([
    released,
    'transfer_out A@W1 -3/0/0',
    'transfer_in A@W2 3/0/0',
  ]);
});

test('a refusal says what is promised still, without what lapsed', () => {
  const world = lapsed(6, 4);
  const levels = [{ sku: 'A', location: 'W1', onHand: 6, reserved: 4, committed: 2 }];
  expect(refusalOf(decideIn({ ...world, levels }, adjust('subtract', 5))).detail).toContain('2 units are promised');
});

test('a transfer says what it was for', () => {
  const reference = { type: 'order', id: 'PO-1' };
  const levels = [{ sku: 'A', location: 'W1', onHand: 5 }];
  const command: Command = { kind: 'transfer', from: 'W1', to: 'W2', lines: [{ sku: 'A', quantity: 1 }], reference };
  expect(answerOf(decideIn({ levels }, command)).body).toMatchObject({ reference });
});

test('a transfer adds up its lines of one product, and shows no less than nothing', () => {
  const levels = [{ sku: 'A', location: 'W1', onHand: 5 }];
  expect(refusalOf(decideIn({ levels }, transfer(3, 3))).extensions).toMatchObject({
    lines: [{ requested: 6, available: 5 }],
  });
  const short = [{ sku: 'A', location: 'W1', onHand: 2, committed: 5 }];
  expect(refusalOf(decideIn({ levels: short }, transfer(1))).extensions).toMatchObject({ lines: [{ available: 0 }] });
});

test('a transfer takes nothing from a closed place, may bring to one, and fills none beyond the largest level', () => {
  const levels = [{ sku: 'A', location: 'W1', onHand: 5 }, { sku: 'A', location: 'W2', onHand: 999_999_999_998 }]; // prettier-ignore
  const closed = (code: string) => ['W1', 'W2'].map((one) => ({ code: one, active: one !== code }));
  expect(refusalOf(decideIn({ levels, locations: closed('W1') }, transfer(1))).code).toBe('location_inactive');
  expect(answerOf(decideIn({ levels, locations: closed('W2') }, transfer(2))).status).toBe(201);
  expect(refusalOf(decideIn({ levels }, transfer(3))).code).toBe('quantity_out_of_range');
});
