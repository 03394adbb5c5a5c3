import { toRfc3339 } from '../kernel/clock.ts';
import type { LaneConnection } from '../platform/database/index.ts';
import { rowsOf, StaleFootprint, type BatchContext } from './batch.context.ts';
import type { LevelSet, Targets } from './batch.targets.ts';
import { weightOf } from './footprint.ts';
import { levelKey, type LapsedTuple, type Loaded } from './loaded.ts';
import { BLOCK_SIZE } from './numbers.ts';
import type { ProductRow } from './product.view.ts';
import * as read from './read.sql.ts';
import type { Asked } from './stock.command.ts';
import type { Level } from './stock.state.ts';

/** What a batch decides on. */
export interface Locked {
  loaded: Loaded;
  blocks: number[];
  transactionId: string;
  /** The database's clock, and when it was heard on the monotonic one. */
  clock: { nowMs: number; heardAtMs: number };
}

/** Locks in one order everywhere: levels, products that change, reservations. What must be fresh is read after that. */
export async function lockAndLoad(
  client: LaneConnection,
  begun: Promise<unknown>,
  asked: readonly Asked[],
  targets: Targets,
  context: BatchContext,
): Promise<Locked> {
  const { footprint, levels } = targets;
  const reservationIds = [...footprint.reservationIds];
  const keys = asked.flatMap(({ meta }) => meta.idempotency ?? []);
  const [, levelRows, , reservations, lines, clock, products, rows, locations, answers, takenSkus] = await Promise.all([
    begun,
    levels.keys.size === 0
      ? []
      : rowsOf<read.LevelTuple>(client, read.lockLevels(levels.productIds, levels.locationIds)),
    targets.changedIds.length === 0 ? [] : rowsOf(client, read.lockProducts(targets.changedIds)),
    reservationIds.length === 0 ? [] : rowsOf<read.ReservationTuple>(client, read.lockReservations(reservationIds)),
    reservationIds.length === 0 ? [] : rowsOf<read.LineTuple>(client, read.selectLines(reservationIds)),
    rowsOf<[number, string, number[]]>(client, read.selectClock(blocksFor(asked))),
    targets.productIds.length === 0 ? [] : rowsOf<read.ProductTuple>(client, read.selectProducts(targets.productIds)),
    targets.changedIds.length === 0 ? [] : rowsOf<unknown[]>(client, read.selectProductRows(targets.changedIds)),
    targets.locationIds.length + targets.sourcedIds.length === 0
      ? []
      : rowsOf<read.LocationTuple>(client, read.selectLocations(targets.locationIds, targets.sourcedIds)),
    keys.length === 0
      ? []
      : rowsOf<read.AnswerTuple>(
          client,
          read.selectAnswers(
            keys.map(({ owner }) => owner),
            keys.map(({ key }) => key),
            keys.map(({ chunk }) => chunk ?? 0),
          ),
        ),
    footprint.newSkus.size === 0 ? [] : rowsOf<[string, number]>(client, read.selectProductIds([...footprint.newSkus])),
  ]);
  const heardAtMs = performance.now();
  const [now] = clock;
  if (now === undefined) throw new Error('the clock did not answer');
  const loaded: Loaded = {
    nowMs: now[0] + context.timeShiftMs(),
    products,
    productRows: new Map(rows.map((row) => [row[0] as number, productRowOf(row)])),
    locations,
    levels: levelRows,
    reservations,
    lines,
    answers,
    lapsed: [],
    lapsedLevels: new Set(),
    alerts: [],
    alertLevels: new Set(),
    takenSkus,
    defaultTtlMs: context.defaultTtlMs,
  };
  refuseMissedLevels(targets, levels, lines, rows, levelRows);
  return { loaded, blocks: now[2], transactionId: now[1], clock: { nowMs: now[0], heardAtMs } };
}

/** Every command needs a number for its journal entry and, at most, two per line for the ledger. */
function blocksFor(asked: readonly Asked[]): number {
  const numbers = asked.reduce((sum, { command }) => sum + 1 + 3 * weightOf(command), 0);
  return 1 + Math.floor((numbers * 1.25) / BLOCK_SIZE);
}

function productRowOf(tuple: unknown[]): ProductRow {
  const [sku, name, description, category, attributes, unitCost, reorderPoint, reorderQuantity, maxLevel, safetyStock] =
    tuple.slice(2) as [
      string,
      string,
      string | null,
      string | null,
      unknown,
      string | null,
      number | null,
      number | null,
      number | null,
      number,
    ];
  const [version, createdAt, updatedAt, archivedAt] = tuple.slice(12) as [number, number, number, number | null];
  return {
    sku,
    name,
    description,
    category,
    attributes,
    unit_cost: unitCost,
    reorder_point: reorderPoint,
    reorder_quantity: reorderQuantity,
    max_level: maxLevel,
    safety_stock: safetyStock,
    version,
    created_at: createdAt,
    updated_at: updatedAt,
    archived_at: archivedAt,
  };
}

/** A line that moved, or a level that was made, between the look and the lock. */
function refuseMissedLevels(
  targets: Targets,
  levels: LevelSet,
  lines: read.LineTuple[],
  productRows: unknown[][],
  levelRows: read.LevelTuple[],
): void {
  for (const [, , , productId, , locationId, , , , , , state] of lines) {
    if (locationId === null || state === 'closed' || state === 'expired') continue;
    if (!levels.keys.has(levelKey(productId, locationId))) throw new StaleFootprint('a line is on another level now');
  }
  for (const [id, count] of productRows) {
    const locked = levelRows.filter(([productId]) => productId === id).length;
    if (locked !== count) throw new StaleFootprint('a level of a product was made meanwhile');
  }
  if (productRows.length !== targets.changedIds.length) throw new StaleFootprint('a product is gone');
}

/**
 * Loads lapsed lines with their reservations, which it locks: as many more of a level as units are missing, for each has
 * at least one. A level that may have more stays unlooked.
 */
export async function loadLapsed(
  client: LaneConnection,
  loaded: Loaded,
  wanted: ReadonlyMap<Level, number>,
  limits: Map<string, number>,
): Promise<void> {
  const levels = [...wanted].map(([level, units]) => {
    const key = levelKey(level.product.id, level.location.id);
    const limit = units + (limits.get(key) ?? 0);
    limits.set(key, limit);
    return { level, key, limit };
  });
  const found = await rowsOf<LapsedTuple>(
    client,
    read.selectLapsed(
      levels.map(({ level }) => level.product.id),
      levels.map(({ level }) => level.location.id),
      levels.map(({ limit }) => limit),
      toRfc3339(loaded.nowMs),
    ),
  );
  const keys = new Set(levels.map(({ key }) => key));
  loaded.lapsed = [...loaded.lapsed.filter(([product, location]) => !keys.has(levelKey(product, location))), ...found];
  for (const { key, limit } of levels) {
    const count = found.filter(([product, location]) => levelKey(product, location) === key).length;
    if (count < limit) loaded.lapsedLevels.add(key);
  }
  const known = new Set(loaded.reservations.map(([id]) => id));
  const ids = [...new Set(found.map(([, , id]) => id))].filter((id) => !known.has(id));
  if (ids.length === 0) return;
  const [reservations, lines] = await Promise.all([
    rowsOf<read.ReservationTuple>(client, read.lockReservations(ids)),
    rowsOf<read.LineTuple>(client, read.selectLines(ids)),
  ]);
  loaded.reservations.push(...reservations);
  loaded.lines.push(...lines);
}

/** Loads the open alerts of levels. */
export async function loadAlerts(client: LaneConnection, loaded: Loaded, wanted: ReadonlySet<Level>): Promise<void> {
  const levels = [...wanted].filter(
    ({ product, location }) => !loaded.alertLevels.has(levelKey(product.id, location.id)),
  );
  const found = await rowsOf<read.AlertTuple>(
    client,
    read.selectOpenAlerts(
      levels.map(({ product }) => product.id),
      levels.map(({ location }) => location.id),
    ),
  );
  loaded.alerts.push(...found);
  for (const { product, location } of levels) loaded.alertLevels.add(levelKey(product.id, location.id));
}
