/** The commands on reservations, one function each: refusals first, then the writes. */
import { refuse } from './command.ts';
import type {
  ChangeLinesBody,
  ExpiryBody,
  LineBody,
  Outcome,
  Refusal,
  ReserveBody,
  ShipLine,
  SourcingBody,
} from './command.ts';
import { place } from './placement.ts';
import type { Piece, Placement } from './placement.ts';
import {
  availableOf,
  freeOf,
  levelOf,
  openUnits,
  post,
  releaseAsNeeded,
  reservationReference,
  reservationView,
  statusOf,
} from './world.ts';
import type { Line, Reservation, World } from './world.ts';

const DEFAULT_TTL_SECONDS = 900;
const LONGEST_TTL_SECONDS = 2_592_000;

export function reserve(world: World, body: ReserveBody, newId: () => string): Outcome {
  const expiresAt = expiryOf(world, body);
  const problem = expiresAt === null ? refuse('validation_failed') : requestProblem(world, body.lines, body.sourcing);
  if (problem !== null) return problem;
  const placement = placeRequest(world, body, []);
  if (!placement.ok) return insufficient(placement);

  const reservation: Reservation = {
    id: newId(),
    order: world.reservations.size,
    status: 'pending',
    expiresAt: expiresAt ?? 0,
    lines: [],
  };
  world.reservations.set(reservation.id, reservation);
  hold(world, reservation, placement.pieces);
  return answer(world, reservation, 201);
}

export function changeLines(world: World, id: string, body: ChangeLinesBody): Outcome {
  const reservation = world.reservations.get(id);
  if (reservation === undefined) return refuse('reservation_not_found');
  const status = statusOf(world, reservation);
  if (status !== 'pending') return refuse(status === 'expired' ? 'reservation_expired' : 'invalid_transition');
  const problem = requestProblem(world, body.lines, body.sourcing);
  if (problem !== null) return problem;
  const placement = placeRequest(world, body, reservation.lines);
  if (!placement.ok) return insufficient(placement);

  hold(world, reservation, placement.pieces);
  return answer(world, reservation, 200);
}

export function extend(world: World, id: string, body: ExpiryBody): Outcome {
  const reservation = world.reservations.get(id);
  if (reservation === undefined) return refuse('reservation_not_found');
  const expiresAt = expiryOf(world, body);
  if (expiresAt === null) return refuse('validation_failed', 'invalid_transition', 'reservation_expired');
  const status = statusOf(world, reservation);
  if (status !== 'pending') return refuse(status === 'expired' ? 'reservation_expired' : 'invalid_transition');

  reservation.expiresAt = expiresAt;
  return answer(world, reservation, 200);
}

export function confirm(world: World, id: string, body: { ship?: boolean }): Outcome {
  const reservation = world.reservations.get(id);
  if (reservation === undefined) return refuse('reservation_not_found');
  const status = statusOf(world, reservation);
  if (status === 'expired') return refuse('reservation_expired');
  if (status === 'cancelled') return refuse('invalid_transition');
  if (body.ship === true) return status === 'shipped' ? unchanged(world, reservation) : shipOpen(world, reservation);
  if (status === 'shipped') return refuse('invalid_transition');
  if (status === 'confirmed') return unchanged(world, reservation);

  for (const [location, sku, units] of openByLevel(reservation.lines)) {
    const level = levelOf(world, sku, location);
    post(level, 'commit', { reserved: -units, committed: units }, reservationReference(reservation));
  }
  reservation.status = 'confirmed';
  return answer(world, reservation, 200);
}

export function ship(world: World, id: string, body: { lines?: ShipLine[] }): Outcome {
  const reservation = world.reservations.get(id);
  if (reservation === undefined) return refuse('reservation_not_found');
  const status = statusOf(world, reservation);
  if (status === 'expired') return refuse('reservation_expired');
  if (status === 'pending' || status === 'cancelled') return refuse('invalid_transition');
  if (status === 'shipped') {
    return body.lines === undefined ? unchanged(world, reservation) : refuse('quantity_exceeds_open', 'line_not_found');
  }
  return body.lines === undefined ? shipOpen(world, reservation) : shipNamed(world, reservation, body.lines);
}

export function cancel(world: World, id: string): Outcome {
  const reservation = world.reservations.get(id);
  if (reservation === undefined) return refuse('reservation_not_found');
  const status = statusOf(world, reservation);
  if (status === 'expired') return refuse('invalid_transition');
  if (status === 'cancelled') return unchanged(world, reservation);
  if (status === 'shipped') {
    const hasCancelled = reservation.lines.some((line) => line.cancelled > 0);
    return hasCancelled ? unchanged(world, reservation) : refuse('invalid_transition');
  }
  return giveBack(world, reservation, reservation.lines);
}

/** `POST /inventory/{sku}/release`: "cancels that product's open units of it". */
export function release(world: World, sku: string, id: string): Outcome {
  const product = world.products.get(sku);
  const reservation = world.reservations.get(id);
  if (product === undefined) return refuse('product_not_found', 'reservation_not_found');
  if (reservation === undefined) return refuse('reservation_not_found', 'product_archived');
  const lines = reservation.lines.filter((line) => line.sku === sku);
  const status = statusOf(world, reservation);
  // Nothing is open on an archived product; which refusal comes first is nobody's contract.
  if (product.archived) {
    return {
      ...refuse('product_archived', 'line_not_found', 'invalid_transition', 'reservation_expired'),
      orUnchanged: true,
    };
  }
  if (lines.length === 0)
    return refuse('line_not_found', ...(status === 'expired' ? ['reservation_expired'] : []), 'invalid_transition');
  if (status === 'expired') return refuse('invalid_transition', 'reservation_expired');
  if (lines.some((line) => openUnits(line) > 0)) return giveBack(world, reservation, lines);
  if (lines.some((line) => line.cancelled > 0) || status === 'cancelled') return unchanged(world, reservation);
  return { ...refuse('invalid_transition'), orUnchanged: true };
}

/** Cancels the open units of some lines of a pending or confirmed reservation. */
function giveBack(world: World, reservation: Reservation, lines: Line[]): Outcome {
  const pending = reservation.status === 'pending';
  for (const [location, sku, units] of openByLevel(lines)) {
    const level = levelOf(world, sku, location);
    const deltas = pending ? { reserved: -units } : { committed: -units };
    post(level, pending ? 'release' : 'uncommit', deltas, reservationReference(reservation));
  }
  for (const line of lines) line.cancelled += openUnits(line);
  if (reservation.lines.every((line) => openUnits(line) === 0)) {
    reservation.status = reservation.lines.some((line) => line.shipped > 0) ? 'shipped' : 'cancelled';
  }
  return answer(world, reservation, 200);
}

function shipOpen(world: World, reservation: Reservation): Outcome {
  return shipUnits(world, reservation, new Map(reservation.lines.map((line) => [line, openUnits(line)])));
}

/** "These lines, filling repeated lines in order." */
function shipNamed(world: World, reservation: Reservation, named: ShipLine[]): Outcome {
  const units = new Map<Line, number>();
  const codes = new Set<string>();
  for (const { sku, location, quantity } of named) {
    const lines = reservation.lines.filter((line) => line.sku === sku && line.location === location);
    if (lines.length === 0) codes.add('line_not_found');
    let missing = quantity;
    for (const line of lines) {
      const already = units.get(line) ?? 0;
      const now = Math.min(missing, openUnits(line) - already);
      units.set(line, already + now);
      missing -= now;
    }
    if (lines.length > 0 && missing > 0) codes.add('quantity_exceeds_open');
  }
  return codes.size > 0 ? refuse(...codes) : shipUnits(world, reservation, units);
}

/** Ships units of a confirmed reservation, or of a pending one in one `sale` ("confirm, ship"). */
function shipUnits(world: World, reservation: Reservation, units: Map<Line, number>): Outcome {
  const pending = reservation.status === 'pending';
  const byLevel = sumByLevel([...units].map(([line, quantity]) => ({ ...line, quantity }))).filter(
    ([, , sum]) => sum > 0,
  );
  // "More than is open, or than is on hand, is 409": what was promised may be missing after a forced count.
  if (byLevel.some(([location, sku, sum]) => sum > levelOf(world, sku, location).onHand)) {
    return refuse('insufficient_stock');
  }
  for (const [location, sku, sum] of byLevel) {
    const promised = pending ? { reserved: -sum } : { committed: -sum };
    post(levelOf(world, sku, location), 'sale', { onHand: -sum, ...promised }, reservationReference(reservation));
  }
  for (const [line, quantity] of units) line.shipped += quantity;
  const open = reservation.lines.some((line) => openUnits(line) > 0);
  reservation.status = open ? 'confirmed' : 'shipped';
  return answer(world, reservation, 200);
}

/** Puts a reservation's lines where they were placed: the difference to what it held, one entry per level. */
function hold(world: World, reservation: Reservation, pieces: Piece[]): void {
  const before = openByLevel(reservation.lines).map(([location, sku, units]) => ({ location, sku, quantity: -units }));
  for (const [location, sku, delta] of sumByLevel([...before, ...pieces])) {
    const level = levelOf(world, sku, location);
    // What it held already is its own: only what it takes more can need lapsed units.
    if (delta > 0) releaseAsNeeded(world, level, delta - availableOf(world, level));
    if (delta !== 0) {
      post(level, delta > 0 ? 'reserve' : 'release', { reserved: delta }, reservationReference(reservation));
    }
  }
  reservation.lines = pieces.map((piece) => ({ ...piece, shipped: 0, cancelled: 0, expired: 0 }));
}

/** `[location, sku, units]` of each level that the lines touch. */
function sumByLevel(lines: { sku: string; location: string | null; quantity: number }[]): [string, string, number][] {
  const sums = new Map<string, [string, string, number]>();
  for (const { sku, location, quantity } of lines) {
    if (location === null) continue;
    const sum = sums.get(`${sku} ${location}`)?.[2] ?? 0;
    sums.set(`${sku} ${location}`, [location, sku, sum + quantity]);
  }
  return [...sums.values()];
}

const openByLevel = (lines: Line[]) =>
  sumByLevel(lines.map((line) => ({ ...line, quantity: openUnits(line) }))).filter(([, , units]) => units > 0);

/** Unknown names and states that refuse a whole request before any stock is looked at. */
function requestProblem(world: World, lines: LineBody[], sourcing: SourcingBody = {}): Refusal | null {
  if (sourcing.strategy === 'nearest' && sourcing.near === undefined) return refuse('validation_failed');
  const codes = new Set<string>();
  for (const code of sourcing.locations ?? []) if (!world.locations.has(code)) codes.add('location_not_found');
  for (const line of lines) {
    const product = world.products.get(line.sku);
    if (product === undefined) codes.add('product_not_found');
    if (product?.archived === true) codes.add('product_archived');
    if (line.location === undefined) continue;
    const location = world.locations.get(line.location);
    if (location === undefined) codes.add('location_not_found');
    if (location?.active === false) codes.add('location_inactive');
  }
  return codes.size > 0 ? refuse(...codes) : null;
}

/** `own`: lines of the same reservation, whose "own units count as free to it". */
function placeRequest(world: World, body: ChangeLinesBody, own: Line[]): Placement {
  const allowed = body.sourcing?.locations;
  return place({
    lines: body.lines,
    sourcing: body.sourcing ?? {},
    partial: body.partial ?? false,
    places: [...world.locations.values()]
      .filter(({ code, active }) => active && (allowed === undefined || allowed.includes(code)))
      .toSorted((a, b) => a.priority - b.priority || (a.code < b.code ? -1 : 1)),
    free: (sku, location) =>
      freeOf(world, levelOf(world, sku, location)) +
      own
        .filter((line) => line.sku === sku && line.location === location)
        .reduce((sum, line) => sum + openUnits(line), 0),
  });
}

function expiryOf(world: World, body: ExpiryBody): number | null {
  if (body.expiresAt === undefined) return world.now + (body.ttlSeconds ?? DEFAULT_TTL_SECONDS) * 1000;
  const expiresAt = Date.parse(body.expiresAt);
  return expiresAt > world.now && expiresAt <= world.now + LONGEST_TTL_SECONDS * 1000 ? expiresAt : null;
}

const insufficient = (placement: { lines?: Refusal['lines'] }): Refusal => ({
  ...refuse('insufficient_stock'),
  ...(placement.lines === undefined ? {} : { lines: placement.lines }),
});

const answer = (world: World, reservation: Reservation, status: number, changed = true): Outcome => ({
  ok: true,
  status,
  changed,
  body: { kind: 'reservation', reservation: reservationView(world, reservation) },
});

const unchanged = (world: World, reservation: Reservation): Outcome => answer(world, reservation, 200, false);
