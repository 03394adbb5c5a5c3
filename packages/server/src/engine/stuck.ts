import type { LaneConnection } from '../platform/database/index.ts';
import { footprintOf } from './footprint.ts';
import { levelKey } from './loaded.ts';
import type { NameCache } from './names.ts';
import { lockFreeLevels, selectExistingLevels, selectFootprints, selectLevelsOfProducts } from './read.sql.ts';
import type { Asked } from './stock.command.ts';

/**
 * Which of the levels that a batch wants another transaction holds: those that `SKIP LOCKED` passes by. Asked only
 * after a lock timeout.
 *
 * @returns their `product:location` keys
 */
export async function findStuckLevels(
  client: LaneConnection,
  asked: readonly Asked[],
  caches: { products: NameCache; locations: NameCache },
): Promise<Set<string>> {
  const footprint = footprintOf(asked.map(({ command }) => command));
  const wanted = new Map<string, [number, number]>();
  for (const { sku, code } of footprint.pairs) {
    const productId = caches.products.get(sku);
    const locationId = caches.locations.get(code);
    if (productId !== undefined && locationId !== undefined) {
      wanted.set(levelKey(productId, locationId), [productId, locationId]);
    }
  }
  const whole = [...footprint.sourcedSkus, ...footprint.changedSkus].flatMap((sku) => caches.products.get(sku) ?? []);
  const [ofProducts, ofReservations] = await Promise.all([
    client.query<[number, number]>(selectLevelsOfProducts(whole)),
    client.query<[string, number, number]>(selectFootprints([...footprint.reservationIds])),
  ]);
  for (const [product, location] of ofProducts.rows) wanted.set(levelKey(product, location), [product, location]);
  for (const [, product, location] of ofReservations.rows) wanted.set(levelKey(product, location), [product, location]);

  return heldElsewhere(client, [...wanted.values()]);
}

async function heldElsewhere(client: LaneConnection, pairs: [number, number][]): Promise<Set<string>> {
  const products = pairs.map(([product]) => product);
  const locations = pairs.map(([, location]) => location);
  await client.query('BEGIN');
  try {
    const existing = await client.query<[number, number]>(selectExistingLevels(products, locations));
    const free = await client.query<[number, number]>(lockFreeLevels(products, locations));
    const held = new Set(existing.rows.map(([product, location]) => levelKey(product, location)));
    for (const [product, location] of free.rows) held.delete(levelKey(product, location));
    return held;
  } finally {
    await client.query('ROLLBACK');
  }
}
