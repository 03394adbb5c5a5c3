import { Problem, validationFailed } from '../kernel/problem.ts';
import type { Expiry } from './stock.command.ts';
import { stockProblems } from './stock.problems.ts';
import type { Recorder } from './stock.recorder.ts';
import {
  availableUnits,
  openUnits,
  type Level,
  type Line,
  type Location,
  type Product,
  type Reservation,
} from './stock.state.ts';
import { reservationView, type LineView, type ReservationView } from './reservation.view.ts';

export const TTL_MAX_SECONDS = 2_592_000;

/** @throws Problem 404 `product_not_found` */
export function productOf(books: Recorder, sku: string): Product {
  const product = books.state.products.get(sku);
  if (product === undefined) throw new Problem(stockProblems.productNotFound, `There is no product ${sku}.`, { sku });
  return product;
}

/** @throws Problem 404 `location_not_found` */
export function locationOf(books: Recorder, code: string): Location {
  const location = books.state.locations.get(code);
  if (location === undefined) {
    throw new Problem(stockProblems.locationNotFound, `There is no location ${code}.`, { location: code });
  }
  return location;
}

/** @throws Problem 409 `product_archived` */
export function refuseArchivedProduct(product: Product): void {
  if (product.archivedAt === null) return;
  throw new Problem(
    stockProblems.productArchived,
    `The product ${product.sku} is archived: it takes no more commands.`,
    {
      sku: product.sku,
    },
  );
}

/** @throws Problem 409 `location_archived` */
export function refuseArchivedLocation(location: Location): void {
  if (location.archivedAt === null) return;
  const detail = `The location ${location.code} is archived: it takes no more commands.`;
  throw new Problem(stockProblems.locationArchived, detail, { location: location.code });
}

/** @throws Problem 409 `location_archived` or `location_inactive` */
export function refuseClosedLocation(location: Location): void {
  refuseArchivedLocation(location);
  if (location.active) return;
  const detail = `The location ${location.code} is inactive: its units are not for sale.`;
  throw new Problem(stockProblems.locationInactive, detail, { location: location.code });
}

/**
 * The instant at which a hold made now expires.
 *
 * @throws Problem 400 where it is not in the future by the database's clock, or more than 30 days away
 */
export function expiryOf(books: Recorder, expiry: Expiry): number {
  const { nowMs, defaultTtlMs } = books.state;
  if (expiry.ttlSeconds !== undefined) return nowMs + expiry.ttlSeconds * 1000;
  if (expiry.expiresAt === undefined) return nowMs + defaultTtlMs;
  if (expiry.expiresAt <= nowMs) {
    throw validationFailed([{ path: '/expiresAt', message: 'must be in the future' }]);
  }
  if (expiry.expiresAt > nowMs + TTL_MAX_SECONDS * 1000) {
    throw validationFailed([{ path: '/expiresAt', message: 'must be at most 30 days away' }]);
  }
  return expiry.expiresAt;
}

/**
 * Units that a decision may count on: what is available, and what lapsed holds still keep. Where too few of those are
 * loaded, notes that they matter, with the units that were `missing` without them.
 */
export function freeUnits(books: Recorder, level: Level, missing: number): number {
  let lapsed = 0;
  for (const line of level.lapsed) lapsed += openUnits(line);
  // No more can have lapsed than its row says is reserved: what this batch holds has not, least of all where there is no
  // row yet, and thousands of lines that each ask for all would pass what a bigint holds.
  const most = level.rowReserved;
  if (lapsed < missing && lapsed < most && !books.state.lapsedLoaded.has(level)) {
    books.lapsedWanted.set(level, Math.min(most, (books.lapsedWanted.get(level) ?? 0) + missing));
  }
  return availableUnits(level) + lapsed;
}

/** Releases lapsed lines of a level, oldest first, until the missing units are there or no line is left. */
export function releaseLapsed(books: Recorder, level: Level, missing: number): void {
  let rest = missing;
  while (rest > 0 && level.lapsed.length > 0) {
    const reservation = level.lapsed[0]?.reservation;
    const together: Line[] = [];
    while (rest > 0 && level.lapsed[0]?.reservation === reservation) {
      const line = level.lapsed.shift() as Line;
      if (openUnits(line) === 0) continue;
      together.push(line);
      rest -= openUnits(line);
    }
    expireLines(books, level, together);
  }
}

/** Releases these held lines of one level and one lapsed reservation; settles the reservation with its last line. */
export function expireLines(books: Recorder, level: Level, lines: Line[]): void {
  const reservation = lines[0]?.reservation;
  if (reservation === undefined) return;
  const isLast = reservation.lines.every((line) => line.state !== 'held' || lines.includes(line));
  if (isLast) {
    reservation.status = 'expired';
    reservation.expiredAt = reservation.expiresAt;
    reservation.version += 1;
    books.writes.reservations.add(reservation);
  }
  books.expire(level, lines, isLast ? () => viewOf(books, reservation) : null);
}

export function viewOf(books: Recorder, reservation: Reservation): ReservationView {
  return reservationView(reservation, reservation.lines.map(lineView), books.state.nowMs);
}

function lineView(line: Line): LineView {
  return {
    sku: line.product.sku,
    location: line.location === null ? null : line.location.code,
    quantity: line.quantity,
    requested: line.requested,
    shipped: line.shipped,
    cancelled: line.cancelled,
    attributes: line.attributes,
    line: line.line,
  };
}
