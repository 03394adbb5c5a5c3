import type { LaneConnection } from '../platform/database/index.ts';
import { rowsOf, StaleFootprint, TouchesStuck, type BatchContext } from './batch.context.ts';
import { footprintOf, type Footprint } from './footprint.ts';
import { levelKey, type Loaded } from './loaded.ts';
import type { NameCache } from './names.ts';
import * as read from './read.sql.ts';
import type { Asked } from './stock.command.ts';

/** Pairs of keys, each once: what a batch locks. */
export class LevelSet {
  readonly productIds: number[] = [];
  readonly locationIds: number[] = [];
  readonly keys = new Set<string>();

  add(productId: number, locationId: number): void {
    const key = levelKey(productId, locationId);
    if (this.keys.has(key)) return;
    this.keys.add(key);
    this.productIds.push(productId);
    this.locationIds.push(locationId);
  }
}

/** What was looked up before the locks. */
export interface Targets {
  footprint: Footprint;
  levels: LevelSet;
  productIds: number[];
  locationIds: number[];
  sourcedIds: number[];
  changedIds: number[];
}

/**
 * Finds out, before anything is locked, which rows a batch will touch. What it finds may be out of date by the time of
 * the locks: {@link refuseStale} and the loading of the locked rows notice that.
 */
export async function lookUp(client: LaneConnection, asked: readonly Asked[], context: BatchContext): Promise<Targets> {
  const footprint = footprintOf(asked.map(({ command }) => command));
  await learnNames(client, footprint, context);
  const sourcedIds = idsOf(context.products, footprint.sourcedSkus);
  const changedIds = idsOf(context.products, footprint.changedSkus);
  const levels = new LevelSet();
  for (const { sku, code } of footprint.pairs) {
    const productId = context.products.get(sku);
    const locationId = context.locations.get(code);
    if (productId !== undefined && locationId !== undefined) levels.add(productId, locationId);
  }
  const whole = [...sourcedIds, ...changedIds];
  const [ofProducts, ofReservations] = await Promise.all([
    whole.length === 0 ? [] : rowsOf<[number, number]>(client, read.selectLevelsOfProducts(whole)),
    footprint.reservationIds.size === 0
      ? []
      : rowsOf<[string, number, number]>(client, read.selectFootprints([...footprint.reservationIds])),
  ]);
  for (const [productId, locationId] of ofProducts) levels.add(productId, locationId);
  for (const [, productId, locationId] of ofReservations) levels.add(productId, locationId);
  const targets: Targets = {
    footprint,
    levels,
    productIds: [...new Set([...idsOf(context.products, footprint.skus), ...levels.productIds])],
    locationIds: [...new Set([...idsOf(context.locations, footprint.codes), ...levels.locationIds])],
    sourcedIds,
    changedIds,
  };
  setStuckApart(asked, ofReservations, context);
  return targets;
}

async function learnNames(client: LaneConnection, footprint: Footprint, context: BatchContext): Promise<void> {
  const skus = context.products.missing(footprint.skus);
  const codes = context.locations.missing(footprint.codes);
  const [products, locations] = await Promise.all([
    skus.length === 0 ? [] : rowsOf<[string, number]>(client, read.selectProductIds(skus)),
    codes.length === 0 ? [] : rowsOf<[string, number]>(client, read.selectLocationIds(codes)),
  ]);
  for (const [sku, id] of products) context.products.set(sku, id);
  for (const [code, id] of locations) context.locations.set(code, id);
}

/** @throws TouchesStuck where commands would wait for levels that are known to be stuck */
function setStuckApart(asked: readonly Asked[], footprints: [string, number, number][], context: BatchContext): void {
  if (context.stuck.size === 0) return;
  const indexes = indexesOn(asked, footprints, context);
  if (indexes.size > 0) throw new TouchesStuck(indexes);
}

function indexesOn(
  asked: readonly Asked[],
  footprints: [string, number, number][],
  context: BatchContext,
): Set<number> {
  const stuckReservations = new Set(
    footprints.filter(([, product, location]) => context.stuck.has(levelKey(product, location))).map(([id]) => id),
  );
  const stuckProducts = new Set([...context.stuck].map((key) => Number(key.split(':')[0])));
  const indexes = new Set<number>();
  for (const [index, { command }] of asked.entries()) {
    const own = footprintOf([command]);
    const onPair = own.pairs.some(({ sku, code }) => {
      const productId = context.products.get(sku);
      const locationId = context.locations.get(code);
      return productId !== undefined && locationId !== undefined && context.stuck.has(levelKey(productId, locationId));
    });
    const onProduct = [...own.sourcedSkus, ...own.changedSkus].some((sku) =>
      stuckProducts.has(context.products.get(sku) ?? 0),
    );
    const onReservation = [...own.reservationIds].some((id) => stuckReservations.has(id));
    if (onPair || onProduct || onReservation) indexes.add(index);
  }
  return indexes;
}

function idsOf(cache: NameCache, names: Iterable<string>): number[] {
  return [...names].flatMap((name) => cache.get(name) ?? []);
}

/** The names that were looked up must still be those of the rows that were locked. */
export function refuseStale(targets: Targets, loaded: Loaded, context: BatchContext): void {
  const skus = new Map(loaded.products.map(([id, sku]) => [sku, id]));
  const codes = new Map(loaded.locations.map(([id, code]) => [code, id]));
  let isStale = false;
  for (const sku of targets.footprint.skus) {
    const id = context.products.get(sku);
    if (id === undefined || skus.get(sku) === id) continue;
    context.products.delete(sku);
    isStale = true;
  }
  for (const code of targets.footprint.codes) {
    const id = context.locations.get(code);
    if (id === undefined || codes.get(code) === id) continue;
    context.locations.delete(code);
    isStale = true;
  }
  if (isStale) throw new StaleFootprint('a name has moved');
}
