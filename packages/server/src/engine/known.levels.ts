import type { Level, Location, Product } from './stock.state.ts';

/** What is kept of a level, in this order: what a reserve is decided on. A null is kept as NaN. */
const FIELDS = 10;
const [ON_HAND, RESERVED, COMMITTED, SAFETY_STOCK, REORDER_POINT, MAX_LEVEL] = [0, 1, 2, 3, 4, 5];
const [OPEN_ALERTS, WAS_AVAILABLE, VERSION, LAST_MOVEMENT_AT] = [6, 7, 8, 9];
/** Rows come in blocks of 4,096: none is ever copied. */
const BLOCK_BITS = 12;
const BLOCK_ROWS = 1 << BLOCK_BITS;

/**
 * Levels as rows of numbers, 80 bytes each: a hundred thousand objects would take three times as much, and be gone through
 * by each garbage collection.
 */
export class KnownLevels {
  readonly #blocks: Float64Array[] = [];
  readonly #free: number[] = [];
  #used = 0;

  /** A row of its own for a level. */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#used === this.#blocks.length * BLOCK_ROWS) this.#blocks.push(new Float64Array(BLOCK_ROWS * FIELDS));
    this.#used += 1;
    return this.#used - 1;
  }

  free(row: number): void {
    this.#free.push(row);
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#free.length = 0;
    this.#used = 0;
  }

  available(row: number): number {
    return this.#at(row, ON_HAND) - this.#at(row, RESERVED) - this.#at(row, COMMITTED) - this.#at(row, SAFETY_STOCK);
  }

  write(row: number, level: Level): void {
    const rows = this.#blockOf(row);
    const at = offsetOf(row);
    rows[at + ON_HAND] = level.onHand;
    rows[at + RESERVED] = level.reserved;
    rows[at + COMMITTED] = level.committed;
    rows[at + SAFETY_STOCK] = level.safetyStock;
    rows[at + REORDER_POINT] = level.reorderPoint ?? Number.NaN;
    rows[at + MAX_LEVEL] = level.maxLevel ?? Number.NaN;
    rows[at + OPEN_ALERTS] = level.openAlerts;
    rows[at + WAS_AVAILABLE] = level.wasAvailable ? 1 : 0;
    rows[at + VERSION] = level.version;
    rows[at + LAST_MOVEMENT_AT] = level.lastMovementAt ?? Number.NaN;
  }

  /** The level of a row. What is not kept is as of a level that was never set up: no reserve looks at it. */
  read(row: number, product: Product, location: Location): Level {
    const [version, reserved] = [this.#at(row, VERSION), this.#at(row, RESERVED)];
    return {
      product,
      location,
      exists: true,
      onHand: this.#at(row, ON_HAND),
      reserved,
      committed: this.#at(row, COMMITTED),
      incoming: 0,
      safetyStock: this.#at(row, SAFETY_STOCK),
      reorderPoint: this.#orNull(row, REORDER_POINT),
      reorderQuantity: null,
      maxLevel: this.#orNull(row, MAX_LEVEL),
      zone: null,
      aisle: null,
      shelf: null,
      version,
      lastMovementAt: this.#orNull(row, LAST_MOVEMENT_AT),
      lastCountAt: null,
      ownSettings: 0,
      openAlerts: this.#at(row, OPEN_ALERTS),
      wasAvailable: this.#at(row, WAS_AVAILABLE) === 1,
      alerts: null,
      lapsed: [],
      rowVersion: version,
      rowReserved: reserved,
    };
  }

  #at(row: number, field: number): number {
    return this.#blockOf(row)[offsetOf(row) + field] as number;
  }

  #blockOf(row: number): Float64Array {
    return this.#blocks[row >> BLOCK_BITS] as Float64Array;
  }

  #orNull(row: number, field: number): number | null {
    const value = this.#at(row, field);
    return Number.isNaN(value) ? null : value;
  }
}

function offsetOf(row: number): number {
  return (row & (BLOCK_ROWS - 1)) * FIELDS;
}
