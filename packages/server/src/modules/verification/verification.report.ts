/** What is checked, in the order in which it is. */
export type Check =
  | 'level_units_are_never_negative'
  | 'level_units_are_the_sum_of_its_ledger'
  | 'level_reserved_is_its_held_lines'
  | 'level_committed_is_its_confirmed_lines'
  | 'level_alerts_are_its_open_alerts'
  | 'ledger_balances_follow_one_another'
  | 'ledger_numbers_rise'
  | 'journal_has_each_ledger_entry_once'
  | 'reservation_status_is_that_of_its_lines'
  | 'transfer_moved_what_it_says';

/** Something that is not as it must be. */
export interface Difference {
  check: Check;
  sku: string | null;
  location: string | null;
  /** The reservation, the transfer, or the ledger entry's number. */
  subject: string | null;
  /** What was found and what was expected, in a sentence. */
  detail: string;
}

export interface Checked {
  products: number;
  levels: number;
  ledgerEntries: number;
  journalledEntries: number;
  reservations: number;
  openLines: number;
  openAlerts: number;
  transfers: number;
}

export interface VerificationReport {
  clean: boolean;
  checked: Checked;
  /** How many there are in all. */
  differenceCount: number;
  /** The first of them, as many as were asked for. */
  differences: Difference[];
  byCheck: Partial<Record<Check, number>>;
  durationMs: number;
}

/** Keeps the first differences and counts the others: a broken database may have millions. */
export class Differences {
  readonly first: Difference[] = [];
  readonly byCheck: Partial<Record<Check, number>> = {};
  count = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(check: Check, about: Partial<Omit<Difference, 'check' | 'detail'>>, detail: string): void {
    this.count += 1;
    this.byCheck[check] = (this.byCheck[check] ?? 0) + 1;
    if (this.first.length >= this.#limit) return;
    const { sku = null, location = null, subject = null } = about;
    this.first.push({ check, sku, location, subject, detail });
  }
}
