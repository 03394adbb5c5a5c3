import type { RefusedRow } from './import.refused.ts';

/** What an import did, or, of a dry run, what it would do. */
export interface ImportReport {
  kind: 'products' | 'stock';
  file: string;
  digest: string;
  dryRun: boolean;
  /** Columns of the file by field. */
  columns: Record<string, string>;
  rows: number;
  /** Products made. */
  created: number;
  /** Products changed, or levels adjusted. */
  updated: number;
  /** Rows that had nothing to change. */
  unchanged: number;
  /** Of those above, rows that an earlier run had done already. */
  doneBefore: number;
  refused: number;
  /** Units that came in (`add`), or the sum of what was counted (`set`). */
  units: number;
  /** The first refused rows; a report file has all. */
  firstRefused: Omit<RefusedRow, 'cells'>[];
  durationMs: number;
}

export interface ImportProgress {
  /** From 0 to 1. */
  fraction: number;
  rows: number;
  refused: number;
}

const SHOWN_MAX = 20;

/** Counts rows as they are settled. */
export class Tally {
  readonly counts = { rows: 0, created: 0, updated: 0, unchanged: 0, doneBefore: 0, refused: 0, units: 0 };
  readonly firstRefused: Omit<RefusedRow, 'cells'>[] = [];
  readonly #onRefused: (row: RefusedRow) => void;

  constructor(onRefused: (row: RefusedRow) => void) {
    this.#onRefused = onRefused;
  }

  refuse(row: RefusedRow): void {
    this.counts.refused += 1;
    const { line, code, reason } = row;
    if (this.firstRefused.length < SHOWN_MAX) this.firstRefused.push({ line, code, reason });
    this.#onRefused(row);
  }
}
