import { availableUnits, type Level, type Location, type Product } from './stock.state.ts';
import type { Sourcing } from './stock.command.ts';
import type { Recorder } from './stock.recorder.ts';
import { freeUnits } from './hold.rules.ts';

/** A line to be placed. */
export interface Wanted {
  /** Index in the request. */
  line: number;
  product: Product;
  /** null: the server chooses. */
  location: Location | null;
  quantity: number;
  attributes: Record<string, unknown> | null;
}

/** Units of a wanted line at one place; `level` is null where nothing was placed. */
export interface Piece {
  wanted: Wanted;
  level: Level | null;
  quantity: number;
}

/** What a request takes as it is placed line by line, and what it may count as free because it is its own. */
export class Basket {
  readonly #books: Recorder;
  readonly #taken = new Map<Level, number>();
  readonly #own: ReadonlyMap<Level, number>;

  constructor(books: Recorder, own: ReadonlyMap<Level, number>) {
    this.#books = books;
    this.#own = own;
  }

  get taken(): ReadonlyMap<Level, number> {
    return this.#taken;
  }

  take(level: Level, units: number): void {
    this.#taken.set(level, (this.#taken.get(level) ?? 0) + units);
  }

  /** Units that this request can still take there. Lapsed holds are looked at only where `needed` is not there without. */
  room(level: Level, needed: number): number {
    const mine = (this.#own.get(level) ?? 0) - (this.#taken.get(level) ?? 0);
    const units = availableUnits(level) + mine;
    return units >= needed ? units : freeUnits(this.#books, level, needed - units) + mine;
  }

  /** As {@link room}, with every lapsed hold: for comparing places. */
  wholeRoom(level: Level): number {
    return this.room(level, Number.MAX_SAFE_INTEGER);
  }

  fork(): Basket {
    const fork = new Basket(this.#books, this.#own);
    for (const [level, units] of this.#taken) fork.#taken.set(level, units);
    return fork;
  }
}

/** How lines without a location find one. */
export interface Placement {
  sourcing: Sourcing;
  /** Places that the request allows; null for all. */
  allowed: ReadonlySet<Location> | null;
  partial: boolean;
  /** The open places of a product by priority, once they were asked for: a request may have a thousand lines of one. */
  places: Map<Product, Level[]>;
}

/** Lower priority first, ties by code. */
export function byPriority(left: Location, right: Location): number {
  if (left.priority !== right.priority) return left.priority - right.priority;
  if (left.code === right.code) return 0;
  return left.code < right.code ? -1 : 1;
}

/**
 * Finds the places of one sourced line. Its units are taken only where all were found, or `partial` asks for what there
 * is.
 *
 * @returns its pieces; fewer units than wanted where there are no more
 */
export function placeLine(basket: Basket, wanted: Wanted, placement: Placement): Piece[] {
  const places = orderedPlaces(basket, wanted, placement);
  const pieces =
    placement.sourcing.split === true
      ? splitOver(basket, wanted, places)
      : wholeFrom(basket, wanted, places, placement);
  const isWhole = pieces.reduce((sum, piece) => sum + piece.quantity, 0) === wanted.quantity;
  if (!isWhole && !placement.partial) return [];
  for (const { level, quantity } of pieces) if (level !== null) basket.take(level, quantity);
  return pieces;
}

/** The most that a refused line could have had: the best single place's units, or all of them with `split`. */
export function bestOffer(basket: Basket, wanted: Wanted, placement: Placement): number {
  const rooms = openPlaces(wanted.product, placement).map((level) => Math.max(0, basket.wholeRoom(level)));
  if (placement.sourcing.split === true) return rooms.reduce((sum, units) => sum + units, 0);
  return Math.max(0, ...rooms);
}

/** From the first place that can hold all of it; with `partial`, else from the place with the most. */
function wholeFrom(basket: Basket, wanted: Wanted, places: readonly Level[], placement: Placement): Piece[] {
  const whole = places.find((level) => basket.room(level, wanted.quantity) >= wanted.quantity);
  if (whole !== undefined) return [{ wanted, level: whole, quantity: wanted.quantity }];
  if (!placement.partial) return [];
  let best: Piece = { wanted, level: null, quantity: 0 };
  for (const level of places) {
    const units = basket.wholeRoom(level);
    if (units > best.quantity) best = { wanted, level, quantity: units };
  }
  return best.quantity === 0 ? [] : [best];
}

/** Each place gives what it has, in order. */
function splitOver(basket: Basket, wanted: Wanted, places: readonly Level[]): Piece[] {
  const pieces: Piece[] = [];
  let rest = wanted.quantity;
  for (const level of places) {
    if (rest === 0) break;
    const quantity = Math.min(rest, basket.room(level, rest));
    if (quantity <= 0) continue;
    pieces.push({ wanted, level, quantity });
    rest -= quantity;
  }
  return pieces;
}

/** Places that a line of this product may come from, by priority. */
export function openPlaces(product: Product, placement: Placement): readonly Level[] {
  const known = placement.places.get(product);
  if (known !== undefined) return known;
  const { allowed } = placement;
  const places = [...product.levels.values()]
    .filter(
      ({ location }) => location.active && location.archivedAt === null && (allowed === null || allowed.has(location)),
    )
    .sort((left, right) => byPriority(left.location, right.location));
  placement.places.set(product, places);
  return places;
}

function orderedPlaces(basket: Basket, wanted: Wanted, placement: Placement): readonly Level[] {
  const places = openPlaces(wanted.product, placement);
  const { strategy = 'priority', near } = placement.sourcing;
  if (strategy === 'most_available') return sortedBy(places, (level) => -basket.wholeRoom(level));
  if (strategy === 'nearest' && near !== undefined)
    return sortedBy(places, ({ location }) => distanceTo(near, location));
  return places;
}

/** Sorts by a key, keeping the order of equals. */
function sortedBy(places: readonly Level[], keyOf: (level: Level) => number): Level[] {
  return places
    .map((level) => ({ level, key: keyOf(level) }))
    .sort((left, right) => (left.key === right.key ? 0 : left.key - right.key))
    .map(({ level }) => level);
}

const EARTH_RADIUS_M = 6_371_008.8;

/**
 * Great-circle distance by the haversine formula (Sinnott, "Virtues of the Haversine", 1984), in whole metres: places that
 * are equally far, such as across the date line or around a pole, differ in the last digits of a double, and their
 * priority is to decide.
 */
export function distanceTo(near: { lat: number; lng: number }, location: Pick<Location, 'lat' | 'lng'>): number {
  if (location.lat === null || location.lng === null) return Number.POSITIVE_INFINITY;
  const radians = Math.PI / 180;
  const half = (degrees: number): number => Math.sin((degrees * radians) / 2) ** 2;
  const chord =
    half(location.lat - near.lat) +
    Math.cos(near.lat * radians) * Math.cos(location.lat * radians) * half(location.lng - near.lng);
  return Math.round(2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(chord))));
}
