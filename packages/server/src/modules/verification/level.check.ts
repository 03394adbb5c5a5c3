import { compareLevels, type LevelRow, type LevelSlice } from './level.check.sql.ts';
import type { KeyRange, Snapshot } from './snapshot.sql.ts';
import type { Differences } from './verification.report.ts';

const UNITS = ['onHand', 'reserved', 'committed'] as const;
const ALERT_NAMES = { 1: 'low_stock', 2: 'out_of_stock', 4: 'overstock', 8: 'shortage' } as const;

/** Invariants 1 to 3 of every level of a range of products, its chain of balances, and its alerts. */
export async function checkLevels(tx: Snapshot, range: KeyRange, differences: Differences): Promise<LevelSlice> {
  const slice = await compareLevels(tx, range);
  for (const row of slice.differing) explain(row, differences);
  return slice;
}

function explain(row: LevelRow, differences: Differences): void {
  const { level, ledger, held, promised, openAlerts, alertBits } = row;
  const about = { sku: row.sku ?? `product ${row.productId}`, location: row.location ?? `location ${row.locationId}` };
  const found = row.isMissing ? 'the level has no row: it counts as' : 'the level says';
  for (const unit of UNITS) {
    if (level[unit] < 0) {
      differences.add('level_units_are_never_negative', about, `${unit} is ${level[unit]}`);
    }
    if (level[unit] !== ledger[unit]) {
      const detail = `${unit}: ${found} ${level[unit]}, its ledger adds up to ${ledger[unit]}`;
      differences.add('level_units_are_the_sum_of_its_ledger', about, detail);
    }
  }
  if (level.reserved !== held) {
    const detail = `reserved: ${found} ${level.reserved}, its held lines add up to ${held}`;
    differences.add('level_reserved_is_its_held_lines', about, detail);
  }
  if (level.committed !== promised) {
    const detail = `committed: ${found} ${level.committed}, its confirmed lines add up to ${promised}`;
    differences.add('level_committed_is_its_confirmed_lines', about, detail);
  }
  if (openAlerts !== alertBits) {
    const detail = `${found} ${alertList(openAlerts)} open, there are ${alertList(alertBits)}`;
    differences.add('level_alerts_are_its_open_alerts', about, detail);
  }
  explainChain(row, about, differences);
}

function explainChain(row: LevelRow, about: { sku: string; location: string }, differences: Differences): void {
  if (row.brokenCount > 0) {
    const detail =
      `the balances after entry ${row.firstBrokenSeq} are not those before it and its deltas` + more(row.brokenCount);
    differences.add('ledger_balances_follow_one_another', { ...about, subject: String(row.firstBrokenSeq) }, detail);
  }
  if (row.unorderedCount > 0) {
    const detail = `entry ${row.firstUnorderedSeq} comes after one with a higher number` + more(row.unorderedCount);
    differences.add('ledger_numbers_rise', { ...about, subject: String(row.firstUnorderedSeq) }, detail);
  }
}

function more(count: number): string {
  return count === 1 ? '' : ` (and ${count - 1} more of this level)`;
}

function alertList(bits: number): string {
  const names = Object.entries(ALERT_NAMES).flatMap(([bit, name]) => ((bits & Number(bit)) === 0 ? [] : [name]));
  return names.length === 0 ? 'no alert' : names.join(', ');
}
