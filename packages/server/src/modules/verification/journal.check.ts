import { compareSeqs, findWindowEnd, locateSeqs, type LocatedSeq, type SeqRow } from './journal.check.sql.ts';
import type { Snapshot } from './snapshot.sql.ts';
import type { Differences } from './verification.report.ts';

const CHECK = 'journal_has_each_ledger_entry_once';

/** Entries of one window, about. */
const WINDOW_ENTRIES = 100_000;
/** Numbers that are looked for one by one; of more the rest is only counted. */
const LOCATED_MAX = 10_000;
const OPEN_MAX = 200_000;

/**
 * Every journal entry's ledger entries are there, and every ledger entry is in exactly one journal entry. Both are
 * compared window by window of time. A number that has not found its other side in its own window may yet find it in
 * another, where a clock was set back between the two: so it is kept, and looked for in the end.
 */
export class JournalCheck {
  readonly #open = new Map<number, SeqRow>();
  #overflow = 0;

  /** Checks the window that begins there. @returns where the next one does */
  async checkWindow(
    tx: Snapshot,
    fromMs: number,
    lastMs: number,
  ): Promise<{ nextMs: number; entries: number; claims: number }> {
    const endMs = await findWindowEnd(tx, fromMs, WINDOW_ENTRIES);
    const toMs = Math.min(lastMs, endMs ?? lastMs);
    const slice = await compareSeqs(tx, { fromMs, toMs });
    for (const row of slice.differing) this.#note(row);
    return { nextMs: toMs + 1, entries: slice.entries, claims: slice.claims };
  }

  /** Whether windows left numbers that have to be looked for. */
  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Looks for what windows left open; what is still not right is a difference. */
  async settle(tx: Snapshot, differences: Differences): Promise<void> {
    const seqs = [...this.#open.keys()];
    for (const row of await locateSeqs(tx, seqs.slice(0, LOCATED_MAX))) {
      if (row.claims === 1 && row.entries === 1) continue;
      const { sku, location, seq } = row;
      differences.add(CHECK, { sku, location, subject: String(seq) }, explain(row));
    }
    for (const seq of seqs.slice(LOCATED_MAX)) {
      differences.add(CHECK, { subject: String(seq) }, `entry ${seq} and its journal entry do not meet`);
    }
    for (let rest = this.#overflow; rest > 0; rest -= 1) {
      differences.add(CHECK, {}, 'an entry and its journal entry do not meet');
    }
  }

  #note({ seq, claims, entries }: SeqRow): void {
    const known = this.#open.get(seq);
    const sum = { seq, claims: claims + (known?.claims ?? 0), entries: entries + (known?.entries ?? 0) };
    if (sum.claims === 1 && sum.entries === 1) this.#open.delete(seq);
    else if (known !== undefined || this.#open.size < OPEN_MAX) this.#open.set(seq, sum);
    else this.#overflow += 1;
  }
}

function explain({ seq, claims, entries, journalId, kind }: LocatedSeq): string {
  const journal = journalId === null ? '' : ` (${kind ?? ''} ${journalId})`;
  if (entries === 0) return `a journal entry${journal} has the ledger entry ${seq}, which does not exist`;
  if (claims === 0) return `no journal entry has the ledger entry ${seq}`;
  if (entries > 1) return `${entries} ledger entries have the number ${seq}`;
  return `${claims} journal entries have the ledger entry ${seq}`;
}
