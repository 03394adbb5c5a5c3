import type { Level, Location, Product } from './stock.state.ts';
import { byPriority, openPlaces, placeLine, type Basket, type Placement, type Wanted } from './sourcing.rules.ts';

/** The most places for which every set is tried. */
const EXACT_PLACES_MAX = 10;

/** A set of candidate places, a bit each. */
type PlaceSet = number;

/**
 * The smallest set of places from which every sourced line of a request can be served; among equals, the one whose
 * places come first by priority. Places that named lines already draw from cost nothing. Every set is tried up to
 * {@link EXACT_PLACES_MAX} candidates; beyond, the place that serves the most units is added until all are served.
 *
 * @returns null where no set can serve all
 */
export function fewestPlaces(basket: Basket, wanted: Wanted[], placement: Placement): ReadonlySet<Location> | null {
  const given = new Set<Location>([...basket.taken.keys()].map((level) => level.location));
  const candidates = candidatePlaces(basket, wanted, placement);
  if (unserved(basket, wanted, placement, new Set([...candidates, ...given])) > 0) return null;
  const extra = candidates.filter((location) => !given.has(location));
  return extra.length <= EXACT_PLACES_MAX
    ? smallestSet(basket, wanted, placement, extra, given)
    : greedySet(basket, wanted, placement, extra, given);
}

function candidatePlaces(basket: Basket, wanted: Wanted[], placement: Placement): Location[] {
  const places = new Set<Location>();
  for (const [product, { largest }] of demandsOf(wanted)) {
    for (const level of openPlaces(product, placement)) {
      if (basket.room(level, largest) > 0) places.add(level.location);
    }
  }
  return [...places].sort(byPriority);
}

/** Units that a set of places cannot serve. */
function unserved(basket: Basket, wanted: Wanted[], placement: Placement, places: ReadonlySet<Location>): number {
  const trial = basket.fork();
  const among: Placement = {
    sourcing: { split: placement.sourcing.split === true },
    allowed: intersection(places, placement.allowed),
    partial: false,
    places: new Map(),
  };
  let missing = 0;
  for (const line of wanted) {
    missing += line.quantity;
    for (const piece of placeLine(trial, line, among)) missing -= piece.quantity;
  }
  return missing;
}

function intersection(places: ReadonlySet<Location>, allowed: ReadonlySet<Location> | null): ReadonlySet<Location> {
  return allowed === null ? places : new Set([...places].filter((place) => allowed.has(place)));
}

function smallestSet(
  basket: Basket,
  wanted: Wanted[],
  placement: Placement,
  places: Location[],
  given: Set<Location>,
): ReadonlySet<Location> {
  const couldServe = quickTest(basket, wanted, placement, places, given);
  for (const set of setsBySize(places.length)) {
    if (!couldServe(set)) continue;
    const chosen = new Set([...given, ...places.filter((_, index) => (set & (1 << index)) !== 0)]);
    if (unserved(basket, wanted, placement, chosen) === 0) return chosen;
  }
  return new Set([...given, ...places]);
}

/** All sets of so many places, smaller ones first; of one size, those whose places come first. */
function setsBySize(count: number): PlaceSet[] {
  const sizeOf = (set: PlaceSet): number => set.toString(2).replaceAll('0', '').length;
  const reversed = (set: PlaceSet): number => {
    let bits = 0;
    for (let index = 0; index < count; index += 1) if ((set & (1 << index)) !== 0) bits |= 1 << (count - 1 - index);
    return bits;
  };
  return Array.from({ length: 1 << count }, (_, set) => set).sort(
    (left, right) => sizeOf(left) - sizeOf(right) || reversed(right) - reversed(left),
  );
}

/**
 * What must hold for a set to serve at all: enough units of each product in sum and, where lines are not split, a place
 * for the largest line of each. Trying a thousand lines on each of a thousand sets would hold everyone else up.
 */
function quickTest(
  basket: Basket,
  wanted: Wanted[],
  placement: Placement,
  places: Location[],
  given: Set<Location>,
): (set: PlaceSet) => boolean {
  const demands = demandsOf(wanted);
  const tests = [...demands].map(([product, { sum, largest }]) => {
    const roomAt = (location: Location): number => {
      const level = openPlaces(product, placement).find((one: Level) => one.location === location);
      return level === undefined ? 0 : Math.max(0, basket.room(level, sum));
    };
    return { sum, largest, base: [...given].map(roomAt), rooms: places.map(roomAt) };
  });
  const isSplit = placement.sourcing.split === true;
  return (set) =>
    tests.every(({ sum, largest, base, rooms }) => {
      const open = [...base, ...rooms.filter((_, index) => (set & (1 << index)) !== 0)];
      const total = open.reduce((units, room) => units + room, 0);
      return total >= sum && (isSplit || Math.max(0, ...open) >= largest);
    });
}

function demandsOf(wanted: Wanted[]): Map<Product, { sum: number; largest: number }> {
  const demands = new Map<Product, { sum: number; largest: number }>();
  for (const { product, quantity } of wanted) {
    const known = demands.get(product);
    if (known === undefined) demands.set(product, { sum: quantity, largest: quantity });
    else Object.assign(known, { sum: known.sum + quantity, largest: Math.max(known.largest, quantity) });
  }
  return demands;
}

/** What is still wanted of a product, and the room that each place has for it. */
interface Demand {
  rooms: ReadonlyMap<Location, number>;
  /** Units that stay together, the largest first. */
  open: number[];
}

/**
 * Which lines a place would serve is guessed line by line, the largest first, instead of placing all lines anew for each
 * place: of 1,000 lines and 100 places that took 36 s. So it is tried in the end, and what was guessed too low made good.
 */
function greedySet(
  basket: Basket,
  wanted: Wanted[],
  placement: Placement,
  places: Location[],
  given: Set<Location>,
): ReadonlySet<Location> {
  const isSplit = placement.sourcing.split === true;
  const demands = openDemands(basket, wanted, placement);
  const serve = (place: Location): void => {
    for (const demand of demands) demand.open = servedBy(place, demand, isSplit).left;
  };
  const gainOf = (place: Location): number =>
    demands.reduce((sum, demand) => sum + servedBy(place, demand, isSplit).units, 0);

  for (const place of given) serve(place);
  const chosen = new Set(given);
  const gains = new Map(places.map((place) => [place, gainOf(place)]));
  while (demands.some(({ open }) => open.length > 0)) {
    const place = bestOf(gains, gainOf);
    if (place === null) break;
    gains.delete(place);
    chosen.add(place);
    serve(place);
  }
  for (let more = 1; gains.size > 0 && unserved(basket, wanted, placement, chosen) > 0; more *= 2) {
    for (const place of [...gains.keys()].slice(0, more)) {
      gains.delete(place);
      chosen.add(place);
    }
  }
  return chosen;
}

function openDemands(basket: Basket, wanted: Wanted[], placement: Placement): Demand[] {
  return [...demandsOf(wanted)].map(([product, { sum }]) => ({
    rooms: new Map(openPlaces(product, placement).map((level) => [level.location, basket.room(level, sum)])),
    open: wanted
      .filter((line) => line.product === product)
      .map(({ quantity }) => quantity)
      .sort((left, right) => right - left),
  }));
}

function servedBy(place: Location, { rooms, open }: Demand, isSplit: boolean): { units: number; left: number[] } {
  let room = Math.max(0, rooms.get(place) ?? 0);
  if (room === 0) return { units: 0, left: open };
  let units = 0;
  const left: number[] = [];
  for (const quantity of open) {
    const served = quantity <= room ? quantity : isSplit ? room : 0;
    room -= served;
    units += served;
    if (served < quantity) left.push(quantity - served);
  }
  return { units, left };
}

/** The place with the highest gain, the first of equals. A gain only falls: it is taken anew for the one that leads. */
function bestOf(gains: Map<Location, number>, gainOf: (place: Location) => number): Location | null {
  for (;;) {
    let best: Location | null = null;
    let most = 0;
    for (const [place, gain] of gains) {
      if (gain <= most) continue;
      best = place;
      most = gain;
    }
    if (best === null) return null;
    const gain = gainOf(best);
    if (gain >= most) return best;
    gains.set(best, gain);
  }
}
