import { KnownClock } from './known.clock.ts';
import { KnownLevels } from './known.levels.ts';
import { KnownNumbers, type NumberRange } from './known.numbers.ts';
import { levelKey } from './loaded.ts';
import type { Command, ReserveRequest } from './stock.command.ts';
import type { Level, Location, Product, StockState } from './stock.state.ts';

/** Levels that are remembered, at most: some 150 bytes each. */
const LEVELS_MAX = 100_000;

/** Levels that another transaction was seen to hold for too long, by `product:location`. */
export type Stuck = Pick<ReadonlySet<string>, 'has' | 'size'>;

/** What a batch that locked its levels has learned of them, once it is committed. */
export interface Learned {
  state: StockState;
  /** Levels that it wrote: those that had no row have one now. */
  written: ReadonlySet<Level>;
  numbers: NumberRange;
  clock: { nowMs: number; heardAtMs: number };
}

interface KnownProduct extends Product {
  /** Rows of its levels, by location id. `levels` holds only those of the decision that is being taken. */
  rows: Map<number, number>;
}

const NO_LEVELS: Product['levels'] = new Map();

/**
 * Stock as this instance left it: what it wrote last, or has sent to be written. Others may have changed it since, so
 * nothing is answered from here; a decision on it is written only where it is still so.
 */
export class KnownStock {
  readonly clock = new KnownClock();
  readonly numbers = new KnownNumbers();
  readonly #products = new Map<string, KnownProduct>();
  readonly #productsById = new Map<number, KnownProduct>();
  readonly #locations = new Map<string, Location>();
  readonly #locationsById = new Map<number, Location>();
  readonly #levels = new KnownLevels();
  readonly #defaultTtlMs: number;
  /** How many batches are about to lock, or have locked, each level. */
  readonly #claims = new Map<string, number>();
  /** Products of which a decision has levels. */
  readonly #opened: KnownProduct[] = [];
  #count = 0;
  #forgotten = 0;

  constructor(defaultTtlMs: number) {
    this.#defaultTtlMs = defaultTtlMs;
  }

  /** How often something was forgotten: until it rises, what was known is known. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /**
   * Whether a command can be decided on what is known, and is likely to be accepted: nothing can be refused, sourced or
   * taken from lapsed holds here.
   */
  knows(command: Command, stuck: Stuck): boolean {
    const requests = requestsOf(command);
    return requests !== null && requests.every((request) => this.#knowsLines(request, stuck));
  }

  #knowsLines({ lines, partial, sourcing }: ReserveRequest, stuck: Stuck): boolean {
    // Places that are allowed must exist: those that no line names are not looked at again when the batch is written.
    if (partial === true || sourcing?.locations !== undefined) return false;
    for (const { sku, location: code, quantity } of lines) {
      const location = code === undefined ? undefined : this.#locations.get(code);
      const product = this.#products.get(sku);
      const row = location === undefined ? undefined : product?.rows.get(location.id);
      if (product === undefined || location === undefined || row === undefined) return false;
      if (this.#levels.available(row) < quantity) return false;
      if (stuck.size > 0 && stuck.has(levelKey(product.id, location.id))) return false;
    }
    return true;
  }

  get hasClaims(): boolean {
    return this.#claims.size > 0;
  }

  /** Whether no batch is about to lock the levels of a command that is known, or has locked them. */
  isFree(command: Command): boolean {
    if (this.#claims.size === 0) return true;
    for (const { lines } of requestsOf(command) ?? []) {
      for (const { sku, location: code = '' } of lines) {
        const [product, location] = [this.#products.get(sku), this.#locations.get(code)];
        if (product === undefined || location === undefined) return false;
        if (this.#claims.has(levelKey(product.id, location.id))) return false;
      }
    }
    return true;
  }

  /** What a decision about commands that are known works on: a copy of their levels, until it is settled. */
  stateFor(commands: readonly Command[], nowMs: number): StockState {
    for (const command of commands) {
      for (const { lines } of requestsOf(command) ?? []) {
        for (const { sku, location = '' } of lines) this.#open(sku, location);
      }
    }
    return {
      nowMs,
      products: this.#products,
      productsById: this.#productsById,
      locations: this.#locations,
      locationsById: this.#locationsById,
      reservations: new Map(),
      answers: new Map(),
      lapsedLoaded: new Set(),
      defaultTtlMs: this.#defaultTtlMs,
    };
  }

  #open(sku: string, code: string): void {
    const [product, location] = [this.#products.get(sku), this.#locations.get(code)];
    if (product === undefined || location === undefined) return;
    // Also where the level is not known: whoever decides on one that is not there makes it.
    if (product.levels === NO_LEVELS) {
      product.levels = new Map();
      this.#opened.push(product);
    }
    const row = product.rows.get(location.id);
    if (row === undefined || product.levels.has(location.id)) return;
    product.levels.set(location.id, this.#levels.read(row, product, location));
  }

  /** The decision is over: levels that it wrote are as it left them. */
  settle(written: Iterable<Level>): void {
    for (const level of written) {
      const row = this.#productsById.get(level.product.id)?.rows.get(level.location.id);
      if (row !== undefined) this.#levels.write(row, level);
    }
    for (const product of this.#opened) product.levels = NO_LEVELS;
    this.#opened.length = 0;
  }

  /** From here on nothing is decided on these levels, until they are released. */
  claim(keys: Iterable<string>): void {
    for (const key of keys) this.#claims.set(key, (this.#claims.get(key) ?? 0) + 1);
  }

  release(keys: Iterable<string>): void {
    for (const key of keys) {
      const rest = (this.#claims.get(key) ?? 0) - 1;
      if (rest > 0) this.#claims.set(key, rest);
      else this.#claims.delete(key);
    }
  }

  learn({ state, written, numbers, clock }: Learned): void {
    this.clock.learn(clock.nowMs, clock.heardAtMs);
    this.numbers.learn(numbers);
    for (const product of state.productsById.values()) {
      // A stub knows no more than a name.
      if (product.version === 0) continue;
      for (const level of product.levels.values()) {
        if (level.exists || written.has(level)) this.#learnLevel(level);
      }
    }
    for (const product of this.#productsById.values()) {
      if (this.#count <= LEVELS_MAX) break;
      this.#forgetProduct(product);
    }
  }

  #learnLevel(level: Level): void {
    const product = this.#learnProduct(level.product);
    this.#learnLocation(level.location);
    let row = product.rows.get(level.location.id);
    if (row === undefined) {
      row = this.#levels.take();
      product.rows.set(level.location.id, row);
      this.#count += 1;
    }
    this.#levels.write(row, level);
  }

  #learnProduct(product: Product): KnownProduct {
    const known = this.#productsById.get(product.id);
    if (known?.version === product.version) return known;
    // Its name may be another's by now, and what was known by it is not.
    if (known !== undefined && known.sku !== product.sku) {
      this.#forgotten += 1;
      if (this.#products.get(known.sku) === known) this.#products.delete(known.sku);
    }
    const learned: KnownProduct = {
      ...product,
      levels: NO_LEVELS,
      row: null,
      rows: known?.rows ?? new Map<number, number>(),
    };
    this.#productsById.set(product.id, learned);
    this.#products.set(product.sku, learned);
    return learned;
  }

  #learnLocation(location: Location): void {
    const known = this.#locationsById.get(location.id);
    if (known?.version === location.version) return;
    if (known !== undefined && known.code !== location.code) {
      this.#forgotten += 1;
      if (this.#locations.get(known.code) === known) this.#locations.delete(known.code);
    }
    this.#locationsById.set(location.id, location);
    this.#locations.set(location.code, location);
  }

  /** The levels of a batch that may not have been written as it was sent. */
  forget(levels: Iterable<Level>): void {
    this.#forgotten += 1;
    for (const { product, location } of levels) {
      const rows = this.#productsById.get(product.id)?.rows;
      const row = rows?.get(location.id);
      if (row === undefined) continue;
      rows?.delete(location.id);
      this.#levels.free(row);
      this.#count -= 1;
    }
  }

  #forgetProduct(product: KnownProduct): void {
    this.#forgotten += 1;
    this.#count -= product.rows.size;
    for (const row of product.rows.values()) this.#levels.free(row);
    this.#productsById.delete(product.id);
    if (this.#products.get(product.sku) === product) this.#products.delete(product.sku);
  }

  forgetAll(): void {
    this.#forgotten += 1;
    this.#count = 0;
    this.#levels.clear();
    this.#products.clear();
    this.#productsById.clear();
    this.#locations.clear();
    this.#locationsById.clear();
    this.clock.forget();
    this.numbers.forget();
  }
}

/** The reservations that a command asks for; null where it is none of these. */
function requestsOf(command: Command): readonly ReserveRequest[] | null {
  if (command.kind === 'reserve') return [command.request];
  return command.kind === 'reserveMany' ? command.requests : null;
}
