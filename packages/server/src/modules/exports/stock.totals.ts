import { shortageOf, shownAvailable } from '../../engine/index.ts';
import { fromTenThousandths, tenThousandths } from '../exact.sum.ts';
import type { StockExport } from './export.sql.ts';

const UNITS = ['onHand', 'reserved', 'committed', 'safetyStock', 'available', 'incoming', 'shortage'] as const;
type Units = (typeof UNITS)[number];

/** More are counted only together: a result is read whole. */
const LOCATIONS_MAX = 1_000;

class Totals {
  levels = 0;
  readonly units = new Map<Units, bigint>(UNITS.map((name) => [name, 0n]));
  value = 0n;

  add(row: StockExport): void {
    const { onHand, reserved, committed, safetyStock, incoming } = row;
    const available = shownAvailable(row, row.isOpen);
    const numbers = { onHand, reserved, committed, safetyStock, available, incoming, shortage: shortageOf(row) };
    for (const name of UNITS) this.units.set(name, (this.units.get(name) ?? 0n) + BigInt(numbers[name]));
    if (row.unitCost !== null) this.value += BigInt(onHand) * tenThousandths(row.unitCost);
    this.levels += 1;
  }

  view(): Record<string, number> {
    const units = Object.fromEntries([...this.units].map(([name, sum]) => [name, Number(sum)]));
    return { levels: this.levels, ...units, value: fromTenThousandths(this.value) };
  }
}

/** Sums of levels, exact however many there are: over all of them, and by location. */
export class StockTotals {
  readonly all = new Totals();
  readonly #byLocation = new Map<string, Totals>();
  #hasMore = false;

  add(row: StockExport): void {
    this.all.add(row);
    const known = this.#byLocation.get(row.location);
    if (known === undefined && this.#byLocation.size >= LOCATIONS_MAX) {
      this.#hasMore = true;
      return;
    }
    const totals = known ?? new Totals();
    totals.add(row);
    if (known === undefined) this.#byLocation.set(row.location, totals);
  }

  view(): object {
    const names = [...this.#byLocation.keys()].sort((left, right) => (left < right ? -1 : 1));
    const byLocation = names.map((location) => ({ location, ...this.#byLocation.get(location)?.view() }));
    return { totals: this.all.view(), byLocation: this.#hasMore ? null : byLocation };
  }
}
