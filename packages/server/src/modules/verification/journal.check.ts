import { compareClaims, compareEntries, locateSeqs, missingSeqs, type LocatedSeq } from './journal.check.sql.ts';
import type { Snapshot } from './snapshot.sql.ts';
import type { Differences } from './verification.report.ts';

const CHECK = 'journal_has_each_ledger_entry_once';

/** Rows of one snapshot, about. */
const ROWS_AT_ONCE = 100_000;
/** Numbers that are looked for one by one; of more the rest is only counted. */
const OPEN_MAX = 10_000;
/** More of one page are looked for at once. */
const OPEN_OF_PAGE_MAX = 1_000;

/**
 * Every ledger entry is in exactly one journal entry, and every journal entry's ledger entries are there. The ledger is
 * read by time, the journal by number, each beside the part of the other where the two meet. Where a clock was set back
 * they meet elsewhere: what did not meet is kept, and looked for in the whole of both in the end.
 */
export class JournalCheck {
  readonly #open = new Set<number>();
  readonly #distant = new Set<number>();
  #overflow = 0;

  /** Checks the ledger entries from there on. @returns where the next ones begin */
  async checkEntries(tx: Snapshot, fromMs: number, lastMs: number): Promise<number> {
    const { endMs, differing, distant } = await compareEntries(tx, fromMs, lastMs, ROWS_AT_ONCE);
    for (const { seq } of differing) this.#keep(seq);
    for (const seq of distant) if (this.#distant.size < OPEN_MAX) this.#distant.add(seq);
    return (endMs ?? lastMs) + 1;
  }

  /** Checks the journal entries after that one. */
  async checkClaims(tx: Snapshot, after: number, until: number): Promise<{ lastId: number | null; claims: number }> {
    const { lastId, claims, missing } = await compareClaims(tx, after, until, ROWS_AT_ONCE);
    const isMuch = missing.length > OPEN_OF_PAGE_MAX;
    for (const seq of isMuch ? await missingSeqs(tx, missing) : missing) this.#keep(seq);
    return { lastId, claims };
  }

  /** Whether there is something to look for. */
  get hasOpen(): boolean {
    return this.#open.size > 0 || this.#distant.size > 0;
  }

  /** Looks for what did not meet; what is still not right is a difference. */
  async settle(tx: Snapshot, differences: Differences): Promise<void> {
    for (const row of await locateSeqs(tx, [...this.#open, ...this.#distant])) {
      if (row.claims === 1 && row.entries === 1) continue;
      const { sku, location, seq } = row;
      differences.add(CHECK, { sku, location, subject: String(seq) }, explain(row));
    }
    for (let rest = this.#overflow; rest > 0; rest -= 1) {
      differences.add(CHECK, {}, 'a ledger entry and its journal entry do not meet');
    }
  }

  #keep(seq: number): void {
    if (this.#open.size < OPEN_MAX) this.#open.add(seq);
    else if (!this.#open.has(seq)) this.#overflow += 1;
  }
}

function explain({ seq, claims, entries, journalId, kind }: LocatedSeq): string {
  const journal = journalId === null ? '' : ` (${kind ?? ''} ${journalId})`;
  if (entries === 0) return `a journal entry${journal} has the ledger entry ${seq}, which does not exist`;
  if (claims === 0) return `no journal entry has the ledger entry ${seq}`;
  if (entries > 1) return `${entries} ledger entries have the number ${seq}`;
  return `${claims} journal entries have the ledger entry ${seq}`;
}
