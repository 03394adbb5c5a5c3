import { systemClock, type Clock } from '../../kernel/clock.ts';
import { CounterTable } from './counter.table.ts';
import type { Charge, Counter, LimitStore } from './limit.ts';

export interface MemoryStoreOptions {
  clock?: Clock;
  /** What all counters may take together; beyond it those that were used longest ago are forgotten. */
  bytesMax?: number;
  sweepEveryMs?: number;
}

/** Room for about a million subjects. */
const BYTES_MAX = 240_000_000;
const SWEEP_EVERY_MS = 1_000;
/** The clock of the machine was set, or it slept: what is shown and written down as a time must be one. */
const CLOCK_STEP_MS = 1_000;
/** About 5 ms of work. A million slots are gone through in half a minute. */
const SWEEP_SLOTS = 32_768;

/** Counters of this process alone. */
export class MemoryStore implements LimitStore {
  readonly #tables = new Map<string, CounterTable>();
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #sweepEveryMs: number;
  /** What turns the clock that never goes back into time since the epoch. */
  #offsetMs: number;
  #last: CounterTable | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor({ clock = systemClock, bytesMax = BYTES_MAX, sweepEveryMs = SWEEP_EVERY_MS }: MemoryStoreOptions = {}) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.#sweepEveryMs = sweepEveryMs;
    this.#offsetMs = clock.now() - clock.monotonic();
  }

  /** Forgets idle subjects from time to time. */
  start(): void {
    this.#timer ??= setInterval(() => this.sweep(SWEEP_SLOTS), this.#sweepEveryMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  take(charges: readonly Charge[]): boolean {
    const nowMs = this.#now();
    if (charges.length === 1) return this.#takeOne(charges[0] as Charge, nowMs);
    const passes = this.#look(charges, nowMs);
    if (passes) for (const charge of charges) this.#tableOf(charge.counter).charge(charge, nowMs, true);
    this.#makeRoom(nowMs);
    return passes;
  }

  peek(charges: readonly Charge[]): void {
    this.#look(charges, this.#now());
  }

  refund(charges: readonly Charge[]): void {
    const nowMs = this.#now();
    for (const charge of charges) this.#tables.get(charge.counter.id)?.giveBack(charge, nowMs);
  }

  /** The counters of a rule that is gone. */
  forget(counterId: string): void {
    this.#tables.delete(counterId);
    this.#last = null;
  }

  /** How many subjects are remembered. */
  get size(): number {
    let size = 0;
    for (const table of this.#tables.values()) size += table.size;
    return size;
  }

  /** About what they take. */
  get bytes(): number {
    let bytes = 0;
    for (const table of this.#tables.values()) bytes += table.bytes;
    return bytes;
  }

  /** Looks at so many slots in all for subjects that are idle. @returns how many were forgotten */
  sweep(slots: number): number {
    this.#followClock();
    const nowMs = this.#now();
    let removed = 0;
    const share = Math.ceil(slots / Math.max(1, this.#tables.size));
    for (const table of this.#tables.values()) removed += table.sweep(share, nowMs);
    return removed;
  }

  #takeOne(charge: Charge, nowMs: number): boolean {
    const table = this.#tableOf(charge.counter);
    const before = table.bytes;
    table.charge(charge, nowMs, true);
    if (table.bytes > before) this.#makeRoom(nowMs);
    return charge.allowed || charge.shadow;
  }

  #look(charges: readonly Charge[], nowMs: number): boolean {
    let passes = true;
    for (const charge of charges) {
      this.#tableOf(charge.counter).charge(charge, nowMs, false);
      if (!charge.allowed && !charge.shadow) passes = false;
    }
    return passes;
  }

  #makeRoom(nowMs: number): void {
    while (this.bytes > this.#bytesMax) {
      let largest: CounterTable | null = null;
      for (const table of this.#tables.values()) {
        if (table.size > 0 && (largest === null || table.bytes > largest.bytes)) largest = table;
      }
      if (largest === null) return;
      largest.evictOne(nowMs);
    }
  }

  #tableOf(counter: Counter): CounterTable {
    if (this.#last?.counter === counter) return this.#last;
    let table = this.#tables.get(counter.id);
    if (table === undefined) {
      table = new CounterTable(counter);
      this.#tables.set(counter.id, table);
    }
    this.#last = table;
    return table;
  }

  /** What a step does to counters is what one of Redis's clock does to its own. */
  #followClock(): void {
    const aheadMs = this.#clock.now() - this.#clock.monotonic() - this.#offsetMs;
    if (Math.abs(aheadMs) > CLOCK_STEP_MS) this.#offsetMs += aheadMs;
  }

  #now(): number {
    return Math.floor(this.#offsetMs + this.#clock.monotonic());
  }
}
