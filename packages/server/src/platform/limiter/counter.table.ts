import { algorithmOf, report, type CounterAlgorithm, type CounterState } from './counter.algorithms.ts';
import { KIND, type Charge, type Counter } from './limit.ts';
import { NumberColumn } from './number.column.ts';

/** Several maps in place of one: none grows so large that making room in it (a pause) is felt. */
const SHARDS = 64;
/** How many slots are looked at for the one that was used longest ago. */
const CANDIDATES = 8;
/** What a slot costs besides its subject's text and its log: the maps, the columns, the list of subjects. */
const SLOT_BYTES = 148;
/** An array, and its room for one charge. */
const LOG_BYTES = 64;

/**
 * The subjects of one counter. Their numbers stand in columns, not in objects: a million subjects take about 130 MB, and
 * charging a known one allocates nothing.
 */
export class CounterTable {
  readonly counter: Counter;
  readonly #algorithm: CounterAlgorithm;
  readonly #slots: Map<string, number>[] = Array.from({ length: SHARDS }, () => new Map<string, number>());
  /** By slot; undefined where it is free. */
  #subjects: (string | undefined)[] = [];
  readonly #at = new NumberColumn();
  readonly #used = new NumberColumn();
  /** When it says no more than one that was never used: by its own limit, which overrides and load make another. */
  readonly #idleAt = new NumberColumn();
  /** Of two buckets alone. */
  readonly #before: NumberColumn | null;
  readonly #logs: (number[] | null)[] = [];
  readonly #free: number[] = [];
  readonly #state: CounterState = { at: 0, used: 0, before: 0, log: null };
  /** The length of the log that is in `#state`, as it was loaded. */
  #loadedEntries = 0;
  #hand = 0;
  #size = 0;
  #bytes = 0;

  constructor(counter: Counter) {
    this.counter = counter;
    this.#before = counter.kind === KIND.twoBuckets ? new NumberColumn() : null;
    this.#algorithm = algorithmOf(counter.kind);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Looks, and with `spends` charges what fits. */
  charge(charge: Charge, nowMs: number, spends: boolean): void {
    const known = this.#find(charge.subject);
    const state = this.#load(known);
    const algorithm = this.#algorithm;
    charge.atMs = nowMs;
    algorithm.advance(state, charge, nowMs);
    charge.allowed = algorithm.fits(state, charge);
    const isSpent = spends && charge.allowed;
    if (isSpent) algorithm.spend(state, charge, nowMs);
    report(algorithm, state, charge, nowMs);
    if (isSpent || known !== -1) {
      this.#store(known === -1 ? this.#add(charge.subject) : known, state, nowMs + charge.resetMs);
    }
  }

  giveBack(charge: Charge, nowMs: number): void {
    const slot = this.#find(charge.subject);
    if (slot === -1) return;
    const state = this.#load(slot);
    const { atMs } = charge;
    this.#algorithm.advance(state, charge, nowMs);
    this.#algorithm.giveBack(state, { ...charge, atMs }, nowMs);
    this.#store(slot, state, nowMs + this.#algorithm.resetMs(state, charge, nowMs));
  }

  /** Removes the idle among the next `count` slots. @returns how many were removed */
  sweep(count: number, nowMs: number): number {
    let removed = 0;
    const { length } = this.#subjects;
    for (let step = Math.min(count, length); step > 0; step -= 1) {
      if (this.#hand >= length) this.#hand = 0;
      const slot = this.#hand;
      this.#hand += 1;
      if (this.#subjects[slot] === undefined || this.#idleAt.get(slot) > nowMs) continue;
      this.#remove(slot);
      removed += 1;
    }
    return removed;
  }

  /** Makes room: of a few slots the idle one, or the one that was used longest ago, loses its count. */
  evictOne(nowMs: number): void {
    const { length } = this.#subjects;
    let oldest = -1;
    for (let looked = 0, step = 0; looked < CANDIDATES && step < length; step += 1) {
      if (this.#hand >= length) this.#hand = 0;
      const slot = this.#hand;
      this.#hand += 1;
      if (this.#subjects[slot] === undefined) continue;
      looked += 1;
      if (oldest === -1 || this.#at.get(slot) < this.#at.get(oldest)) oldest = slot;
      if (this.#idleAt.get(slot) <= nowMs) {
        oldest = slot;
        break;
      }
    }
    if (oldest !== -1) this.#remove(oldest);
  }

  #find(subject: string): number {
    return this.#shardOf(subject).get(subject) ?? -1;
  }

  #shardOf(subject: string): Map<string, number> {
    // The end of a text varies most: of ids, addresses and digests alike.
    const { length } = subject;
    const [last, before] = [subject.charCodeAt(length - 1), subject.charCodeAt(length - 2)];
    // NaN, of what is shorter, is 0 here.
    return this.#slots[((last * 31) ^ before) % SHARDS] as Map<string, number>;
  }

  #load(slot: number): CounterState {
    const state = this.#state;
    const isKnown = slot !== -1;
    state.at = isKnown ? this.#at.get(slot) : 0;
    state.used = isKnown ? this.#used.get(slot) : 0;
    state.before = isKnown ? (this.#before?.get(slot) ?? 0) : 0;
    state.log = isKnown ? (this.#logs[slot] ?? null) : null;
    this.#loadedEntries = state.log?.length ?? 0;
    return state;
  }

  #store(slot: number, state: CounterState, idleAtMs: number): void {
    this.#idleAt.set(slot, idleAtMs);
    this.#at.set(slot, state.at);
    this.#used.set(slot, state.used);
    this.#before?.set(slot, state.before);
    if (this.counter.kind !== KIND.log) return;
    this.#logs[slot] = state.log;
    this.#bytes += roomOf(state.log?.length ?? 0) - roomOf(this.#loadedEntries);
  }

  #add(subject: string): number {
    const slot = this.#free.pop() ?? this.#subjects.length;
    for (const column of [this.#at, this.#used, this.#idleAt, this.#before]) column?.reach(slot);
    this.#subjects[slot] = subject;
    this.#shardOf(subject).set(subject, slot);
    this.#size += 1;
    this.#bytes += this.#bytesOf(subject);
    return slot;
  }

  #remove(slot: number): void {
    const subject = this.#subjects[slot] as string;
    this.#shardOf(subject).delete(subject);
    this.#subjects[slot] = undefined;
    this.#bytes -= this.#bytesOf(subject) + roomOf(this.#logs[slot]?.length ?? 0);
    if (this.counter.kind === KIND.log) this.#logs[slot] = null;
    this.#free.push(slot);
    this.#size -= 1;
  }

  #bytesOf(subject: string): number {
    return SLOT_BYTES + subject.length + (this.counter.kind === KIND.log ? LOG_BYTES : 0);
  }
}

/** What a log takes besides its first charge: V8 makes room for half as many again, and 16 more. */
function roomOf(entries: number): number {
  return entries <= 2 ? 0 : (entries * 1.5 + 16) * 8;
}
