import { isDeepStrictEqual } from 'node:util';
import { Problem } from '../kernel/problem.ts';
import { fewestPlaces } from './fewest.rules.ts';
import {
  expiryOf,
  locationOf,
  productOf,
  refuseArchivedProduct,
  refuseClosedLocation,
  releaseLapsed,
  viewOf,
} from './hold.rules.ts';
import { Basket, bestOffer, placeLine, type Piece, type Placement, type Wanted } from './sourcing.rules.ts';
import type { LineRequest, ReserveRequest, Sourcing } from './stock.command.ts';
import { stockProblems } from './stock.problems.ts';
import type { Recorder } from './stock.recorder.ts';
import { availableUnits, levelOf, type Level, type Line, type Location, type Reservation } from './stock.state.ts';

/** Lines as they were placed, and what they take from each level. */
export interface Placed {
  pieces: Piece[];
  taken: ReadonlyMap<Level, number>;
}

const NOTHING_OWN: ReadonlyMap<Level, number> = new Map();

/**
 * Holds all lines, or none; with `partial`, whatever fits.
 *
 * @returns the reservation as JSON text
 * @throws Problem
 */
export function reserve(books: Recorder, request: ReserveRequest): { id: string; body: string } {
  const expiresAt = expiryOf(books, request);
  const placed = placeLines(books, request.lines, request.sourcing, request.partial === true, NOTHING_OWN);

  // After this point the reservation must succeed.
  const reservation = newReservation(books, request, expiresAt);
  holdPieces(books, reservation, placed.pieces, 0);
  for (const [level, units] of placed.taken) releaseLapsed(books, level, units - availableUnits(level));
  for (const [level, units] of placed.taken) {
    books.post(level, { type: 'reserve', reserved: units, reference: referenceTo(reservation) });
  }
  const body = books.record('reservation.created', reservation.id, () => viewOf(books, reservation)) as string;
  return { id: reservation.id, body };
}

/**
 * Finds a place for every line. Named lines come first: they have no choice.
 *
 * @param own units that count as free because this command gives them back
 * @throws Problem 404 for unknown names; 409 `product_archived`, `location_archived`, `location_inactive`,
 *   `insufficient_stock`
 */
export function placeLines(
  books: Recorder,
  lines: LineRequest[],
  sourcing: Sourcing = {},
  partial: boolean,
  own: ReadonlyMap<Level, number>,
): Placed {
  const wanted = lines.map((line, index) => wantedLine(books, line, index));
  const allowed =
    sourcing.locations === undefined ? null : new Set(sourcing.locations.map((code) => locationOf(books, code)));
  for (const { product, location } of wanted) {
    refuseArchivedProduct(product);
    if (location !== null) refuseClosedLocation(location);
  }

  const basket = new Basket(books, own);
  const placement: Placement = { sourcing, allowed, partial, places: new Map() };
  const short: Shortfall[] = [];
  const pieces = [
    ...placeNamed(basket, wanted.filter(isNamed), partial, short),
    ...placeSourced(
      basket,
      wanted.filter((line) => !isNamed(line)),
      placement,
      short,
    ),
  ];
  const gotNothing = pieces.every((piece) => piece.quantity === 0);
  if (short.length > 0 && (!partial || gotNothing)) throw insufficientStock(short);
  return { pieces: inRequestOrder(pieces), taken: basket.taken };
}

interface Shortfall {
  sku: string;
  location: string | null;
  requested: number;
  available: number;
}

export function insufficientStock(lines: Shortfall[]): Problem {
  const [first] = lines;
  const where = first?.location === null ? '' : ` at ${first?.location}`;
  const more = lines.length > 1 ? ` (and ${lines.length - 1} more)` : '';
  const detail = `${first?.available} of ${first?.sku} are available${where}, ${first?.requested} were asked for${more}.`;
  return new Problem(stockProblems.insufficientStock, detail, { lines });
}

export function referenceTo(reservation: Reservation): { type: string; id: string } {
  return { type: 'reservation', id: reservation.id };
}

function wantedLine(books: Recorder, line: LineRequest, index: number): Wanted {
  return {
    line: index,
    product: productOf(books, line.sku),
    location: line.location === undefined ? null : locationOf(books, line.location),
    quantity: line.quantity,
    attributes: line.attributes ?? null,
  };
}

type NamedLine = Wanted & { location: Location };

function isNamed(line: Wanted): line is NamedLine {
  return line.location !== null;
}

/** Lines on the same level are summed before they are checked; what is there is dealt out in their order. */
function placeNamed(basket: Basket, lines: NamedLine[], partial: boolean, short: Shortfall[]): Piece[] {
  const wantedByLevel = new Map<Level, number>();
  for (const { product, location, quantity } of lines) {
    const level = levelOf(product, location);
    wantedByLevel.set(level, (wantedByLevel.get(level) ?? 0) + quantity);
  }
  const left = new Map<Level, number>();
  for (const [level, requested] of wantedByLevel) {
    const room = Math.max(0, basket.room(level, requested));
    if (room < requested) {
      short.push({ sku: level.product.sku, location: level.location.code, requested, available: room });
    }
    left.set(level, room < requested && !partial ? 0 : Math.min(room, requested));
  }
  return lines.map((wanted) => {
    const level = levelOf(wanted.product, wanted.location);
    const rest = left.get(level) ?? 0;
    const quantity = Math.min(rest, wanted.quantity);
    left.set(level, rest - quantity);
    if (quantity > 0) basket.take(level, quantity);
    return { wanted, level, quantity };
  });
}

function placeSourced(basket: Basket, lines: Wanted[], placement: Placement, short: Shortfall[]): Piece[] {
  if (lines.length === 0) return [];
  const effective =
    placement.sourcing.strategy === 'fewest_locations' ? amongFewest(basket, lines, placement) : placement;
  return lines.flatMap((wanted) => {
    const pieces = placeLine(basket, wanted, effective);
    const got = pieces.reduce((sum, piece) => sum + piece.quantity, 0);
    if (got < wanted.quantity) addSourcedShortfall(short, wanted, () => bestOffer(basket, wanted, placement));
    return pieces.length > 0 ? pieces : [{ wanted, level: null, quantity: 0 }];
  });
}

/** One per product: repeated sourced lines are judged together. */
function addSourcedShortfall(short: Shortfall[], wanted: Wanted, available: () => number): void {
  const same = short.find((line) => line.location === null && line.sku === wanted.product.sku);
  if (same === undefined) {
    short.push({ sku: wanted.product.sku, location: null, requested: wanted.quantity, available: available() });
  } else {
    same.requested += wanted.quantity;
  }
}

function amongFewest(basket: Basket, lines: Wanted[], placement: Placement): Placement {
  const places = fewestPlaces(basket, lines, placement);
  if (places === null) return placement;
  const allowed = placement.allowed;
  return {
    ...placement,
    places: new Map(),
    allowed: allowed === null ? places : new Set([...places].filter((place) => allowed.has(place))),
  };
}

function inRequestOrder(pieces: Piece[]): Piece[] {
  return pieces.sort((left, right) => left.wanted.line - right.wanted.line);
}

function newReservation(books: Recorder, request: ReserveRequest, expiresAt: number): Reservation {
  const reservation: Reservation = {
    id: books.newId(),
    status: 'pending',
    type: request.type ?? 'order',
    orderId: request.orderId ?? null,
    userId: request.userId ?? null,
    expiresAt,
    createdAt: books.state.nowMs,
    confirmedAt: null,
    shippedAt: null,
    cancelledAt: null,
    expiredAt: null,
    version: 1,
    lines: [],
    productIds: [],
    cancelReason: null,
    isNew: true,
  };
  books.writes.reservations.add(reservation);
  return reservation;
}

/** Whether a reservation's lines are these, as they were placed, to the unit. */
export function holdsPieces({ lines }: Reservation, pieces: Piece[]): boolean {
  return (
    lines.length === pieces.length &&
    pieces.every(({ wanted, level, quantity }, index) => {
      const line = lines[index];
      return (
        line?.line === wanted.line &&
        line.product === wanted.product &&
        line.location === (level?.location ?? null) &&
        line.quantity === quantity &&
        line.requested === requestedOf(pieces, index) &&
        line.cancelled === 0 &&
        isDeepStrictEqual(line.attributes, wanted.attributes)
      );
    })
  );
}

/** It stands on the first piece of a split line. */
function requestedOf(pieces: Piece[], index: number): number {
  const wanted = pieces[index]?.wanted;
  return wanted === undefined || pieces[index - 1]?.wanted.line === wanted.line ? 0 : wanted.quantity;
}

/** Gives a reservation its lines. */
export function holdPieces(books: Recorder, reservation: Reservation, pieces: Piece[], firstLineNo: number): void {
  for (const [index, { wanted, level, quantity }] of pieces.entries()) {
    const line: Line = {
      reservation,
      lineNo: firstLineNo + index,
      line: wanted.line,
      product: wanted.product,
      location: level?.location ?? null,
      quantity,
      requested: requestedOf(pieces, index),
      shipped: 0,
      cancelled: 0,
      state: quantity === 0 ? 'closed' : 'held',
      attributes: wanted.attributes,
      isNew: true,
    };
    reservation.lines.push(line);
    books.writes.lines.add(line);
  }
  // Products of lines that were replaced stay: their ledger entries are found through here.
  reservation.productIds = [...new Set([...reservation.productIds, ...pieces.map(({ wanted }) => wanted.product.id)])];
}
