import { append } from '../kernel/grouping.ts';
import { Problem, validationFailed } from '../kernel/problem.ts';
import { expireLines, expiryOf, productOf, releaseLapsed, viewOf } from './hold.rules.ts';
import type { ReservationStatus } from './reservation.view.ts';
import { isLapsed } from './reservation.view.ts';
import { holdPieces, holdsPieces, insufficientStock, placeLines, referenceTo } from './reserve.rules.ts';
import type {
  CancelCommand,
  ChangeLinesCommand,
  ConfirmCommand,
  ExtendCommand,
  ReleaseCommand,
  ShipCommand,
} from './stock.command.ts';
import { stockProblems } from './stock.problems.ts';
import type { Movement, Recorder } from './stock.recorder.ts';
import { availableUnits, levelOf, openUnits, type Level, type Line, type Reservation } from './stock.state.ts';

type Transition = 'confirm' | 'confirmAndShip' | 'ship' | 'cancel' | 'change';

/** `do` it; answer the reservation `as it is`; or refuse. */
type Verdict = 'do' | 'as it is' | 'invalid_transition' | 'reservation_expired';

/** Which state may become which: the table of docs/guides/reservations.md is this one. */
export const TRANSITIONS: Record<ReservationStatus, Record<Transition, Verdict>> = {
  pending: { confirm: 'do', confirmAndShip: 'do', ship: 'invalid_transition', cancel: 'do', change: 'do' },
  confirmed: { confirm: 'as it is', confirmAndShip: 'do', ship: 'do', cancel: 'do', change: 'invalid_transition' },
  shipped: {
    confirm: 'invalid_transition',
    confirmAndShip: 'as it is',
    ship: 'as it is',
    // 'as it is' only where some units were cancelled: see cancel().
    cancel: 'as it is',
    change: 'invalid_transition',
  },
  cancelled: {
    confirm: 'invalid_transition',
    confirmAndShip: 'invalid_transition',
    ship: 'invalid_transition',
    cancel: 'as it is',
    change: 'invalid_transition',
  },
  expired: {
    confirm: 'reservation_expired',
    confirmAndShip: 'reservation_expired',
    ship: 'reservation_expired',
    cancel: 'invalid_transition',
    change: 'reservation_expired',
  },
};

/** `reserved` becomes `committed`; with `ship`, the units leave at once. */
export function confirm(books: Recorder, command: ConfirmCommand): string {
  const reservation = reservationOf(books, command.id);
  const verdict = judge(books, reservation, command.ship ? 'confirmAndShip' : 'confirm');
  if (verdict === 'as it is') return bodyOf(books, reservation);
  const wasPending = reservation.status === 'pending';
  const lines = openLines(reservation);
  if (command.ship) refuseMissingUnits(lines.map((line) => ({ line, units: openUnits(line) })));

  // After this point the confirmation must succeed.
  if (wasPending) reservation.confirmedAt = books.state.nowMs;
  if (!command.ship) {
    postPerLevel(books, reservation, lines, (units) => ({ type: 'commit', reserved: -units, committed: units }));
    for (const line of lines) line.state = 'committed';
    reservation.status = 'confirmed';
    return close(books, reservation, 'reservation.confirmed');
  }
  const held = lines.filter((line) => line.state === 'held');
  const committed = lines.filter((line) => line.state === 'committed');
  postPerLevel(books, reservation, held, (units) => ({ type: 'sale', onHand: -units, reserved: -units }));
  postPerLevel(books, reservation, committed, (units) => ({ type: 'sale', onHand: -units, committed: -units }));
  for (const line of lines) shipUnits(line, openUnits(line));
  return closeShipped(books, reservation);
}

/** Units leave the building: `committed` and `onHand` fall. */
export function ship(books: Recorder, command: ShipCommand): string {
  const reservation = reservationOf(books, command.id);
  const verdict = judge(books, reservation, 'ship');
  if (verdict === 'as it is') {
    if (command.lines === undefined) return bodyOf(books, reservation);
    throw exceedsOpen(reservation, command.lines[0]?.sku ?? '', 0);
  }
  const shares =
    command.lines === undefined
      ? openLines(reservation).map((line) => ({ line, units: openUnits(line) }))
      : sharesOf(reservation, command.lines);
  refuseMissingUnits(shares);

  // After this point the shipment must succeed.
  const byLevel = unitsByLevel(shares);
  for (const [level, units] of byLevel) {
    books.post(level, { type: 'sale', onHand: -units, committed: -units, reference: referenceTo(reservation) });
  }
  for (const { line, units } of shares) shipUnits(line, units);
  for (const { line } of shares) books.writes.lines.add(line);
  return closeShipped(books, reservation);
}

/** Gives the open units back. Where some were shipped already, the rest is cancelled and the reservation is shipped. */
export function cancel(books: Recorder, command: CancelCommand): string {
  const reservation = reservationOf(books, command.id);
  const verdict = judge(books, reservation, 'cancel');
  if (verdict === 'as it is') {
    if (reservation.status === 'cancelled' || reservation.lines.some((line) => line.cancelled > 0)) {
      return bodyOf(books, reservation);
    }
    throw invalidTransition(books, reservation, 'cancel');
  }

  // After this point the cancellation must succeed.
  reservation.cancelReason = command.reason;
  cancelLines(books, reservation, openLines(reservation), command.reason);
  settleCancelled(books, reservation);
  return close(books, reservation, reservation.status === 'shipped' ? 'reservation.shipped' : 'reservation.cancelled');
}

/** Cancels one product's open units; the reservation follows when nothing else is open. */
export function release(books: Recorder, command: ReleaseCommand): string {
  const product = productOf(books, command.sku);
  const reservation = reservationOf(books, command.id);
  const lines = reservation.lines.filter((line) => line.product === product);
  if (lines.length === 0) throw lineNotFound(reservation, command.sku);
  judge(books, reservation, 'cancel');
  const open = lines.filter((line) => openUnits(line) > 0);
  if (open.length === 0) {
    if (lines.some((line) => line.cancelled > 0) || reservation.status === 'cancelled')
      return bodyOf(books, reservation);
    throw invalidTransition(books, reservation, 'release');
  }

  // After this point the release must succeed.
  cancelLines(books, reservation, open, null);
  if (openLines(reservation).length > 0) return close(books, reservation, 'reservation.changed');
  settleCancelled(books, reservation);
  return close(books, reservation, reservation.status === 'shipped' ? 'reservation.shipped' : 'reservation.cancelled');
}

/** Sets a new instant of expiry, counted from now. It may be sooner. */
export function extend(books: Recorder, command: ExtendCommand): string {
  const reservation = reservationOf(books, command.id);
  judge(books, reservation, 'change');
  if (command.expiresAt === undefined && command.ttlSeconds === undefined) {
    throw validationFailed([{ path: '', message: 'needs expiresAt or ttlSeconds' }]);
  }
  // The database's clock may have been set back since the hold was made: it does not end before it began.
  const expiresAt = Math.max(expiryOf(books, command), reservation.createdAt);

  // After this point the extension must succeed.
  reservation.expiresAt = expiresAt;
  for (const line of reservation.lines) if (line.state === 'held') books.writes.lines.add(line);
  return close(books, reservation, 'reservation.extended');
}

/**
 * Replaces the lines of a pending reservation in one command; its own units count as free to it. Where they are placed as
 * they were, the reservation is answered as it is, and nothing is written.
 */
export function changeLines(books: Recorder, command: ChangeLinesCommand): string {
  const reservation = reservationOf(books, command.id);
  judge(books, reservation, 'change');
  const own = unitsByLevel(openLines(reservation).map((line) => ({ line, units: openUnits(line) })));
  const placed = placeLines(books, command.lines, command.sourcing, command.partial === true, own);
  if (holdsPieces(reservation, placed.pieces)) return bodyOf(books, reservation);

  // After this point the change must succeed.
  const nextLineNo = Math.max(...reservation.lines.map((line) => line.lineNo)) + 1;
  for (const line of reservation.lines) removeLine(books, line);
  reservation.lines = [];
  holdPieces(books, reservation, placed.pieces, nextLineNo);
  const net = new Map<Level, number>(placed.taken);
  for (const [level, units] of own) net.set(level, (net.get(level) ?? 0) - units);
  for (const [level, units] of net) if (units > 0) releaseLapsed(books, level, units - availableUnits(level));
  for (const [level, units] of net) {
    if (units === 0) continue;
    books.post(level, {
      type: units > 0 ? 'reserve' : 'release',
      reserved: units,
      reference: referenceTo(reservation),
    });
  }
  return close(books, reservation, 'reservation.changed');
}

/** The sweeper's: releases all that a lapsed hold still keeps. Anything else is left as it is. */
export function expire(books: Recorder, id: string): void {
  const reservation = books.state.reservations.get(id);
  if (reservation === undefined || !isLapsed(reservation, books.state.nowMs)) return;
  for (const [level, lines] of heldByLevel(reservation)) expireLines(books, level, lines);
}

/** @throws Problem 404 `reservation_not_found` */
function reservationOf(books: Recorder, id: string): Reservation {
  const reservation = books.state.reservations.get(id);
  if (reservation !== undefined) return reservation;
  throw new Problem(stockProblems.reservationNotFound, `There is no reservation ${id}.`, { id });
}

/** Looks the transition up; a lapsed hold is judged as expired, whether or not a sweep has run. */
function judge(books: Recorder, reservation: Reservation, transition: Transition): 'do' | 'as it is' {
  const status = isLapsed(reservation, books.state.nowMs) ? 'expired' : reservation.status;
  const verdict = TRANSITIONS[status][transition];
  if (verdict === 'reservation_expired') {
    const detail = `The hold expired at ${new Date(reservation.expiresAt).toISOString()}: reserve again.`;
    throw new Problem(stockProblems.reservationExpired, detail, { reservationStatus: 'expired' });
  }
  if (verdict === 'invalid_transition') throw invalidTransition(books, reservation, transition);
  return verdict;
}

const VERBS: Record<Transition | 'release', string> = {
  confirm: 'be confirmed',
  confirmAndShip: 'be confirmed and shipped',
  ship: 'be shipped',
  cancel: 'be cancelled',
  change: 'be changed',
  release: 'be released',
};

function invalidTransition(books: Recorder, reservation: Reservation, transition: Transition | 'release'): Problem {
  const { status } = viewOf(books, reservation);
  const detail = `The reservation is ${status}: it cannot ${VERBS[transition]}.`;
  return new Problem(stockProblems.invalidTransition, detail, { reservationStatus: status });
}

function lineNotFound(reservation: Reservation, sku: string, location?: string): Problem {
  const where = location === undefined ? '' : ` at ${location}`;
  const detail = `The reservation ${reservation.id} has no line of ${sku}${where}.`;
  return new Problem(stockProblems.lineNotFound, detail, { sku, ...(location === undefined ? {} : { location }) });
}

function exceedsOpen(reservation: Reservation, sku: string, open: number): Problem {
  const detail = `${open} units of ${sku} are open in the reservation, more were asked for.`;
  return new Problem(stockProblems.quantityExceedsOpen, detail, { sku, open, reservationStatus: reservation.status });
}

function bodyOf(books: Recorder, reservation: Reservation): string {
  return JSON.stringify(viewOf(books, reservation));
}

function openLines(reservation: Reservation): Line[] {
  return reservation.lines.filter((line) => openUnits(line) > 0);
}

interface Share {
  line: Line;
  units: number;
}

/** Deals the named units out over the lines that have them open, repeated lines in their order. */
function sharesOf(reservation: Reservation, named: NonNullable<ShipCommand['lines']>): Share[] {
  const left = new Map<Line, number>(reservation.lines.map((line) => [line, openUnits(line)]));
  const shares = new Map<Line, number>();
  for (const { sku, location, quantity } of named) {
    const lines = reservation.lines.filter((line) => line.product.sku === sku && line.location?.code === location);
    if (lines.length === 0) throw lineNotFound(reservation, sku, location);
    let rest = quantity;
    for (const line of lines) {
      const units = Math.min(rest, left.get(line) ?? 0);
      rest -= units;
      left.set(line, (left.get(line) ?? 0) - units);
      if (units > 0) shares.set(line, (shares.get(line) ?? 0) + units);
    }
    // Of all lines of it: what the request itself named before is open still.
    if (rest > 0)
      throw exceedsOpen(
        reservation,
        sku,
        lines.reduce((sum, line) => sum + openUnits(line), 0),
      );
  }
  return [...shares].map(([line, units]) => ({ line, units }));
}

/** What was promised may be gone (a count, a loss): then it cannot leave. */
function refuseMissingUnits(shares: Share[]): void {
  const short = [...unitsByLevel(shares)]
    .filter(([level, units]) => units > level.onHand)
    .map(([level, units]) => ({
      sku: level.product.sku,
      location: level.location.code,
      requested: units,
      available: level.onHand,
    }));
  if (short.length > 0) throw insufficientStock(short);
}

function unitsByLevel(shares: Share[]): Map<Level, number> {
  const byLevel = new Map<Level, number>();
  for (const { line, units } of shares) {
    const level = levelOfLine(line);
    byLevel.set(level, (byLevel.get(level) ?? 0) + units);
  }
  return byLevel;
}

function levelOfLine(line: Line): Level {
  if (line.location === null) throw new Error('a line with open units has no location');
  return levelOf(line.product, line.location);
}

function heldByLevel(reservation: Reservation): Map<Level, Line[]> {
  const byLevel = new Map<Level, Line[]>();
  for (const line of reservation.lines) {
    if (line.state !== 'held') continue;
    const level = levelOfLine(line);
    append(byLevel, level, line);
  }
  return byLevel;
}

/** One entry per level and command. */
function postPerLevel(
  books: Recorder,
  reservation: Reservation,
  lines: Line[],
  movement: (units: number) => Movement,
): void {
  for (const [level, units] of unitsByLevel(lines.map((line) => ({ line, units: openUnits(line) })))) {
    books.post(level, { ...movement(units), reference: referenceTo(reservation) });
  }
  for (const line of lines) books.writes.lines.add(line);
}

function shipUnits(line: Line, units: number): void {
  line.shipped += units;
  line.state = line.shipped + line.cancelled === line.quantity ? 'closed' : 'committed';
}

function cancelLines(books: Recorder, reservation: Reservation, lines: Line[], reason: string | null): void {
  const held = lines.filter((line) => line.state === 'held');
  const committed = lines.filter((line) => line.state === 'committed');
  postPerLevel(books, reservation, held, (units) => ({ type: 'release', reserved: -units, reason }));
  postPerLevel(books, reservation, committed, (units) => ({ type: 'uncommit', committed: -units, reason }));
  for (const line of lines) {
    line.cancelled += openUnits(line);
    line.state = 'closed';
  }
}

function settleCancelled(books: Recorder, reservation: Reservation): void {
  const isShipped = reservation.lines.some((line) => line.shipped > 0);
  reservation.status = isShipped ? 'shipped' : 'cancelled';
  if (isShipped) reservation.shippedAt = endOf(books, reservation);
  else reservation.cancelledAt = endOf(books, reservation);
}

/**
 * Now, or later where the database's clock was set back and the ledger of one of its levels is ahead of it: the ledger is
 * searched for the entries of a reservation up to its end.
 */
function endOf(books: Recorder, reservation: Reservation): number {
  let end = books.state.nowMs;
  for (const { product, location } of reservation.lines) {
    if (location !== null) end = Math.max(end, product.levels.get(location.id)?.lastMovementAt ?? 0);
  }
  return end;
}

function removeLine(books: Recorder, line: Line): void {
  books.writes.lines.delete(line);
  if (!line.isNew) books.writes.removedLines.push(line);
}

/** The reservation stays confirmed while units are open. */
function closeShipped(books: Recorder, reservation: Reservation): string {
  const isDone = openLines(reservation).length === 0;
  reservation.status = isDone ? 'shipped' : 'confirmed';
  if (isDone) reservation.shippedAt = endOf(books, reservation);
  return close(books, reservation, 'reservation.shipped');
}

function close(books: Recorder, reservation: Reservation, kind: string): string {
  reservation.version += 1;
  books.writes.reservations.add(reservation);
  return books.record(kind, reservation.id, () => viewOf(books, reservation)) as string;
}
