/** Where the lines of a reservation go: API.md "Sourcing", read literally. Pure. */
import type { LineBody, ShortLine, SourcingBody } from './command.ts';

export type Place = { code: string; lat: number | null; lng: number | null };

export type Piece = { line: number; sku: string; location: string | null; requested: number; quantity: number };

export type Placement = { ok: true; pieces: Piece[] } | { ok: false; lines?: ShortLine[] };

export type PlacementRequest = {
  lines: LineBody[];
  sourcing: SourcingBody;
  partial: boolean;
  /** The active places that sourcing may use, "lower priority first, ties by code". */
  places: Place[];
  /** Free units of a level before this request. */
  free: (sku: string, location: string) => number;
};

type Stock = { left: (sku: string, location: string) => number; take: (piece: Piece) => void };

function stockOf(request: PlacementRequest): Stock {
  const taken = new Map<string, number>();
  const key = (sku: string, location: string) => `${sku} ${location}`;
  return {
    left: (sku, location) => Math.max(0, request.free(sku, location) - (taken.get(key(sku, location)) ?? 0)),
    take: ({ sku, location, quantity }) => {
      if (location === null) return;
      taken.set(key(sku, location), (taken.get(key(sku, location)) ?? 0) + quantity);
    },
  };
}

/** All lines placed, or the refusal. Named lines take theirs before the server chooses places for the others. */
export function place(request: PlacementRequest): Placement {
  if (request.sourcing.strategy === 'fewest_locations') return placeInFewest(request);
  const pieces = placeAmong(request, request.places);
  return pieces !== null && pieces.some((piece) => piece.quantity > 0)
    ? { ok: true, pieces }
    : { ok: false, ...shortLines(request) };
}

/** "The smallest set of places for the whole request", then the set that comes first by priority. */
function placeInFewest(request: PlacementRequest): Placement {
  for (let size = 0; size <= request.places.length; size += 1) {
    for (const set of subsets(request.places, size)) {
      const pieces = placeAmong({ ...request, partial: false }, set);
      if (pieces !== null) return { ok: true, pieces };
    }
  }
  return { ok: false, ...shortLines(request) };
}

/** Subsets of one size, in the order of their members. */
function subsets<T>(items: T[], size: number): T[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, index) => subsets(items.slice(index + 1), size - 1).map((rest) => [item, ...rest]));
}

function placeAmong(request: PlacementRequest, places: Place[]): Piece[] | null {
  const stock = stockOf(request);
  const placed: (Piece[] | null)[] = request.lines.map(() => null);
  const placeLines = (named: boolean) => {
    for (const [index, line] of request.lines.entries()) {
      if ((line.location !== undefined) !== named) continue;
      const pieces = named
        ? placeNamed(request, stock, line, index)
        : placeSourced(request, stock, line, index, places);
      if (pieces === null) return false;
      pieces.forEach(stock.take);
      placed[index] = pieces;
    }
    return true;
  };
  if (!placeLines(true) || !placeLines(false)) return null;
  return placed.flatMap((pieces) => pieces ?? []);
}

function placeNamed(request: PlacementRequest, stock: Stock, line: LineBody, index: number): Piece[] | null {
  const location = line.location ?? null;
  const quantity = Math.min(line.quantity, location === null ? 0 : stock.left(line.sku, location));
  if (quantity < line.quantity && !request.partial) return null;
  return [{ line: index, sku: line.sku, location, requested: line.quantity, quantity }];
}

function placeSourced(
  request: PlacementRequest,
  stock: Stock,
  line: LineBody,
  index: number,
  places: Place[],
): Piece[] | null {
  const ordered = inOrder(request.sourcing, places, (code) => stock.left(line.sku, code));
  const shares = request.sourcing.split === true ? splitShares(line, stock, ordered) : wholeShare(line, stock, ordered);
  const got = shares.reduce((sum, share) => sum + share.quantity, 0);
  if (got < line.quantity && !request.partial) return null;
  if (shares.length === 0)
    return [{ line: index, sku: line.sku, location: null, requested: line.quantity, quantity: 0 }];
  return shares.map(({ code, quantity }, piece) => ({
    line: index,
    sku: line.sku,
    location: code,
    requested: piece === 0 ? line.quantity : 0,
    quantity,
  }));
}

type Share = { code: string; quantity: number };

/** With `split`, "each place gives what it has in that order". */
function splitShares(line: LineBody, stock: Stock, ordered: Place[]): Share[] {
  const shares: Share[] = [];
  let missing = line.quantity;
  for (const { code } of ordered) {
    const quantity = Math.min(missing, stock.left(line.sku, code));
    if (quantity > 0) shares.push({ code, quantity });
    missing -= quantity;
  }
  return shares;
}

/** Without: "the first place that can hold all of it"; failing that (`partial`) "the place with the most". */
function wholeShare(line: LineBody, stock: Stock, ordered: Place[]): Share[] {
  const first = ordered.find(({ code }) => stock.left(line.sku, code) >= line.quantity);
  if (first !== undefined) return [{ code: first.code, quantity: line.quantity }];
  const most = ordered.toSorted((a, b) => stock.left(line.sku, b.code) - stock.left(line.sku, a.code))[0];
  if (most === undefined || stock.left(line.sku, most.code) === 0) return [];
  return [{ code: most.code, quantity: stock.left(line.sku, most.code) }];
}

/** The strategy's order; sorts are stable, so that ties stay in the locations' own order. */
function inOrder(sourcing: SourcingBody, places: Place[], left: (code: string) => number): Place[] {
  if (sourcing.strategy === 'most_available') return places.toSorted((a, b) => left(b.code) - left(a.code));
  if (sourcing.strategy !== 'nearest' || sourcing.near === undefined) return places;
  const { lat, lng } = sourcing.near;
  const away = (there: Place) =>
    there.lat === null || there.lng === null ? 99 : centralAngle(lat, lng, there.lat, there.lng);
  return places.toSorted((a, b) => away(a) - away(b));
}

/** The great-circle distance in radians (haversine). */
function centralAngle(latA: number, lngA: number, latB: number, lngB: number): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const lat = Math.sin(radians(latB - latA) / 2) ** 2;
  const lng = Math.sin(radians(lngB - lngA) / 2) ** 2;
  return 2 * Math.asin(Math.sqrt(lat + Math.cos(radians(latA)) * Math.cos(radians(latB)) * lng));
}

/**
 * "`lines: [{sku, location | null, requested, available}]`, one per short level". Only given where the specification
 * fixes it: every line names its place, or the one line is sourced.
 */
function shortLines(request: PlacementRequest): { lines?: ShortLine[] } {
  const { lines, sourcing, places, free } = request;
  const [only] = lines;
  if (only !== undefined && lines.length === 1 && only.location === undefined) {
    const has = places.map(({ code }) => Math.max(0, free(only.sku, code)));
    const available = sourcing.split === true ? has.reduce((sum, units) => sum + units, 0) : Math.max(0, ...has);
    return { lines: [{ sku: only.sku, location: null, requested: only.quantity, available }] };
  }
  if (lines.some((line) => line.location === undefined)) return {};
  const sums = new Map<string, ShortLine>();
  for (const { sku, location = '', quantity } of lines) {
    const sum = sums.get(`${sku} ${location}`) ?? { sku, location, requested: 0, available: free(sku, location) };
    sums.set(`${sku} ${location}`, { ...sum, requested: sum.requested + quantity });
  }
  const short = [...sums.values()].filter((sum) => sum.requested > sum.available);
  return { lines: short.map((sum) => ({ ...sum, available: Math.max(0, sum.available) })) };
}
