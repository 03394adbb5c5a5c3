/** The state of the model and the few moves everything else is made of. Plain data, so that it can be copied whole. */
import type { EntryView, LevelView, Outcome, ReservationStatus, ReservationView } from './command.ts';

export const QUANTITY_MAX = 1_000_000_000_000;

export type Settings = {
  reorderPoint: number | null;
  reorderQuantity: number | null;
  maxLevel: number | null;
  safetyStock: number | null;
};

export type Product = { sku: string; settings: Settings; archived: boolean };

export type Location = { code: string; priority: number; active: boolean; lat: number | null; lng: number | null };

export type AlertType = 'low_stock' | 'out_of_stock' | 'overstock' | 'shortage';

export type Level = {
  sku: string;
  location: string;
  onHand: number;
  reserved: number;
  committed: number;
  /** What the level set for itself; null follows the product. */
  own: Settings;
  /** Rises with every change. Only its rising is compared, never its number. */
  version: number;
  /** Below this nobody ever had anything to lose: "a level that was never above 0 opens none". */
  everOnHand: boolean;
  everAvailable: boolean;
  /** How often each alert was opened; it is open while the last opening was not resolved. */
  alerts: Record<AlertType, { open: boolean; opened: number }>;
  /** Lapsed units released by a command since the last sweep: a sweep of the real system may have come first. */
  lazilyReleased: number;
  ledger: EntryView[];
};

export type Line = {
  /** Index of the line of the request; the pieces of a split line share it. */
  line: number;
  sku: string;
  location: string | null;
  requested: number;
  quantity: number;
  shipped: number;
  cancelled: number;
  /** Units that came back because the hold lapsed. */
  expired: number;
};

export type Reservation = {
  id: string;
  /** Order of creation: of two holds that lapse at the same instant the first made is the older. */
  order: number;
  status: ReservationStatus;
  expiresAt: number;
  lines: Line[];
};

/** `certain` is false where the specification leaves open whether the answer was stored (it changed nothing). */
export type KeyRecord = { fingerprint: string; answer: number; at: number; certain: boolean; outcome: Outcome };

export type World = {
  now: number;
  applied: number;
  products: Map<string, Product>;
  locations: Map<string, Location>;
  levels: Map<string, Level>;
  reservations: Map<string, Reservation>;
  keys: Map<string, KeyRecord>;
};

export function emptyWorld(): World {
  return {
    now: 0,
    applied: 0,
    products: new Map(),
    locations: new Map(),
    levels: new Map(),
    reservations: new Map(),
    keys: new Map(),
  };
}

const noSettings = (): Settings => ({ reorderPoint: null, reorderQuantity: null, maxLevel: null, safetyStock: null });

export function addProduct(world: World, sku: string, settings: Partial<Settings> = {}): void {
  world.products.set(sku, { sku, settings: { ...noSettings(), ...settings }, archived: false });
}

export function addLocation(world: World, code: string, fields: Partial<Location> = {}): void {
  world.locations.set(code, { priority: 100, active: true, lat: null, lng: null, ...fields, code });
}

export function levelOf(world: World, sku: string, location: string): Level {
  const key = `${sku} ${location}`;
  let level = world.levels.get(key);
  if (level === undefined) {
    const closed = () => ({ open: false, opened: 0 });
    level = {
      sku,
      location,
      onHand: 0,
      reserved: 0,
      committed: 0,
      own: noSettings(),
      version: 0,
      everOnHand: false,
      everAvailable: false,
      alerts: { low_stock: closed(), out_of_stock: closed(), overstock: closed(), shortage: closed() },
      lazilyReleased: 0,
      ledger: [],
    };
    world.levels.set(key, level);
  }
  return level;
}

export function settingsOf(world: World, level: Level): Settings {
  const product = world.products.get(level.sku)?.settings ?? noSettings();
  return {
    reorderPoint: level.own.reorderPoint ?? product.reorderPoint,
    reorderQuantity: level.own.reorderQuantity ?? product.reorderQuantity,
    maxLevel: level.own.maxLevel ?? product.maxLevel,
    safetyStock: level.own.safetyStock ?? product.safetyStock,
  };
}

/** "available = onHand - reserved - committed - safetyStock", with lapsed units still counted as reserved. */
export function availableOf(world: World, level: Level): number {
  return level.onHand - level.reserved - level.committed - (settingsOf(world, level).safetyStock ?? 0);
}

export const openUnits = (line: Line): number => line.quantity - line.shipped - line.cancelled - line.expired;

export const hasLapsed = (world: World, reservation: Reservation): boolean =>
  reservation.status === 'pending' && reservation.expiresAt <= world.now;

export const statusOf = (world: World, reservation: Reservation): ReservationStatus =>
  hasLapsed(world, reservation) ? 'expired' : reservation.status;

/** The lapsed lines that still hold units of a level, oldest first. */
function lapsedLinesOf(world: World, level: Level): { reservation: Reservation; line: Line }[] {
  return [...world.reservations.values()]
    .filter((reservation) => hasLapsed(world, reservation))
    .toSorted((a, b) => a.expiresAt - b.expiresAt || a.order - b.order)
    .flatMap((reservation) => reservation.lines.map((line) => ({ reservation, line })))
    .filter(({ line }) => line.sku === level.sku && line.location === level.location && openUnits(line) > 0);
}

export const lapsedUnitsOf = (world: World, level: Level): number =>
  lapsedLinesOf(world, level).reduce((sum, { line }) => sum + openUnits(line), 0);

/** What a command may take: "in every decision its units count as free". */
export const freeOf = (world: World, level: Level): number => availableOf(world, level) + lapsedUnitsOf(world, level);

type Deltas = { onHand?: number; reserved?: number; committed?: number };

/** One ledger entry and the balances it leaves. */
export function post(level: Level, type: string, deltas: Deltas, reference: EntryView['reference']): EntryView {
  level.onHand += deltas.onHand ?? 0;
  level.reserved += deltas.reserved ?? 0;
  level.committed += deltas.committed ?? 0;
  if (level.onHand < 0 || level.reserved < 0 || level.committed < 0) throw new Error('the model broke invariant 1');
  level.version += 1;
  const entry: EntryView = {
    type,
    deltaOnHand: deltas.onHand ?? 0,
    deltaReserved: deltas.reserved ?? 0,
    deltaCommitted: deltas.committed ?? 0,
    onHand: level.onHand,
    reserved: level.reserved,
    committed: level.committed,
    reference,
  };
  level.ledger.push(entry);
  return entry;
}

export const reservationReference = (reservation: Reservation) => ({ type: 'reservation', id: reservation.id });

function releaseLapsed(level: Level, reservation: Reservation, line: Line): number {
  const units = openUnits(line);
  line.expired += units;
  post(level, 'expire', { reserved: -units }, reservationReference(reservation));
  if (reservation.lines.every((each) => openUnits(each) === 0)) reservation.status = 'expired';
  return units;
}

/** "First releases lapsed lines of the same level, oldest first, as many as it needs, line by line." */
export function releaseAsNeeded(world: World, level: Level, units: number): void {
  let missing = units;
  for (const { reservation, line } of lapsedLinesOf(world, level)) {
    if (missing <= 0) return;
    const released = releaseLapsed(level, reservation, line);
    level.lazilyReleased += released;
    missing -= released;
  }
}

/** What the background sweep does: every lapsed line comes back. */
export function sweepLapsed(world: World): void {
  for (const level of world.levels.values()) {
    for (const { reservation, line } of lapsedLinesOf(world, level)) releaseLapsed(level, reservation, line);
    level.lazilyReleased = 0;
    refreshAlerts(world, level);
  }
  // A hold whose lines got nothing has no line to settle it.
  for (const reservation of world.reservations.values()) {
    if (hasLapsed(world, reservation)) reservation.status = 'expired';
  }
}

/** Opens and resolves the alerts of a level after a command. */
export function refreshAlerts(world: World, level: Level): void {
  const available = availableOf(world, level);
  const { reorderPoint, maxLevel } = settingsOf(world, level);
  const archived = world.products.get(level.sku)?.archived ?? false;
  level.everOnHand ||= level.onHand > 0;
  level.everAvailable ||= available > 0;
  const wanted: Record<AlertType, boolean> = {
    low_stock: level.everAvailable && reorderPoint !== null && available <= reorderPoint,
    out_of_stock: level.everAvailable && available <= 0,
    overstock: maxLevel !== null && level.onHand > maxLevel,
    shortage: level.reserved + level.committed > level.onHand,
  };
  for (const type of Object.keys(wanted) as AlertType[]) {
    const alert = level.alerts[type];
    const open = wanted[type] && !archived;
    if (open && !alert.open) alert.opened += 1;
    alert.open = open;
  }
}

export function levelView(world: World, level: Level): LevelView {
  const settings = settingsOf(world, level);
  const active = world.locations.get(level.location)?.active ?? false;
  return {
    sku: level.sku,
    location: level.location,
    onHand: level.onHand,
    reserved: level.reserved,
    committed: level.committed,
    safetyStock: settings.safetyStock ?? 0,
    available: active ? Math.max(0, availableOf(world, level)) : 0,
    shortage: Math.max(0, level.reserved + level.committed - level.onHand),
    reorderPoint: settings.reorderPoint,
    reorderQuantity: settings.reorderQuantity,
    maxLevel: settings.maxLevel,
    active,
  };
}

export function reservationView(world: World, reservation: Reservation): ReservationView {
  return {
    id: reservation.id,
    status: statusOf(world, reservation),
    lines: reservation.lines.map(({ sku, location, quantity, requested, shipped, cancelled }) => ({
      sku,
      location,
      quantity,
      requested,
      shipped,
      cancelled,
    })),
  };
}
