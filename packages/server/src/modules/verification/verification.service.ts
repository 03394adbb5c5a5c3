import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import { JournalCheck } from './journal.check.ts';
import { checkLevels } from './level.check.ts';
import { checkLines, checkReservations } from './reservation.check.ts';
import { onSnapshot, readExtent, type Extent, type Snapshot } from './snapshot.sql.ts';
import { checkTransferEntries, checkTransfers } from './transfer.check.ts';
import { Differences, type Checked, type VerificationReport } from './verification.report.ts';

export type Stage = 'levels' | 'journal' | 'reservations' | 'transfers';

export interface VerificationProgress {
  stage: Stage;
  /** From 0 to 1, of the stage. */
  fraction: number;
}

export interface VerificationOptions {
  database: Database;
  clock: Clock;
  /** How many differences the report shows; all are counted. */
  limit: number;
  onProgress?: (progress: VerificationProgress) => void;
}

const RANGE_PRODUCTS_FIRST = 256;
const RANGE_PRODUCTS_MAX = 65_536;
/** A snapshot lasts about as long as this: ranges grow and shrink towards it. */
const SNAPSHOT_MS = 500;
const RESERVATIONS_AT_ONCE = 5_000;
const TRANSFERS_AT_ONCE = 2_000;
const KEY_END = Number.MAX_SAFE_INTEGER;

/**
 * Recomputes what must hold at every commit (DOMAIN.md, invariants 1 to 3, and what the ledger, the journal,
 * reservations, transfers and alerts say of one another). Beside a server under load: each step compares what one
 * snapshot holds, so that nothing is seen half done, and what begins after the check is left to the next one.
 */
export async function verify(options: VerificationOptions): Promise<VerificationReport> {
  const run = new Verification(options);
  return run.run();
}

class Verification {
  readonly #options: VerificationOptions;
  readonly #differences: Differences;
  readonly #checked: Checked = {
    products: 0,
    levels: 0,
    ledgerEntries: 0,
    journalledEntries: 0,
    reservations: 0,
    openLines: 0,
    openAlerts: 0,
    transfers: 0,
  };

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.#differences = new Differences(options.limit);
  }

  async run(): Promise<VerificationReport> {
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    const extent = await this.#snapshot(readExtent);
    this.#checked.products = extent.products;
    await this.#levels(extent);
    await this.#journal(extent);
    await this.#reservations(extent);
    await this.#transfers(extent);
    const { count, first, byCheck } = this.#differences;
    return {
      clean: count === 0,
      checked: this.#checked,
      differenceCount: count,
      differences: first,
      byCheck,
      durationMs: Math.round(clock.monotonic() - startedMs),
    };
  }

  /** By product key: one range after another, each on a snapshot of its own. */
  async #levels({ lastProductId }: Extent): Promise<void> {
    const { clock } = this.#options;
    const checked = this.#checked;
    let width = RANGE_PRODUCTS_FIRST;
    for (let from = 0; from <= lastProductId;) {
      // The last range has no end: what names a product that does not exist is in it.
      const to = from + width > lastProductId ? KEY_END : from + width;
      const startedMs = clock.monotonic();
      const slice = await this.#snapshot(async (tx) => {
        await checkLines(tx, { from, to }, this.#differences);
        await checkTransferEntries(tx, { from, to }, this.#differences);
        return checkLevels(tx, { from, to }, this.#differences);
      });
      checked.levels += slice.levels;
      checked.ledgerEntries += slice.entries;
      checked.openLines += slice.lines;
      checked.openAlerts += slice.alerts;
      from = to;
      this.#report('levels', to / Math.max(1, lastProductId));
      width = nextWidth(width, clock.monotonic() - startedMs);
    }
    this.#report('levels', 1);
  }

  async #journal({ firstAt, lastAt, firstJournalId, lastJournalId }: Extent): Promise<void> {
    const check = new JournalCheck();
    if (firstAt !== null && lastAt !== null) {
      for (let fromMs = firstAt; fromMs <= lastAt;) {
        const startMs = fromMs;
        fromMs = await this.#snapshot((tx) => check.checkEntries(tx, startMs, lastAt));
        this.#report('journal', (fromMs - firstAt) / (lastAt - firstAt + 1) / 2);
      }
    }
    if (firstJournalId !== null && lastJournalId !== null) {
      for (let after = firstJournalId - 1; after < lastJournalId;) {
        const startId = after;
        const { lastId, claims } = await this.#snapshot((tx) => check.checkClaims(tx, startId, lastJournalId));
        this.#checked.journalledEntries += claims;
        after = lastId ?? lastJournalId;
        this.#report('journal', 0.5 + (after - firstJournalId) / (lastJournalId - firstJournalId + 1) / 2);
      }
    }
    if (check.hasOpen) await this.#snapshot((tx) => check.settle(tx, this.#differences));
    this.#report('journal', 1);
  }

  async #reservations({ lastReservationId: until }: Extent): Promise<void> {
    let after: string | null = null;
    let firstMs = 0;
    while (until !== null) {
      const page: { after: string | null; until: string; limit: number } = {
        after,
        until,
        limit: RESERVATIONS_AT_ONCE,
      };
      const slice = await this.#snapshot((tx) => checkReservations(tx, page, this.#differences));
      this.#checked.reservations += slice.reservations;
      if (slice.lastId === null || slice.lastId === until) break;
      if (after === null) firstMs = idMs(slice.lastId);
      after = slice.lastId;
      this.#report('reservations', (idMs(after) - firstMs) / Math.max(1, idMs(until) - firstMs));
    }
    this.#report('reservations', 1);
  }

  async #transfers({ lastTransferId: until }: Extent): Promise<void> {
    let after: string | null = null;
    while (until !== null) {
      const page: { after: string | null; until: string; limit: number } = { after, until, limit: TRANSFERS_AT_ONCE };
      const slice = await this.#snapshot((tx) => checkTransfers(tx, page, this.#differences));
      this.#checked.transfers += slice.transfers;
      if (slice.lastId === null || slice.lastId === until) break;
      after = slice.lastId;
    }
    this.#report('transfers', 1);
  }

  #snapshot<Value>(work: (tx: Snapshot) => Promise<Value>): Promise<Value> {
    return onSnapshot(this.#options.database, work);
  }

  #report(stage: Stage, fraction: number): void {
    this.#options.onProgress?.({ stage, fraction: Math.max(0, Math.min(1, fraction)) });
  }
}

function nextWidth(width: number, durationMs: number): number {
  if (durationMs < SNAPSHOT_MS / 2) return Math.min(RANGE_PRODUCTS_MAX, width * 2);
  if (durationMs > SNAPSHOT_MS * 2) return Math.max(1, Math.floor(width / 2));
  return width;
}

/** The instant that a UUIDv7 begins with. */
function idMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
