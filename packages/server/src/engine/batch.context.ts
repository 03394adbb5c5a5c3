import type { IdSource } from '../kernel/ids.ts';
import type { LaneConnection } from '../platform/database/index.ts';
import type { Outcome } from './decide.ts';
import type { Learned } from './known.stock.ts';
import type { LedgerType } from './ledger.view.ts';
import type { NameCache } from './names.ts';
import type { Evidence, Statement } from './read.sql.ts';

/** What a batch needs besides its connection. */
export interface BatchContext {
  products: NameCache;
  locations: NameCache;
  /** Levels that another transaction was seen to hold for too long, by `product:location`. */
  stuck: ReadonlySet<string>;
  ids: IdSource;
  role: string | null;
  lockTimeoutMs: number;
  idleTimeoutMs: number;
  defaultTtlMs: number;
  /** Told which levels will be locked; when it is done, nobody in this process is about to write them. */
  onLevels: (keys: ReadonlySet<string>) => Promise<void>;
  /** Added to the database's clock; 0 but in tests that travel in time. */
  timeShiftMs: () => number;
  /**
   * Told before COMMIT is sent: from here on a lost connection leaves the outcome open, unless nothing was written
   * (null). What is sent from here on travels behind the COMMIT.
   */
  onCommit: (sent: Sent | null) => void;
}

/** A COMMIT on its way, and what its commands are answered once it is known to have arrived. */
export interface Sent {
  /** Which transaction it is; where its number was not heard, which server process runs it. */
  by: { transactionId: string } | { backend: number };
  evidence: Evidence;
  outcome: BatchOutcome;
}

/** What a committed batch did. */
export interface BatchOutcome {
  /** One per command, in their order. */
  outcomes: Outcome[];
  /** Its ledger entries, as metrics count them. */
  entries: { type: LedgerType; location: string }[];
  changed: Changed;
  /** What it read of stock under its locks; null where it locked nothing. */
  learned: Learned | null;
}

/** What a commit may have changed of what is shown of stock: whoever keeps a copy gives it up. */
export interface Changed {
  /** Products of which levels were changed, by present sku. */
  skus: ReadonlySet<string>;
  /** Names, or what holds for many levels at once: anything may look different. */
  everything: boolean;
}

/** Something moved between the look and the lock: the same batch is tried again. */
export class StaleFootprint extends Error {}

/** COMMIT was answered with ROLLBACK: nothing of the batch was done. */
export class RolledBack extends Error {}

/** Commands of the batch touch levels that are known to be stuck; by index. */
export class TouchesStuck extends Error {
  readonly indexes: ReadonlySet<number>;

  constructor(indexes: ReadonlySet<number>) {
    super('some commands touch stuck levels');
    this.indexes = indexes;
  }
}

/** Rows of a statement, as arrays. */
export async function rowsOf<Row>(client: LaneConnection, statement: Statement): Promise<Row[]> {
  return (await client.query<Row>(statement)).rows;
}
