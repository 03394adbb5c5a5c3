import type { Movement } from '../../live/live.rules.ts';

export interface SumRow {
  type: string;
  count: number;
  units: number;
}

/** The movements that sum to what is on hand: one row per kind, the largest first. */
export function sumByType(movements: readonly Pick<Movement, 'type' | 'deltaOnHand'>[]): SumRow[] {
  const rows = new Map<string, SumRow>();
  for (const { type, deltaOnHand } of movements) {
    if (deltaOnHand === 0) continue;
    const row = rows.get(type) ?? { type, count: 0, units: 0 };
    row.count += 1;
    row.units += deltaOnHand;
    rows.set(type, row);
  }
  return [...rows.values()].sort((left, right) => Math.abs(right.units) - Math.abs(left.units));
}

interface Line {
  sku: string;
  location: string | null;
  quantity: number;
  shipped: number;
  cancelled: number;
}

/** The units of a reservation that still count at a level. */
export function openUnits(lines: readonly Line[], sku: string, location: string | null): number {
  return lines
    .filter((line) => line.sku === sku && (location === null || line.location === location))
    .reduce((sum, { quantity, shipped, cancelled }) => sum + quantity - shipped - cancelled, 0);
}
