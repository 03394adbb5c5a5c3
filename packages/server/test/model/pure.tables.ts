/** The engine's tables in memory: what a batch loads of them, what it writes, and what must hold after each. */
import { ALERT_BITS } from '../../src/engine/alert.rules.ts';
import { footprintOf } from '../../src/engine/footprint.ts';
import { levelKey } from '../../src/engine/loaded.ts';
import type { Loaded } from '../../src/engine/loaded.ts';
import type { LedgerEntryFacts, LevelFacts, ProductRow, ReservationFacts } from '../../src/engine/index.ts';
import type { LevelTuple, LineTuple, ReservationTuple } from '../../src/engine/read.sql.ts';
import type { Asked } from '../../src/engine/stock.command.ts';
import { idempotencySlot } from '../../src/engine/stock.state.ts';
import type { Alert, Level, Line, Location, StoredAnswer, Writes } from '../../src/engine/stock.state.ts';

type Key = { productId: number; locationId: number };
type LevelRow = LevelFacts & Key & Pick<Level, 'ownSettings' | 'openAlerts' | 'wasAvailable'>;
type ReservationRow = ReservationFacts & { productIds: number[]; cancelReason: string | null };
type LineRow = Omit<Line, 'reservation' | 'product' | 'location' | 'isNew'> & {
  reservationId: string;
  productId: number;
  locationId: number | null;
  /** Repeats the reservation's while the line is held. */
  expiresAt: number;
};

export type Tables = {
  products: Map<number, ProductRow>;
  locations: Map<number, Location>;
  levels: Map<string, LevelRow>;
  reservations: Map<string, ReservationRow>;
  lines: Map<string, LineRow>;
  /** By level, in the order in which it was written. */
  ledger: Map<string, LedgerEntryFacts[]>;
  alerts: Map<string, Omit<Alert, 'level' | 'isNew'> & Key>;
  answers: Map<string, StoredAnswer & { createdAt: number }>;
  /** The highest number that a journal or ledger entry has. */
  lastNumber: number;
};

const KEY_LIFE_MS = 24 * 3_600_000;
const DEFAULT_TTL_MS = 900_000;
const UNITS_MAX = 1_000_000_000_000;

export const emptyTables = (): Tables => ({
  products: new Map(),
  locations: new Map(),
  levels: new Map(),
  reservations: new Map(),
  lines: new Map(),
  ledger: new Map(),
  alerts: new Map(),
  answers: new Map(),
  lastNumber: 0,
});

const keyOf = ({ productId, locationId }: Key): string => levelKey(productId, locationId);
const keyOfLevel = (level: Level): string => levelKey(level.product.id, level.location.id);
const lineKey = (line: Line): string => `${line.product.id} ${line.reservation.id} ${line.lineNo}`;
const linesOf = (tables: Tables, reservationId: string): LineRow[] =>
  [...tables.lines.values()]
    .filter((line) => line.reservationId === reservationId)
    .toSorted((one, other) => one.lineNo - other.lineNo);

/** What the commands of a batch name, and no more: as lookUp and lockAndLoad do. */
export function loadBatch(tables: Tables, asked: readonly Asked[], nowMs: number): Loaded {
  const footprint = footprintOf(asked.map(({ command }) => command));
  const whole = new Set([...footprint.sourcedSkus, ...footprint.changedSkus]);
  const named = new Set(footprint.pairs.map(({ sku, code }) => `${sku} ${code}`));
  const held = new Set(
    [...footprint.reservationIds].flatMap((id) =>
      linesOf(tables, id).map(({ productId, locationId }) => levelKey(productId, locationId ?? 0)),
    ),
  );
  const levels = [...tables.levels].filter(([key, { productId, locationId }]) => {
    const sku = tables.products.get(productId)?.sku ?? '';
    return held.has(key) || whole.has(sku) || named.has(`${sku} ${tables.locations.get(locationId)?.code}`);
  });
  const locationIds = new Set(levels.map(([, { locationId }]) => locationId));
  const productIds = new Set(levels.map(([, { productId }]) => productId));
  const products = [...tables.products].filter(([id, { sku }]) => productIds.has(id) || footprint.skus.has(sku));
  const loaded: Loaded = {
    nowMs,
    products: products.map(([id, row]) => [
      id, row.sku, row.archived_at, row.version, row.reorder_point, row.reorder_quantity, row.max_level, row.safety_stock,
    ]), // prettier-ignore
    productRows: new Map(products.filter(([, { sku }]) => footprint.changedSkus.has(sku))),
    locations: [...tables.locations.values()]
      .filter(({ id, code }) => locationIds.has(id) || footprint.codes.has(code))
      .map((row) => [row.id, row.code, row.active, row.archivedAt, row.priority, row.lat, row.lng, row.version]),
    levels: levels.map(([, row]) => levelTuple(row)),
    reservations: [],
    lines: [],
    answers: asked.flatMap(({ meta: { idempotency: request } }) => {
      const stored = request === null ? undefined : tables.answers.get(idempotencySlot(request));
      if (request === null || stored === undefined) return [];
      const isOld = stored.createdAt < nowMs - KEY_LIFE_MS;
      const { requestHash, status, headers, body } = stored;
      return [[request.owner, request.key, request.chunk ?? 0, requestHash, status, headers, body, isOld]];
    }),
    lapsed: [],
    lapsedLevels: new Set(),
    alerts: [],
    alertLevels: new Set(),
    takenSkus: [],
    defaultTtlMs: DEFAULT_TTL_MS,
  };
  loadReservations(tables, loaded, footprint.reservationIds);
  return loaded;
}

function loadReservations(tables: Tables, loaded: Loaded, ids: Iterable<string>): void {
  const known = new Set(loaded.reservations.map(([id]) => id));
  for (const id of new Set(ids)) {
    const row = tables.reservations.get(id);
    if (row === undefined || known.has(id)) continue;
    loaded.reservations.push(reservationTuple(row));
    loaded.lines.push(...linesOf(tables, id).map((line) => lineTuple(tables, line)));
  }
}

/** The oldest lapsed lines of each level, as many more as units are missing. */
export function loadLapsed(
  tables: Tables,
  loaded: Loaded,
  wanted: ReadonlyMap<Level, number>,
  limits: Map<string, number>,
): void {
  for (const [level, units] of wanted) {
    const key = keyOfLevel(level);
    const limit = units + (limits.get(key) ?? 0);
    limits.set(key, limit);
    const found = [...tables.lines.values()]
      .filter(({ state, expiresAt }) => state === 'held' && expiresAt <= loaded.nowMs)
      .filter(({ productId, locationId }) => levelKey(productId, locationId ?? 0) === key)
      .toSorted((a, b) => a.expiresAt - b.expiresAt || (rank(a) < rank(b) ? -1 : 1))
      .slice(0, limit);
    if (found.length < limit) loaded.lapsedLevels.add(key);
    loaded.lapsed = loaded.lapsed.filter(([productId, locationId]) => levelKey(productId, locationId) !== key);
    for (const { productId, locationId, reservationId, lineNo } of found) {
      loaded.lapsed.push([productId, locationId ?? 0, reservationId, lineNo]);
    }
    loadReservations(
      tables,
      loaded,
      found.map(({ reservationId }) => reservationId),
    );
  }
}

const rank = ({ reservationId, lineNo }: LineRow): string => `${reservationId} ${String(lineNo).padStart(9, '0')}`;

export function loadAlerts(tables: Tables, loaded: Loaded, wanted: ReadonlySet<Level>): void {
  for (const key of [...wanted].map(keyOfLevel)) {
    loaded.alertLevels.add(key);
    for (const { id, type, status, productId, locationId, threshold, value, openedAt } of tables.alerts.values()) {
      if (status === 'resolved' || levelKey(productId, locationId) !== key) continue;
      loaded.alerts.push([id, type, status, productId, locationId, threshold, value, openedAt, null, null]);
    }
  }
}

const levelTuple = (row: LevelRow): LevelTuple => [
  row.productId, row.locationId, row.onHand, row.reserved, row.committed, row.incoming, row.safetyStock,
  row.reorderPoint, row.reorderQuantity, row.maxLevel, row.ownSettings, row.zone, row.aisle, row.shelf,
  row.openAlerts, row.wasAvailable, row.version, row.lastMovementAt, row.lastCountAt,
]; // prettier-ignore

const reservationTuple = (row: ReservationRow): ReservationTuple => [
  row.id, row.status, row.type, row.orderId, row.userId, [...row.productIds], row.cancelReason, row.expiresAt,
  row.createdAt, row.confirmedAt, row.shippedAt, row.cancelledAt, row.expiredAt, row.version,
]; // prettier-ignore

function lineTuple(tables: Tables, row: LineRow): LineTuple {
  const sku = tables.products.get(row.productId)?.sku ?? '';
  const code = row.locationId === null ? null : (tables.locations.get(row.locationId)?.code ?? '');
  return [
    row.reservationId, row.lineNo, row.line, row.productId, sku, row.locationId, code, row.quantity, row.requested,
    row.shipped, row.cancelled, row.state, row.attributes,
  ]; // prettier-ignore
}

/** An error here is a defect of the decision: a row that the database would refuse, or an invariant that is broken. */
function must(holds: boolean, what: string, row?: unknown): void {
  if (!holds) throw new Error(row === undefined ? what : `${what}\n  ${JSON.stringify(row)}`);
}

/** Writes what the statements of write.sql.ts would, column by column. */
export function write(tables: Tables, writes: Writes, nowMs: number): void {
  for (const level of writes.levels) writeLevel(tables, level, writes.levelSettings.has(level));
  for (const level of writes.levelSettings) must(writes.levels.has(level), 'settings without their level');
  for (const { isNew, lines: _inTheirTable, ...row } of writes.reservations) {
    must(isNew !== tables.reservations.has(row.id), 'a reservation is made once', row);
    must(!isNew || (row.status === 'pending' && row.version === 1), 'new reservations are pending', row);
    const before = tables.reservations.get(row.id)?.version ?? 0;
    must(row.version > before, `the version ${before} of a reservation rises`, row);
    tables.reservations.set(row.id, row);
  }
  writeLines(tables, writes);
  writeEntries(tables, writes);
  for (const { isNew, level, ...row } of writes.alerts) {
    must(isNew || tables.alerts.get(row.id)?.status === 'active', 'only open alerts are resolved', row);
    tables.alerts.set(row.id, { ...row, productId: level.product.id, locationId: level.location.id });
  }
  for (const { idempotency, answer } of writes.answers) {
    const slot = idempotencySlot(idempotency);
    const before = tables.answers.get(slot);
    must(before === undefined || before.createdAt < nowMs - KEY_LIFE_MS, 'a key has one answer', idempotency);
    tables.answers.set(slot, { ...answer, createdAt: nowMs });
  }
  for (const { id, row } of writes.products) {
    if (row === null) throw new Error('a product was changed that was not loaded as a whole');
    must(row.version > (tables.products.get(id)?.version ?? 0), 'the version of a product rises', row);
    tables.products.set(id, row);
  }
  for (const { from, to, lines } of writes.transfers) {
    must(from.id !== to.id && lines.every(({ quantity }) => quantity > 0), 'transfers move something', lines);
  }
}

function writeLevel(tables: Tables, level: Level, withSettings: boolean): void {
  const { onHand, reserved, committed, openAlerts, wasAvailable, version, lastMovementAt, lastCountAt } = level;
  const { incoming, safetyStock, reorderPoint, reorderQuantity, maxLevel, ownSettings, zone, aisle, shelf } = level;
  const key = { productId: level.product.id, locationId: level.location.id };
  const before = tables.levels.get(keyOf(key));
  const units = { onHand, reserved, committed, openAlerts, wasAvailable, version, lastMovementAt, lastCountAt };
  const settings = { safetyStock, reorderPoint, reorderQuantity, maxLevel, ownSettings, zone, aisle, shelf };
  must(level.exists === (before !== undefined), 'a level is made once', units);
  must(version > (before?.version ?? 0), 'the version of a level rises', { before: before?.version, ...units });
  const kept = withSettings || before === undefined ? settings : before;
  tables.levels.set(keyOf(key), { incoming, ...kept, ...units, ...key });
}

function writeLines(tables: Tables, { lines, removedLines }: Writes): void {
  for (const line of removedLines) must(tables.lines.delete(lineKey(line)), 'only lines that are there are removed');
  for (const line of lines) {
    const { reservation, product, location, isNew, ...columns } = line;
    const before = tables.lines.get(lineKey(line));
    must(isNew === (before === undefined), 'a line is made once', columns);
    const { shipped, cancelled, state } = columns;
    const { expiresAt } = reservation;
    const key = { reservationId: reservation.id, productId: product.id, locationId: location?.id ?? null };
    const row = before === undefined ? { ...columns, ...key } : { ...before, shipped, cancelled, state };
    tables.lines.set(lineKey(line), { ...row, expiresAt });
  }
}

/** Each balance of a level is the one before and the delta: so it is the sum of all. */
function writeEntries(tables: Tables, { ledger, journal }: Writes): void {
  const numbers: number[] = [];
  for (const { id, ledgerFrom, ledgerCount } of journal) {
    must(id > tables.lastNumber, 'numbers of entries rise', { id, last: tables.lastNumber });
    must((ledgerFrom === null) === (ledgerCount === 0), 'a range of the ledger is whole', { id, ledgerCount });
    for (let index = 0; index < ledgerCount; index += 1) numbers.push((ledgerFrom ?? 0) + index);
    tables.lastNumber = id + ledgerCount;
  }
  const seqs = ledger.map(({ seq }) => seq);
  must(JSON.stringify(numbers) === JSON.stringify(seqs), 'the journal names every ledger entry once', {
    numbers,
    seqs,
  });
  for (const { level, ...entry } of ledger) {
    const entries = tables.ledger.get(keyOfLevel(level)) ?? [];
    const last = entries.at(-1) ?? { onHand: 0, reserved: 0, committed: 0, seq: 0, at: 0 };
    const follows =
      entry.onHand === last.onHand + entry.deltaOnHand &&
      entry.reserved === last.reserved + entry.deltaReserved &&
      entry.committed === last.committed + entry.deltaCommitted;
    must(follows && entry.seq > last.seq && entry.at >= last.at, 'an entry follows the last', { last, entry });
    const isCovered = entry.deltaReserved > 0 && entry.reserved + entry.committed <= entry.onHand;
    must(entry.type !== 'reserve' || isCovered, 'a reserve takes only what is there', entry);
    must((entry.referenceType === null) === (entry.referenceId === null), 'a reference is whole', entry);
    entries.push({ ...entry, sku: level.product.sku, location: level.location.code });
    tables.ledger.set(keyOfLevel(level), entries);
  }
}

/** The invariants of DOMAIN.md and the constraints of migrations/0001_core.sql, over everything. */
export function check(tables: Tables): void {
  const open = new Map<string, { held: number; committed: number }>();
  for (const line of tables.lines.values()) checkLine(tables, line, open);
  const openAlerts = new Map<string, number>();
  for (const alert of tables.alerts.values()) {
    const bits = openAlerts.get(keyOf(alert)) ?? 0;
    const bit = alert.status === 'resolved' ? 0 : ALERT_BITS[alert.type];
    must((bits & bit) === 0, 'an alert is open once', alert);
    openAlerts.set(keyOf(alert), bits | bit);
  }
  for (const [key, level] of tables.levels) {
    const { onHand, reserved, committed } = level;
    const last = tables.ledger.get(key)?.at(-1) ?? { onHand: 0, reserved: 0, committed: 0 };
    const promised = open.get(key) ?? { held: 0, committed: 0 };
    open.delete(key);
    for (const units of [onHand, reserved, committed]) must(units >= 0 && units <= UNITS_MAX, 'units in range', level);
    const isLast = onHand === last.onHand && reserved === last.reserved && committed === last.committed;
    must(isLast, 'a level is the sum of its ledger', { level, last });
    must(reserved === promised.held && committed === promised.committed, 'what is promised', { level, promised });
    must(level.openAlerts === (openAlerts.get(key) ?? 0), 'a level knows its open alerts', level);
  }
  must(open.size === 0, 'lines hold units of levels that are there', [...open.keys()]);
  for (const row of tables.reservations.values()) {
    must(row.expiresAt >= row.createdAt && row.productIds.length > 0, 'a reservation outlives its making', row);
    must((row.status === 'expired') === (row.expiredAt !== null), 'expired when its time came', row);
  }
}

function checkLine(tables: Tables, line: LineRow, open: Map<string, { held: number; committed: number }>): void {
  const { quantity, shipped, cancelled, state, locationId } = line;
  const rest = quantity - shipped - cancelled;
  must(rest >= 0 && shipped >= 0 && cancelled >= 0 && quantity <= UNITS_MAX, 'a line gives what it has', line);
  must(state !== 'closed' || rest === 0, 'a closed line has nothing open', line);
  must(locationId !== null || quantity === 0, 'a line that holds units has a location', line);
  must(shipped === 0 || state === 'committed' || state === 'closed', 'only what was committed is shipped', line);
  if (state !== 'held' && state !== 'committed') return;
  const reservation = tables.reservations.get(line.reservationId);
  must(reservation?.status === (state === 'held' ? 'pending' : 'confirmed'), `a line is ${state} as`, reservation);
  must(state !== 'held' || line.expiresAt === reservation?.expiresAt, 'a line expires with its reservation', line);
  const key = levelKey(line.productId, locationId ?? 0);
  const sums = open.get(key) ?? { held: 0, committed: 0 };
  sums[state] += rest;
  open.set(key, sums);
}
