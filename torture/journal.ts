import type { Answer, Call } from './api.client.ts';

/** One product at one location. */
export interface Place {
  sku: string;
  location: string;
}

/** What an accepted command must leave in the ledger: one entry. */
export interface Effect extends Place {
  type: string;
  onHand: number;
  reserved: number;
  committed: number;
  /** The `reference.id` of the entry. */
  reference: string;
}

/** What became of a request, as far as its client knows. */
export type Outcome =
  /** Nobody said yet. */
  | 'open'
  /** Acknowledged: its effects are there exactly once. */
  | 'done'
  /** Refused, or answered that nothing was changed: it has no effect at all. */
  | 'refused'
  /** An answer that no client can understand, such as a 500. */
  | 'broken';

/** One request with its key, written down before it is first sent. */
export interface Entry {
  key: string;
  call: Call;
  outcome: Outcome;
  /** Every sending: how it was answered, or why it was not. */
  attempts: { answer: Answer | null; failure: string | null }[];
  /** The last answer. */
  answer: Answer | null;
  /** From the first sending to the last answer. */
  tookMs: number;
  /** Known once it is done. */
  effects: Effect[];
  /** What a done command made or changed: its id as answered. */
  made: { table: 'reservation' | 'transfer' | 'location' | 'product'; id: string } | null;
}

/** What a client keeps, to hold against the database afterwards. */
export class Journal {
  readonly entries: Entry[] = [];

  open(key: string, call: Call): Entry {
    const entry: Entry = {
      key,
      call: { ...call, key },
      outcome: 'open',
      attempts: [],
      answer: null,
      tookMs: 0,
      effects: [],
      made: null,
    };
    this.entries.push(entry);
    return entry;
  }

  count(outcome: Outcome): number {
    return this.entries.filter((entry) => entry.outcome === outcome).length;
  }

  /** Requests that were sent more than once. */
  get repeated(): number {
    return this.entries.filter((entry) => entry.attempts.length > 1).length;
  }

  /** Answers with this problem code, over all attempts. */
  codes(code: string): number {
    const hasCode = (answer: Answer | null): boolean =>
      answer !== null && answer.status >= 400 && answer.text.includes(`"code":"${code}"`);
    return this.entries.reduce((sum, { attempts }) => sum + attempts.filter(({ answer }) => hasCode(answer)).length, 0);
  }

  /** The longest that any request took until it had its outcome, repeats and all. */
  get longestMs(): number {
    return this.entries.reduce((longest, { tookMs }) => Math.max(longest, tookMs), 0);
  }

  /** The longest that any answer took. */
  get slowestMs(): number {
    return this.entries
      .flatMap(({ attempts }) => attempts)
      .reduce((slowest, { answer }) => Math.max(slowest, answer?.tookMs ?? 0), 0);
  }
}
