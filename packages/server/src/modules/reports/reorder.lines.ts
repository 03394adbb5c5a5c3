import { fromTenThousandths, tenThousandths } from '../exact.sum.ts';
import { csvText as text, csvTime as time, type Columns } from '../run.files.ts';
import { reorderOf, type Reorder, type ReorderSpan } from './reorder.rules.ts';
import type { ReorderRow } from './reorder.sql.ts';

/** A level of the report. */
export interface ReorderLine extends ReorderRow, Reorder {
  /** Of what is suggested; null where the product has no cost. */
  cost: number | null;
}

export interface ReorderTotals {
  levels: number;
  outOfStock: number;
  /** Levels for which something is suggested. */
  toOrder: number;
  suggestedUnits: number;
  suggestedCost: number;
  /** Of those to order, the levels whose product has no cost: they are not in the sum. */
  withoutCost: number;
}

export const REORDER_COLUMNS: Columns<ReorderLine> = {
  sku: (line) => line.sku,
  name: (line) => text(line.name),
  category: (line) => text(line.category),
  location: (line) => line.location,
  onHand: (line) => line.onHand,
  reserved: (line) => line.reserved,
  committed: (line) => line.committed,
  safetyStock: (line) => line.safetyStock,
  available: (line) => line.available,
  incoming: (line) => line.incoming,
  reorderPoint: (line) => line.reorderPoint,
  reorderQuantity: (line) => line.reorderQuantity,
  maxLevel: (line) => line.maxLevel,
  sold: (line) => line.sold,
  soldPerDay: (line) => line.soldPerDay,
  daysOfSupply: (line) => line.daysOfSupply,
  suggested: (line) => line.suggested,
  unitCost: (line) => (line.unitCost === null ? null : Number(line.unitCost)),
  cost: (line) => line.cost,
  lastMovementAt: (line) => time(line.lastMovementAt),
};

/** Makes rows into lines of the report, and counts them: exactly, however many there are. */
export class ReorderTally {
  readonly #span: ReorderSpan;
  #levels = 0;
  #outOfStock = 0;
  #toOrder = 0;
  #withoutCost = 0;
  #units = 0n;
  #cost = 0n;

  constructor(span: ReorderSpan) {
    this.#span = span;
  }

  take(row: ReorderRow): ReorderLine {
    const reorder = reorderOf(row, this.#span);
    const { suggested } = reorder;
    const cost = row.unitCost === null ? null : BigInt(suggested) * tenThousandths(row.unitCost);
    this.#levels += 1;
    if (row.available <= 0) this.#outOfStock += 1;
    if (suggested > 0) this.#toOrder += 1;
    if (suggested > 0 && cost === null) this.#withoutCost += 1;
    this.#units += BigInt(suggested);
    this.#cost += cost ?? 0n;
    return { ...row, ...reorder, cost: cost === null ? null : fromTenThousandths(cost) };
  }

  totals(): ReorderTotals {
    return {
      levels: this.#levels,
      outOfStock: this.#outOfStock,
      toOrder: this.#toOrder,
      suggestedUnits: Number(this.#units),
      suggestedCost: fromTenThousandths(this.#cost),
      withoutCost: this.#withoutCost,
    };
  }
}
