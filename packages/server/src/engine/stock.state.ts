import type { IdempotencyRequest } from '../kernel/command.ts';
import type { AlertStatus, AlertType } from './alert.view.ts';
import type { LevelFacts } from './level.view.ts';
import type { LedgerType } from './ledger.view.ts';
import type { ProductRow } from './product.view.ts';
import type { ReservationFacts } from './reservation.view.ts';

/**
 * What a decision reads and changes, in memory: built anew from the locked rows for each decision, so that a decision
 * can be thrown away and taken again.
 */
export interface StockState {
  /** The database's clock, milliseconds since the epoch, read after the locks. */
  nowMs: number;
  /** By present sku. A product that is missing here does not exist. */
  products: Map<string, Product>;
  productsById: Map<number, Product>;
  /** By present code. */
  locations: Map<string, Location>;
  locationsById: Map<number, Location>;
  reservations: Map<string, Reservation>;
  /** The answers that idempotency keys of this batch already have, by {@link idempotencySlot}. */
  answers: Map<string, StoredAnswer>;
  /** Levels whose lapsed lines are loaded. */
  lapsedLoaded: Set<Level>;
  defaultTtlMs: number;
}

export interface Product {
  id: number;
  sku: string;
  archivedAt: number | null;
  version: number;
  reorderPoint: number | null;
  reorderQuantity: number | null;
  maxLevel: number | null;
  safetyStock: number;
  /** By location id: the locked levels. */
  levels: Map<number, Level>;
  /** The whole row, for commands that change the product. */
  row: ProductRow | null;
}

export interface Location {
  id: number;
  code: string;
  active: boolean;
  archivedAt: number | null;
  priority: number;
  lat: number | null;
  lng: number | null;
  version: number;
}

/** Which settings are a level's own. */
export const OWN = { reorderPoint: 1, reorderQuantity: 2, maxLevel: 4, safetyStock: 8 } as const;

export interface Level extends LevelFacts {
  product: Product;
  location: Location;
  /** false: no row yet; an accepted command makes it. */
  exists: boolean;
  ownSettings: number;
  openAlerts: number;
  wasAvailable: boolean;
  /** Its open alerts by type; null until a decision resolves one and they are loaded. */
  alerts: Map<AlertType, Alert> | null;
  /** Held lines whose time has come and that nobody has released yet, oldest first, where they were loaded. */
  lapsed: Line[];
  /** What its row said when it was read, or will say when what was sent before is done. */
  rowVersion: number;
  rowReserved: number;
}

export interface Reservation extends ReservationFacts {
  /** In line_no order. */
  lines: Line[];
  productIds: number[];
  isNew: boolean;
}

export type LineState = 'held' | 'committed' | 'closed' | 'expired';

export interface Line {
  reservation: Reservation;
  lineNo: number;
  /** Index of the request's line, shared by the pieces of a split one. */
  line: number;
  product: Product;
  /** null where nothing was placed. */
  location: Location | null;
  quantity: number;
  requested: number;
  shipped: number;
  cancelled: number;
  state: LineState;
  attributes: Record<string, unknown> | null;
  isNew: boolean;
}

export interface LedgerEntry {
  seq: number;
  at: number;
  type: LedgerType;
  level: Level;
  deltaOnHand: number;
  deltaReserved: number;
  deltaCommitted: number;
  onHand: number;
  reserved: number;
  committed: number;
  referenceType: string | null;
  referenceId: string | null;
  reason: string | null;
  notes: string | null;
  unitCost: number | null;
  lot: string | null;
  actor: string;
}

export interface StoredAnswer {
  requestHash: string;
  status: number;
  headers: Record<string, string> | null;
  body: string | null;
}

export interface JournalEntry {
  id: number;
  at: number;
  kind: string;
  actor: string;
  requestId: string | null;
  subject: string;
  ledgerFrom: number | null;
  ledgerCount: number;
  data: string | null;
}

export interface Alert {
  id: string;
  type: AlertType;
  status: AlertStatus;
  level: Level;
  threshold: number | null;
  value: number;
  openedAt: number;
  acknowledgedAt: number | null;
  acknowledgedBy: string | null;
  resolvedAt: number | null;
  isNew: boolean;
}

export interface TransferRow {
  id: string;
  from: Location;
  to: Location;
  reference: { type: string; id: string } | null;
  createdAt: number;
  lines: { product: Product; quantity: number }[];
}

/** What a decision writes, all of it in one commit. */
export interface Writes {
  levels: Set<Level>;
  /** Levels of which a setting changed, too. */
  levelSettings: Set<Level>;
  reservations: Set<Reservation>;
  lines: Set<Line>;
  removedLines: Line[];
  ledger: LedgerEntry[];
  journal: JournalEntry[];
  alerts: Set<Alert>;
  transfers: TransferRow[];
  products: Set<Product>;
  answers: { idempotency: IdempotencyRequest; answer: StoredAnswer }[];
}

export function emptyWrites(): Writes {
  return {
    levels: new Set(),
    levelSettings: new Set(),
    reservations: new Set(),
    lines: new Set(),
    removedLines: [],
    ledger: [],
    journal: [],
    alerts: new Set(),
    transfers: [],
    products: new Set(),
    answers: [],
  };
}

/** Units of a line that are still promised. */
export function openUnits(line: Line): number {
  return line.state === 'held' || line.state === 'committed' ? line.quantity - line.shipped - line.cancelled : 0;
}

/** What a new reservation may take; below zero when reality won. */
export function availableUnits(level: Level): number {
  return level.onHand - level.reserved - level.committed - level.safetyStock;
}

/** The level of a product at a location; one without a row starts from nothing, with the product's settings. */
export function levelOf(product: Product, location: Location): Level {
  const known = product.levels.get(location.id);
  if (known !== undefined) return known;
  const level: Level = {
    product,
    location,
    exists: false,
    onHand: 0,
    reserved: 0,
    committed: 0,
    incoming: 0,
    safetyStock: product.safetyStock,
    reorderPoint: product.reorderPoint,
    reorderQuantity: product.reorderQuantity,
    maxLevel: product.maxLevel,
    zone: null,
    aisle: null,
    shelf: null,
    version: 0,
    lastMovementAt: null,
    lastCountAt: null,
    ownSettings: 0,
    openAlerts: 0,
    wasAvailable: false,
    alerts: new Map(),
    lapsed: [],
    rowVersion: 0,
    rowReserved: 0,
  };
  product.levels.set(location.id, level);
  return level;
}

export function idempotencySlot(key: IdempotencyRequest): string {
  return `${key.owner}\n${key.key}\n${key.chunk ?? 0}`;
}
