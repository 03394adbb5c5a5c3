import { isDeepStrictEqual } from 'node:util';
import { refuseOtherVersion } from '../kernel/if.match.ts';
import { Problem } from '../kernel/problem.ts';
import { viewOfLevel } from './adjust.rules.ts';
import {
  freeUnits,
  locationOf,
  productOf,
  refuseArchivedLocation,
  refuseArchivedProduct,
  releaseLapsed,
} from './hold.rules.ts';
import { productView, type ProductRow } from './product.view.ts';
import type {
  ArchiveProductCommand,
  LevelSettingsCommand,
  ProductPatch,
  UpdateProductCommand,
} from './stock.command.ts';
import { stockProblems } from './stock.problems.ts';
import type { Recorder } from './stock.recorder.ts';
import { availableUnits, levelOf, OWN, type Level, type Product } from './stock.state.ts';

const SETTINGS = ['reorderPoint', 'reorderQuantity', 'maxLevel', 'safetyStock'] as const;

/**
 * Changes one level's settings. What is set becomes the level's own; null follows the product again. A patch that changes
 * nothing is answered with the level as it is, and leaves no trace.
 *
 * @returns the level as JSON text
 */
export function changeLevelSettings(books: Recorder, command: LevelSettingsCommand): { version: number; body: string } {
  const product = productOf(books, command.sku);
  const location = locationOf(books, command.location);
  refuseArchivedProduct(product);
  refuseArchivedLocation(location);
  const level = levelOf(product, location);
  refuseOtherVersion(level.version, command.ifMatch);

  // After this point the change must succeed.
  const { patch } = command;
  const before = settingsOf(level);
  for (const setting of SETTINGS) {
    const value = patch[setting];
    if (value === undefined) continue;
    if (value === null) level.ownSettings &= ~OWN[setting];
    else level.ownSettings |= OWN[setting];
    applySetting(level, setting, value ?? product[setting]);
  }
  if (patch.bin !== undefined) {
    const { zone, aisle, shelf } = patch.bin ?? { zone: null, aisle: null, shelf: null };
    if (zone !== undefined) level.zone = zone;
    if (aisle !== undefined) level.aisle = aisle;
    if (shelf !== undefined) level.shelf = shelf;
  }
  if (isDeepStrictEqual(settingsOf(level), before)) {
    return { version: level.version, body: JSON.stringify(viewOfLevel(level)) };
  }
  books.touch(level);
  books.writes.levelSettings.add(level);
  const body = books.record('level.updated', product.sku, () => viewOfLevel(level)) as string;
  return { version: level.version, body };
}

/**
 * Changes a product, and the settings of the levels that follow it. A patch that changes nothing is answered with the
 * product as it is, and leaves no trace.
 *
 * @returns the product as JSON text
 */
export function updateProduct(books: Recorder, command: UpdateProductCommand): { product: Product; body: string } {
  const product = productOf(books, command.sku);
  refuseArchivedProduct(product);
  refuseOtherVersion(product.version, command.ifMatch);
  const { patch } = command;
  const row = rowOf(product);
  const columns = columnsOf(patch);
  if (!changesRow(row, columns)) return { product, body: JSON.stringify(productView(row)) };
  if (patch.sku !== undefined && patch.sku !== product.sku) refuseTakenSku(books, patch.sku);

  // After this point the change must succeed.
  if (patch.sku !== undefined) rename(books, product, patch.sku);
  Object.assign(row, columns, { version: row.version + 1, updated_at: books.state.nowMs });
  product.version = row.version;
  for (const setting of SETTINGS) {
    const value = patch[setting];
    if (value !== undefined) followProduct(books, product, setting, value);
  }
  books.writes.products.add(product);
  const body = books.record('product.updated', product.sku, () => productView(row)) as string;
  return { product, body };
}

/** Takes a product out of service. Its alerts resolve; its ledger stays. */
export function archiveProduct(books: Recorder, command: ArchiveProductCommand): void {
  const product = productOf(books, command.sku);
  refuseOtherVersion(product.version, command.ifMatch);
  if (product.archivedAt !== null) return;
  const row = rowOf(product);
  for (const level of product.levels.values()) refuseInUse(books, level);

  // After this point the product is archived.
  for (const level of product.levels.values()) releaseLapsed(books, level, level.reserved);
  product.archivedAt = books.state.nowMs;
  Object.assign(row, { archived_at: books.state.nowMs, updated_at: books.state.nowMs, version: row.version + 1 });
  product.version = row.version;
  for (const level of product.levels.values()) if (level.openAlerts !== 0) books.touch(level);
  books.writes.products.add(product);
  books.record('product.archived', product.sku, () => productView(row));
}

function refuseTakenSku(books: Recorder, sku: string): void {
  if (!books.state.products.has(sku)) return;
  throw new Problem(stockProblems.duplicateSku, `The sku ${sku} is taken by another product.`, { sku });
}

function refuseInUse(books: Recorder, level: Level): void {
  const lapsed = level.reserved === 0 ? 0 : freeUnits(books, level, level.reserved) - availableUnits(level);
  if (level.onHand === 0 && level.committed === 0 && level.reserved === lapsed) return;
  const { product, location, onHand, reserved, committed } = level;
  const detail = `${location.code} has ${onHand} units of ${product.sku} on hand, ${reserved} reserved, ${committed} committed.`;
  throw new Problem(stockProblems.productInUse, detail, { sku: product.sku, location: location.code });
}

function rowOf(product: Product): ProductRow {
  if (product.row === null) throw new Error(`product ${product.sku} was not loaded as a whole`);
  return product.row;
}

function rename(books: Recorder, product: Product, sku: string): void {
  books.state.products.delete(product.sku);
  product.sku = sku;
  books.state.products.set(sku, product);
}

/** The product's own default, and every level that follows it. */
function followProduct(
  books: Recorder,
  product: Product,
  setting: (typeof SETTINGS)[number],
  value: number | null,
): void {
  if (setting === 'safetyStock') product.safetyStock = value ?? 0;
  else product[setting] = value;
  for (const level of product.levels.values()) {
    if ((level.ownSettings & OWN[setting]) !== 0 || level[setting] === product[setting]) continue;
    applySetting(level, setting, product[setting]);
    books.touch(level);
    books.writes.levelSettings.add(level);
  }
}

function applySetting(level: Level, setting: (typeof SETTINGS)[number], value: number | null): void {
  if (setting === 'safetyStock') level.safetyStock = value ?? 0;
  else level[setting] = value;
}

function settingsOf({ ownSettings, reorderPoint, reorderQuantity, maxLevel, safetyStock, zone, aisle, shelf }: Level) {
  return { ownSettings, reorderPoint, reorderQuantity, maxLevel, safetyStock, zone, aisle, shelf };
}

/** The order of members within attributes is none of ours: jsonb does not keep it. */
function changesRow(row: ProductRow, { unit_cost: cost, ...columns }: Partial<ProductRow>): boolean {
  // The database pads the text of a cost to four decimals.
  if (cost !== undefined && !isSameCost(row.unit_cost, cost)) return true;
  return !isDeepStrictEqual({ ...row, ...columns }, row);
}

function isSameCost(left: string | null, right: string | null): boolean {
  return left === null || right === null ? left === right : Number(left) === Number(right);
}

function columnsOf(patch: ProductPatch): Partial<ProductRow> {
  const columns: Partial<ProductRow> = {};
  if (patch.sku !== undefined) columns.sku = patch.sku;
  if (patch.name !== undefined) columns.name = patch.name;
  if (patch.description !== undefined) columns.description = patch.description;
  if (patch.category !== undefined) columns.category = patch.category;
  if (patch.attributes !== undefined) columns.attributes = patch.attributes;
  if (patch.unitCost !== undefined) columns.unit_cost = patch.unitCost === null ? null : String(patch.unitCost);
  if (patch.reorderPoint !== undefined) columns.reorder_point = patch.reorderPoint;
  if (patch.reorderQuantity !== undefined) columns.reorder_quantity = patch.reorderQuantity;
  if (patch.maxLevel !== undefined) columns.max_level = patch.maxLevel;
  if (patch.safetyStock !== undefined) columns.safety_stock = patch.safetyStock ?? 0;
  return columns;
}
