import { Problem } from '../kernel/problem.ts';
import { QUANTITY_MAX } from '../kernel/quantity.ts';
import {
  freeUnits,
  locationOf,
  productOf,
  refuseArchivedLocation,
  refuseArchivedProduct,
  refuseClosedLocation,
  releaseLapsed,
} from './hold.rules.ts';
import { ledgerEntryView, type LedgerEntryView } from './ledger.view.ts';
import { levelView, type LevelView } from './level.view.ts';
import { insufficientStock } from './reserve.rules.ts';
import type { AdjustRequest, TransferCommand } from './stock.command.ts';
import { stockProblems } from './stock.problems.ts';
import type { Recorder } from './stock.recorder.ts';
import {
  availableUnits,
  levelOf,
  type LedgerEntry,
  type Level,
  type Product,
  type TransferRow,
} from './stock.state.ts';
import { toRfc3339 } from '../kernel/clock.ts';

/**
 * Sets a level's units on hand right.
 *
 * @throws Problem 404 for unknown names; 409 `product_archived`, `location_archived`, `version_conflict`,
 *   `insufficient_stock`, `quantity_out_of_range`, `stock_below_promised`
 */
export function adjust(books: Recorder, request: AdjustRequest): { movement: LedgerEntryView; level: LevelView } {
  const product = productOf(books, request.sku);
  const location = locationOf(books, request.location);
  refuseArchivedProduct(product);
  refuseArchivedLocation(location);
  const level = levelOf(product, location);
  refuseUnexpected(level, request);
  const onHand = onHandAfter(level, request);
  const promised = level.reserved + level.committed;
  if (onHand < promised && onHand < level.onHand && request.force !== true) refuseBelowPromised(books, level, onHand);

  // After this point the adjustment must succeed.
  if (request.force !== true && onHand < level.onHand) releaseLapsed(books, level, promised - onHand);
  const entry = books.post(level, {
    type: request.movement ?? 'adjustment',
    onHand: onHand - level.onHand,
    reference: request.reference ?? null,
    reason: request.reason ?? null,
    notes: request.notes ?? null,
    unitCost: request.unitCost ?? null,
    lot: request.lot ?? null,
  });
  if (request.movement === 'count') level.lastCountAt = entry.at;
  books.record('stock.adjusted', product.sku, null);
  return { movement: entryView(entry), level: viewOfLevel(level) };
}

/**
 * Moves available units from one place to another at once, both sides or neither.
 *
 * @returns the transfer as JSON text
 */
export function transfer(books: Recorder, command: TransferCommand): { id: string; body: string } {
  const from = locationOf(books, command.from);
  const to = locationOf(books, command.to);
  const lines = command.lines.map(({ sku, quantity }) => ({ product: productOf(books, sku), quantity }));
  refuseClosedLocation(from);
  refuseArchivedLocation(to);
  for (const { product } of lines) refuseArchivedProduct(product);
  const moved = new Map<Product, number>();
  for (const { product, quantity } of lines) moved.set(product, (moved.get(product) ?? 0) + quantity);
  const short = [...moved]
    .map(([product, requested]) => ({ level: levelOf(product, from), requested }))
    .filter(({ level, requested }) => availableUnits(level) < requested)
    .map(({ level, requested }) => ({
      level,
      requested,
      available: freeUnits(books, level, requested - availableUnits(level)),
    }))
    .filter(({ available, requested }) => available < requested)
    .map(({ level, requested, available }) => ({
      sku: level.product.sku,
      location: from.code,
      requested,
      available: Math.max(0, available),
    }));
  if (short.length > 0) throw insufficientStock(short);
  for (const [product, units] of moved) refuseOverflow(levelOf(product, to), units);

  // After this point the transfer must succeed.
  const row: TransferRow = {
    id: books.newId(),
    from,
    to,
    reference: command.reference,
    createdAt: books.state.nowMs,
    lines,
  };
  const reference = { type: 'transfer', id: row.id };
  for (const [product, units] of moved) {
    const source = levelOf(product, from);
    releaseLapsed(books, source, units - availableUnits(source));
  }
  for (const [product, units] of moved) {
    books.post(levelOf(product, from), { type: 'transfer_out', onHand: -units, reference });
    books.post(levelOf(product, to), { type: 'transfer_in', onHand: units, reference });
  }
  books.writes.transfers.push(row);
  const body = books.record('transfer.created', row.id, () => transferView(row)) as string;
  return { id: row.id, body };
}

/** A transfer as the API shows it. */
function transferView(row: TransferRow): object {
  return {
    id: row.id,
    status: 'completed',
    from: row.from.code,
    to: row.to.code,
    mode: 'immediate',
    lines: row.lines.map(({ product, quantity }) => ({ sku: product.sku, quantity })),
    reference: row.reference,
    createdAt: toRfc3339(row.createdAt),
    version: 1,
  };
}

function refuseUnexpected(level: Level, { expectedOnHand, expectedVersion }: AdjustRequest): void {
  const current = { onHand: level.onHand, version: level.version };
  if (expectedOnHand !== undefined && expectedOnHand !== level.onHand) {
    const detail = `${level.onHand} units are on hand, ${expectedOnHand} were expected.`;
    throw new Problem(stockProblems.versionConflict, detail, { current });
  }
  if (expectedVersion !== undefined && expectedVersion !== level.version) {
    const detail = `The level has version ${level.version}, ${expectedVersion} was expected.`;
    throw new Problem(stockProblems.versionConflict, detail, { current });
  }
}

function onHandAfter(level: Level, { type, quantity }: AdjustRequest): number {
  if (type === 'set') return quantity;
  if (type === 'add') {
    refuseOverflow(level, quantity);
    return level.onHand + quantity;
  }
  if (quantity > level.onHand) {
    const { product, location, onHand } = level;
    throw insufficientStock([{ sku: product.sku, location: location.code, requested: quantity, available: onHand }]);
  }
  return level.onHand - quantity;
}

function refuseOverflow(level: Level, units: number): void {
  if (level.onHand + units <= QUANTITY_MAX) return;
  const detail = `${level.product.sku} at ${level.location.code} would hold more than ${QUANTITY_MAX} units.`;
  throw new Problem(stockProblems.quantityOutOfRange, detail, { onHand: level.onHand });
}

/** Lapsed holds promise nothing any more. */
function refuseBelowPromised(books: Recorder, level: Level, onHand: number): void {
  const missing = level.reserved + level.committed - onHand;
  const lapsed = freeUnits(books, level, missing) - availableUnits(level);
  if (lapsed >= missing) return;
  const promised = level.reserved + level.committed - lapsed;
  const detail = `${promised} units are promised, ${onHand} would be left: use force to record it all the same.`;
  throw new Problem(stockProblems.stockBelowPromised, detail, {
    onHand: level.onHand,
    reserved: level.reserved,
    committed: level.committed,
  });
}

export function viewOfLevel(level: Level): LevelView {
  return levelView(level, level.product.sku, level.location.code, level.location.active);
}

function entryView(entry: LedgerEntry): LedgerEntryView {
  return ledgerEntryView({ ...entry, sku: entry.level.product.sku, location: entry.level.location.code });
}
