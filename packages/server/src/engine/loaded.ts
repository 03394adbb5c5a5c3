import type {
  AlertTuple,
  AnswerTuple,
  LevelTuple,
  LineTuple,
  LocationTuple,
  ProductTuple,
  ReservationTuple,
} from './read.sql.ts';
import type { ProductRow } from './product.view.ts';
import {
  idempotencySlot,
  type Alert,
  type Level,
  type Line,
  type Location,
  type Product,
  type Reservation,
  type StockState,
} from './stock.state.ts';

/** A lapsed line of a level, by its key. */
export type LapsedTuple = [productId: number, locationId: number, reservationId: string, lineNo: number];

/** The rows that a batch has locked and read: what the state of each decision is built from. */
export interface Loaded {
  nowMs: number;
  products: ProductTuple[];
  productRows: Map<number, ProductRow>;
  locations: LocationTuple[];
  levels: LevelTuple[];
  reservations: ReservationTuple[];
  lines: LineTuple[];
  answers: AnswerTuple[];
  lapsed: LapsedTuple[];
  /** `product:location` of the levels whose lapsed lines were looked for. */
  lapsedLevels: Set<string>;
  alerts: AlertTuple[];
  alertLevels: Set<string>;
  /** Products that hold a name that a rename asks for, by that name. */
  takenSkus: [sku: string, id: number][];
  defaultTtlMs: number;
}

export function levelKey(productId: number, locationId: number): string {
  return `${productId}:${locationId}`;
}

/** Builds what a decision works on. The rows stay as they are, so that it can be built again. */
export function buildState(loaded: Loaded): StockState {
  const state: StockState = {
    nowMs: loaded.nowMs,
    products: new Map(),
    productsById: new Map(),
    locations: new Map(),
    locationsById: new Map(),
    reservations: new Map(),
    answers: new Map(),
    lapsedLoaded: new Set(),
    defaultTtlMs: loaded.defaultTtlMs,
  };
  for (const tuple of loaded.products) addProduct(state, tuple, loaded.productRows.get(tuple[0]) ?? null);
  for (const [sku, id] of loaded.takenSkus) addTakenName(state, sku, id);
  for (const tuple of loaded.locations) addLocation(state, tuple);
  for (const tuple of loaded.levels) addLevel(state, tuple);
  for (const tuple of loaded.reservations) addReservation(state, tuple);
  for (const tuple of loaded.lines) addLine(state, tuple);
  for (const tuple of loaded.answers) addAnswer(state, tuple);
  for (const tuple of loaded.lapsed) addLapsed(state, tuple);
  markLooked(state, loaded);
  for (const tuple of loaded.alerts) addAlert(state, tuple);
  return state;
}

function addProduct(state: StockState, tuple: ProductTuple, row: ProductRow | null): void {
  const [id, sku, archivedAt, version, reorderPoint, reorderQuantity, maxLevel, safetyStock] = tuple;
  const product: Product = {
    id,
    sku,
    archivedAt,
    version,
    reorderPoint,
    reorderQuantity,
    maxLevel,
    safetyStock,
    levels: new Map(),
    row: row === null ? null : { ...row },
  };
  state.products.set(sku, product);
  state.productsById.set(id, product);
}

/** A product that is known by name and key only: of a line elsewhere, or the holder of a name. */
function stubProduct(id: number, sku: string): Product {
  return {
    id,
    sku,
    archivedAt: null,
    version: 0,
    reorderPoint: null,
    reorderQuantity: null,
    maxLevel: null,
    safetyStock: 0,
    levels: new Map(),
    row: null,
  };
}

function addTakenName(state: StockState, sku: string, id: number): void {
  if (!state.products.has(sku)) state.products.set(sku, stubProduct(id, sku));
}

function addLocation(
  state: StockState,
  [id, code, active, archivedAt, priority, lat, lng, version]: LocationTuple,
): void {
  const location: Location = { id, code, active, archivedAt, priority, lat, lng, version };
  state.locations.set(code, location);
  state.locationsById.set(id, location);
}

function addLevel(state: StockState, tuple: LevelTuple): void {
  const [productId, locationId, onHand, reserved, committed, incoming, safetyStock] = tuple;
  const [, , , , , , , reorderPoint, reorderQuantity, maxLevel, ownSettings, zone, aisle, shelf] = tuple;
  const [openAlerts, wasAvailable, version, lastMovementAt, lastCountAt] = tuple.slice(14) as [
    number,
    boolean,
    number,
    number | null,
    number | null,
  ];
  const product = state.productsById.get(productId);
  const location = state.locationsById.get(locationId);
  if (product === undefined || location === undefined) return;
  product.levels.set(locationId, {
    product,
    location,
    exists: true,
    onHand,
    reserved,
    committed,
    incoming,
    safetyStock,
    reorderPoint,
    reorderQuantity,
    maxLevel,
    zone,
    aisle,
    shelf,
    version,
    lastMovementAt,
    lastCountAt,
    ownSettings,
    openAlerts,
    wasAvailable,
    alerts: openAlerts === 0 ? new Map() : null,
    lapsed: [],
    rowVersion: version,
    rowReserved: reserved,
  });
}

function addReservation(state: StockState, tuple: ReservationTuple): void {
  const [id, status, type, orderId, userId, productIds, cancelReason, expiresAt, createdAt] = tuple;
  const [confirmedAt, shippedAt, cancelledAt, expiredAt, version] = tuple.slice(9) as [
    number | null,
    number | null,
    number | null,
    number | null,
    number,
  ];
  const reservation: Reservation = {
    id,
    status,
    type,
    orderId,
    userId,
    productIds,
    cancelReason,
    expiresAt,
    createdAt,
    confirmedAt,
    shippedAt,
    cancelledAt,
    expiredAt,
    version,
    lines: [],
    isNew: false,
  };
  state.reservations.set(id, reservation);
}

function addLine(state: StockState, tuple: LineTuple): void {
  const [reservationId, lineNo, line, productId, sku, locationId, code, quantity, requested, shipped, cancelled] =
    tuple;
  const reservation = state.reservations.get(reservationId);
  if (reservation === undefined) return;
  reservation.lines.push({
    reservation,
    lineNo,
    line,
    product: lineProduct(state, productId, sku),
    location: locationId === null ? null : lineLocation(state, locationId, code ?? ''),
    quantity,
    requested,
    shipped,
    cancelled,
    state: tuple[11],
    attributes: tuple[12],
    isNew: false,
  });
}

function lineProduct(state: StockState, id: number, sku: string): Product {
  const known = state.productsById.get(id);
  if (known !== undefined) return known;
  const stub = stubProduct(id, sku);
  state.productsById.set(id, stub);
  return stub;
}

function lineLocation(state: StockState, id: number, code: string): Location {
  const known = state.locationsById.get(id);
  if (known !== undefined) return known;
  const stub: Location = { id, code, active: false, archivedAt: null, priority: 0, lat: null, lng: null, version: 0 };
  state.locationsById.set(id, stub);
  return stub;
}

function addAnswer(state: StockState, tuple: AnswerTuple): void {
  const [owner, key, chunk, requestHash, status, headers, body, isOld] = tuple;
  if (isOld) return;
  state.answers.set(idempotencySlot({ owner, key, chunk, requestHash }), { requestHash, status, headers, body });
}

function addLapsed(state: StockState, [productId, locationId, reservationId, lineNo]: LapsedTuple): void {
  const level = state.productsById.get(productId)?.levels.get(locationId);
  const line = state.reservations.get(reservationId)?.lines.find((one) => one.lineNo === lineNo);
  if (level === undefined || line === undefined || !isStillLapsed(line, state.nowMs)) return;
  level.lapsed.push(line);
}

/** Its reservation may have been extended or settled before it was locked. */
function isStillLapsed(line: Line, nowMs: number): boolean {
  return line.state === 'held' && line.reservation.status === 'pending' && line.reservation.expiresAt <= nowMs;
}

function markLooked(state: StockState, loaded: Loaded): void {
  const levelAt = (key: string): Level | undefined => {
    const [productId, locationId] = key.split(':').map(Number);
    return state.productsById.get(productId ?? 0)?.levels.get(locationId ?? 0);
  };
  for (const key of loaded.lapsedLevels) {
    const level = levelAt(key);
    if (level !== undefined) state.lapsedLoaded.add(level);
  }
  for (const key of loaded.alertLevels) {
    const level = levelAt(key);
    if (level !== undefined) level.alerts = new Map();
  }
}

function addAlert(state: StockState, tuple: AlertTuple): void {
  const [id, type, status, productId, locationId, threshold, value, openedAt, acknowledgedAt, acknowledgedBy] = tuple;
  const level = state.productsById.get(productId)?.levels.get(locationId);
  if (level === undefined) return;
  const alert: Alert = {
    id,
    type,
    status,
    level,
    threshold,
    value,
    openedAt,
    acknowledgedAt,
    acknowledgedBy,
    resolvedAt: null,
    isNew: false,
  };
  level.alerts?.set(type, alert);
}
