import { expect, test } from 'vitest';
import type { StockExport } from './export.sql.ts';
import { StockTotals } from './stock.totals.ts';

const row = (location: string, onHand: number, unitCost: string | null = null): StockExport => ({
  sku: 'MUG',
  name: 'Mug',
  location,
  isOpen: true,
  onHand,
  reserved: 0,
  committed: 0,
  incoming: 0,
  safetyStock: 0,
  reorderPoint: null,
  reorderQuantity: null,
  maxLevel: null,
  zone: null,
  aisle: null,
  shelf: null,
  version: 1,
  lastMovementAt: null,
  lastCountAt: null,
  unitCost,
});

interface View {
  totals: { levels: number; onHand: number; value: number };
  byLocation: { location: string; levels: number; onHand: number; value: number }[] | null;
}

test('locations are told in their order, whichever came first', () => {
  const totals = new StockTotals();
  for (const one of [row('C', 1), row('A', 2, '0.1000'), row('B', 3), row('C', 4), row('A', 5, '0.2000')])
    totals.add(one);
  const view = totals.view() as View;
  expect(view.byLocation).toMatchObject([
    { location: 'A', levels: 2, onHand: 7, value: 1.2 },
    { location: 'B', levels: 1, onHand: 3, value: 0 },
    { location: 'C', levels: 2, onHand: 5, value: 0 },
  ]);
  expect(view.totals).toMatchObject({ levels: 5, onHand: 15, value: 1.2 });
});

test('of a thousand locations each is told, and more are counted only together', () => {
  const totals = new StockTotals();
  for (let at = 0; at < 1_000; at += 1) totals.add(row(`L${at}`, 1));
  totals.add(row('L0', 1));
  expect((totals.view() as View).byLocation).toHaveLength(1_000);
  totals.add(row('one more', 1));
  expect(totals.view() as View).toMatchObject({ totals: { levels: 1_002, onHand: 1_002 }, byLocation: null });
});
