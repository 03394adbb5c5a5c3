import { csvText as text, csvTime as time, type Columns } from '../run.files.ts';
import { dateOf } from './count.rules.ts';
import type { CountRow } from './count.sql.ts';

/** A level and the day on which it is to be counted. */
export interface PlannedCount extends CountRow {
  day: number;
}

const PLAN: Columns<PlannedCount> = {
  day: (count) => dateOf(count.day),
  location: (count) => count.location,
  zone: (count) => text(count.zone),
  aisle: (count) => text(count.aisle),
  shelf: (count) => text(count.shelf),
  sku: (count) => count.sku,
  name: (count) => text(count.name),
  class: (count) => count.class,
  moved: (count) => count.moved,
  movedValue: (count) => Number(count.movedValue),
  lastCountAt: (count) => time(count.lastCountAt),
  dueOn: (count) => dateOf(count.dueDay - count.overdueDays),
  overdueDays: (count) => count.overdueDays,
};

/** @param isBlind without what should be there */
export function countColumns(isBlind: boolean): Columns<PlannedCount> {
  return isBlind ? PLAN : { ...PLAN, onHand: (count) => count.onHand };
}

/** As one walks: what lies together is counted together. */
export function byPlace(left: PlannedCount, right: PlannedCount): number {
  return (
    compare(left.location, right.location) ||
    compare(left.zone ?? '', right.zone ?? '') ||
    compare(left.aisle ?? '', right.aisle ?? '') ||
    compare(left.shelf ?? '', right.shelf ?? '') ||
    compare(left.sku, right.sku)
  );
}

/** A-2 comes before A-10. */
const collator = new Intl.Collator('en', { numeric: true });

function compare(left: string, right: string): number {
  return collator.compare(left, right);
}
