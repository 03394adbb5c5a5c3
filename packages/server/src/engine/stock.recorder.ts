import type { IdSource } from '../kernel/ids.ts';
import { changeAlerts } from './alert.rules.ts';
import { alertView } from './alert.view.ts';
import type { LedgerType } from './ledger.view.ts';
import {
  openUnits,
  type JournalEntry,
  type LedgerEntry,
  type Level,
  type Line,
  type StockState,
  type Writes,
} from './stock.state.ts';

/** Gives ledger and journal entries their numbers. */
export interface Numbers {
  /** @returns the first of `count` numbers in a row */
  take(count: number): number;
}

/** A change of a level's units. Absent deltas are 0. */
export interface Movement {
  type: LedgerType;
  onHand?: number;
  reserved?: number;
  committed?: number;
  reference?: { type: string; id: string } | null;
  reason?: string | null;
  notes?: string | null;
  unitCost?: number | null;
  lot?: string | null;
}

/** Who a journal entry is by. */
export interface By {
  actor: string;
  requestId: string | null;
}

export const EXPIRY: By = { actor: 'system:expiry', requestId: null };

/**
 * Keeps the books of a decision: every change of a level goes through here, so that none is without its ledger entry,
 * its rise of the level's version, its alerts, and its journal entry.
 */
export class Recorder {
  readonly state: StockState;
  readonly writes: Writes;
  /** Levels of which lapsed lines would change the decision, with the units that were missing. */
  readonly lapsedWanted = new Map<Level, number>();
  /** Levels of which the open alerts must be known to resolve them. */
  readonly alertsWanted = new Set<Level>();
  /** Items of a command that was accepted all the same. */
  refusedItems = 0;
  readonly #numbers: Numbers;
  readonly #ids: IdSource;
  #entries: LedgerEntry[] = [];
  readonly #changed = new Set<Level>();
  readonly #alertsDue = new Set<Level>();
  #by: By = EXPIRY;

  constructor(state: StockState, writes: Writes, numbers: Numbers, ids: IdSource) {
    this.state = state;
    this.writes = writes;
    this.#numbers = numbers;
    this.#ids = ids;
  }

  /** Everything recorded from here on is by this caller. */
  begin(by: By): void {
    this.#by = by;
  }

  newId(): string {
    return this.#ids(this.state.nowMs);
  }

  /** Changes a level's units. The entry gets its number with {@link record}. */
  post(level: Level, movement: Movement): LedgerEntry {
    return this.#post(level, movement, this.#by.actor);
  }

  #post(level: Level, movement: Movement, actor: string): LedgerEntry {
    const { onHand = 0, reserved = 0, committed = 0 } = movement;
    level.onHand += onHand;
    level.reserved += reserved;
    level.committed += committed;
    this.touch(level);
    // The database's clock may have been set back; a level's history never runs backwards.
    const at = Math.max(this.state.nowMs, level.lastMovementAt ?? 0);
    level.lastMovementAt = at;
    const entry: LedgerEntry = {
      seq: 0,
      at,
      type: movement.type,
      level,
      deltaOnHand: onHand,
      deltaReserved: reserved,
      deltaCommitted: committed,
      onHand: level.onHand,
      reserved: level.reserved,
      committed: level.committed,
      referenceType: movement.reference?.type ?? null,
      referenceId: movement.reference?.id ?? null,
      reason: movement.reason ?? null,
      notes: movement.notes ?? null,
      unitCost: movement.unitCost ?? null,
      lot: movement.lot ?? null,
      actor,
    };
    this.#entries.push(entry);
    return entry;
  }

  /** Counts a change of a level's row: its version rises once per recorded change. */
  touch(level: Level): void {
    if (!this.#changed.has(level)) {
      this.#changed.add(level);
      level.version += 1;
    }
    this.writes.levels.add(level);
    this.#alertsDue.add(level);
  }

  /**
   * Closes one change: numbers its ledger entries and journals it.
   *
   * @param data the resource as the change left it; called after the numbers are given
   * @returns its JSON text, which is also the answer's body
   */
  record(kind: string, subject: string, data: (() => object) | null): string | null {
    return this.#record(kind, subject, data, this.#by);
  }

  #record(kind: string, subject: string, data: (() => object) | null, by: By): string | null {
    const entries = this.#entries;
    const id = this.#numbers.take(1 + entries.length);
    for (const [index, entry] of entries.entries()) {
      entry.seq = id + 1 + index;
      this.writes.ledger.push(entry);
    }
    const text = data === null ? null : JSON.stringify(data());
    const row: JournalEntry = {
      id,
      at: this.state.nowMs,
      kind,
      actor: by.actor,
      requestId: by.requestId,
      subject,
      ledgerFrom: entries.length === 0 ? null : id + 1,
      ledgerCount: entries.length,
      data: text,
    };
    this.writes.journal.push(row);
    this.#entries = [];
    this.#changed.clear();
    return text;
  }

  /** Releases lapsed lines of a level, all of one reservation, as the system. Settled with its last line. */
  expire(level: Level, lines: Line[], settled: (() => object) | null): void {
    const [first] = lines;
    if (first === undefined) return;
    const { id } = first.reservation;
    let units = 0;
    for (const line of lines) {
      units += openUnits(line);
      line.state = 'expired';
      this.writes.lines.add(line);
    }
    this.#post(level, { type: 'expire', reserved: -units, reference: { type: 'reservation', id } }, EXPIRY.actor);
    this.#record(settled === null ? 'reservation.lapsed' : 'reservation.expired', id, settled, EXPIRY);
  }

  /** Opens and resolves the alerts of all levels that changed since the last call. Runs once, at the end of a command. */
  settleAlerts(): void {
    for (const level of this.#alertsDue) {
      const changes = changeAlerts(level, () => this.newId(), this.state.nowMs);
      if (changes === 'unknown') {
        this.alertsWanted.add(level);
        continue;
      }
      for (const alert of changes) {
        this.writes.alerts.add(alert);
        this.record(alert.status === 'resolved' ? 'alert.resolved' : 'alert.opened', alert.id, () =>
          alertView({ ...alert, sku: alert.level.product.sku, location: alert.level.location.code }),
        );
      }
    }
    this.#alertsDue.clear();
  }
}
