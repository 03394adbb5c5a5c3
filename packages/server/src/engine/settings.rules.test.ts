import { describe, expect, test } from 'vitest';
import { answerOf, decideIn, ledgerOf, NOON, refusalOf } from './decide.fixture.ts';
import type { Command, ProductPatch } from './stock.command.ts';

const R1 = '00000000-0000-7000-8000-000000000001';
const archive: Command = { kind: 'archiveProduct', sku: 'A', ifMatch: null };
const update = (patch: ProductPatch, sku = 'A'): Command => ({ kind: 'updateProduct', sku, patch, ifMatch: null });

describe('archiving a product', () => {
  test('gives back the holds that lapsed, once, and leaves other levels as they are', () => {
    const levels = [
      { sku: 'A', location: 'W1', reserved: 2 },
      { sku: 'A', location: 'W2' },
    ];
    const holds = [{ id: R1, expiresAt: NOON - 1, lines: [{ sku: 'A', location: 'W1', quantity: 2 }] }];
    const decision = decideIn({ levels, holds, lapsedLoaded: true }, archive, archive);
    expect(ledgerOf(decision)).toEqual(['expire A@W1 0/-2/0']);
    expect([...decision.writes.levels]).toMatchObject([{ reserved: 0 }]);
    expect(decision.writes.journal.map(({ kind }) => kind)).toEqual(['reservation.expired', 'product.archived']);
  });

  test('resolves the alerts of its levels', () => {
    const sell: Command = { kind: 'adjust', request: { sku: 'A', location: 'W1', type: 'subtract', quantity: 1 } };
    const { writes } = decideIn({ levels: [{ sku: 'A', location: 'W1', onHand: 1 }] }, sell, archive);
    expect([...writes.alerts]).toMatchObject([{ type: 'out_of_stock', status: 'resolved' }]);
  });

  test.each([{ onHand: 1 }, { committed: 1 }, { reserved: 1 }])('is refused while it has %j', (units) => {
    const levels = [{ sku: 'A', location: 'W1', ...units }];
    expect(refusalOf(decideIn({ levels, lapsedLoaded: true }, archive)).code).toBe('product_in_use');
  });
});

describe('changing a product', () => {
  test('opens no alert at a place that is archived', () => {
    const levels = ['W1', 'W2'].map((location) => ({ sku: 'A', location, onHand: 3 }));
    const { writes } = decideIn({ levels, archived: ['W1'] }, update({ reorderPoint: 5 }));
    expect([...writes.alerts].map(({ type, level }) => `${type} ${level.location.code}`)).toEqual(['low_stock W2']);
  });

  test('writes the levels that follow it and are not so already', () => {
    const levels = [
      { sku: 'A', location: 'W1', onHand: 30, reorderPoint: 5 },
      { sku: 'A', location: 'W2', onHand: 30 },
    ];
    const { writes } = decideIn({ levels }, update({ reorderPoint: 5 }));
    expect([...writes.levels].map(({ location, version }) => `${location.code} ${version}`)).toEqual(['W2 8']);
  });

  test('in several settings is one change of a level', () => {
    const levels = [{ sku: 'A', location: 'W1', onHand: 30 }];
    expect([...decideIn({ levels }, update({ reorderPoint: 5, maxLevel: 99 })).writes.levels]).toMatchObject([
      { reorderPoint: 5, maxLevel: 99, version: 8 },
    ]);
  });

  test('may name it as it is called; its old name is free for the next command, and the new one taken', () => {
    expect(answerOf(decideIn({}, update({ sku: 'A', name: 'x' }))).body).toMatchObject({ sku: 'A', name: 'x' });
    const decision = decideIn({}, update({ sku: 'C' }), update({ sku: 'C' }, 'B'), update({ sku: 'A' }, 'B'));
    expect(refusalOf(decision, 1).code).toBe('duplicate_sku');
    expect(answerOf(decision, 2).body).toMatchObject({ sku: 'A' });
  });

  test('to the cost that it has, written otherwise, leaves no trace', () => {
    expect(decideIn({}, update({ unitCost: 2.5 })).writes.journal).toEqual([]);
    expect(decideIn({}, update({ unitCost: 2.4 })).writes.journal).toHaveLength(1);
  });
});
