import { BLOCK_SIZE } from './numbers.ts';

/** Numbers that one transaction used, from one block of entry_seq. */
export interface EventRun {
  firstId: number;
  /** Inclusive. */
  lastId: number;
}

/** The runs of a transaction's journal entries, which are in the order of their numbers, with those of their ledger. */
export function eventRuns(entries: readonly { id: number; ledgerCount: number }[]): EventRun[] {
  const runs: EventRun[] = [];
  for (const { id, ledgerCount } of entries) {
    const last = runs.at(-1);
    const lastId = id + ledgerCount;
    if (last !== undefined && blockOf(last.firstId) === blockOf(id)) last.lastId = lastId;
    else runs.push({ firstId: id, lastId });
  }
  return runs;
}

function blockOf(id: number): number {
  return Math.floor(id / BLOCK_SIZE);
}
