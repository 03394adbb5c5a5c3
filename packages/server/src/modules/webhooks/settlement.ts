import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import { settleDeliveries, WRITTEN_AT_ONCE_CHARS, type DeliveryRecord } from './delivery.sql.ts';
import type { Lease } from './progress.sql.ts';
import type { Circuit } from './retry.rules.ts';
import type { Item } from './subject.lanes.ts';

/** A lease lasts so long by the database's clock. */
export const LEASE_MS = 10_000;
/** A holder stops sending that much earlier: its own clock began to count before the database's. */
const LEASE_MARGIN_MS = 2_500;
/** A larger body that stands in the log is read from there again when it is needed. */
const KEPT_BODY_CHARS = 4_096;

/** Until when a holder may send, if its lease was renewed by a statement that began then, on the monotonic clock. */
export function safeUntil(beganMs: number): number {
  return beganMs + LEASE_MS - LEASE_MARGIN_MS;
}

/**
 * What an endpoint's holder still has to write, and how far the stream may be left behind. An event is settled once its
 * row is in the log: until then the endpoint's position stays before it, so that whoever comes after a crash sends it
 * again.
 */
export class Settlement {
  readonly #database: Database;
  readonly #lease: Lease;
  readonly #clock: Clock;
  /** Events read from the stream, in its order, from the first that is not settled on. */
  #unsettled: Item[] = [];
  #unsettledChars = 0;
  readonly #unwritten = new Set<Item>();
  #readPosition: number;

  constructor(options: { database: Database; lease: Lease; clock: Clock; position: number }) {
    this.#database = options.database;
    this.#lease = options.lease;
    this.#clock = options.clock;
    this.#readPosition = options.position;
  }

  /** How far the stream was read. */
  get readPosition(): number {
    return this.#readPosition;
  }

  /** Events that keep the position back, and those behind them. */
  get backlog(): number {
    return this.#unsettled.length;
  }

  /** What those carry, in characters. */
  get backlogChars(): number {
    return this.#unsettledChars;
  }

  get unwritten(): number {
    return this.#unwritten.size;
  }

  /** All events up to here are settled. */
  get position(): number {
    return this.#positionWith(new Set());
  }

  /** The stream was read to a position, and these came of it. */
  read(items: readonly Item[], position: number): void {
    this.#unsettled.push(...items);
    this.#unsettledChars += charsOf(items);
    this.#readPosition = position;
  }

  /** Something about the event is to be written. */
  note(item: Item): void {
    this.#unwritten.add(item);
  }

  /**
   * Writes what is unwritten, or the first of it where that is much.
   *
   * @returns until when the holder may send, on the monotonic clock; null where the lease is another's now
   */
  async flush(circuit: Circuit): Promise<number | null> {
    const batch = this.#takeBatch();
    const beganMs = this.#clock.monotonic();
    const records = [...batch].map((item) => ({ item, record: this.#recordOf(item, beganMs) }));
    const settled = {
      position: this.#positionWith(batch),
      failuresInRow: circuit.failuresInRow,
      failingForMs: circuit.failingSinceMs === null ? null : beganMs - circuit.failingSinceMs,
      probeInMs: circuit.probeAtMs === null ? null : circuit.probeAtMs - beganMs,
      added: records.filter(({ item }) => !item.isStored).map(({ record }) => record),
      changed: records.filter(({ item }) => item.isStored).map(({ record }) => record),
    };
    try {
      if (!(await settleDeliveries(this.#database.kysely, this.#lease, settled, LEASE_MS))) return null;
    } catch (error) {
      // Perhaps it was written: the same again does no harm.
      for (const item of batch) this.#unwritten.add(item);
      throw error;
    }
    for (const item of batch) {
      item.isStored = true;
      item.isSettled = true;
      if (item.body !== null && item.body.length > KEPT_BODY_CHARS) item.body = null;
    }
    const first = this.#unsettled.findIndex(({ isSettled }) => !isSettled);
    this.#unsettled = first === -1 ? [] : this.#unsettled.slice(first);
    this.#unsettledChars = charsOf(this.#unsettled);
    return safeUntil(beganMs);
  }

  #takeBatch(): Set<Item> {
    const batch = new Set<Item>();
    let chars = 0;
    for (const item of this.#unwritten) {
      if (chars >= WRITTEN_AT_ONCE_CHARS) break;
      batch.add(item);
      this.#unwritten.delete(item);
      chars += charsOf([item]);
    }
    return batch;
  }

  #positionWith(batch: ReadonlySet<Item>): number {
    const first = this.#unsettled.find((item) => !item.isSettled && !batch.has(item));
    return first === undefined ? this.#readPosition : first.position - 1;
  }

  #recordOf(item: Item, nowMs: number): DeliveryRecord {
    const { id, position, type, subject, eventAt, isReplay, isStored, status, attempts, refusals, history } = item;
    return {
      id,
      position,
      type,
      subject,
      eventAt,
      isReplay,
      status,
      attempts,
      refusals,
      history,
      body: isStored || status === 'delivered' ? null : item.body,
      firstAttemptAgoMs: attempts === 0 || item.firstAttemptMs === null ? null : nowMs - item.firstAttemptMs,
      nextAttemptInMs: status === 'pending' && attempts > 0 ? Math.max(0, item.dueMs - nowMs) : null,
    };
  }
}

function charsOf(items: readonly Item[]): number {
  return items.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
}
