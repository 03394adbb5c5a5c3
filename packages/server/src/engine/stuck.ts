import type { LaneConnection } from '../platform/database/index.ts';
import { footprintOf } from './footprint.ts';
import { levelKey } from './loaded.ts';
import type { NameCache } from './names.ts';
import {
  lockFreeLevels,
  lockFreeReservations,
  selectExistingLevels,
  selectFootprints,
  selectLapsedOn,
  selectLevelsOfProducts,
} from './read.sql.ts';
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
  const wanted = new Map<string, Pair>();
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

  const held = await heldTwice(client, [...wanted.values()]);
  if (held.size > 0) return held;
  return levelsOfHeldReservations(client, [...wanted.values()], ofReservations.rows);
}

/** Between the two looks: a healthy batch that was at work on a level in the first has ended by the second. */
const LOOK_AGAIN_MS = 60;

async function heldTwice(client: LaneConnection, pairs: Pair[]): Promise<Set<string>> {
  const first = await heldElsewhere(client, pairs);
  if (first.size === 0) return first;
  await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  const second = await heldElsewhere(
    client,
    pairs.filter(([product, location]) => first.has(levelKey(product, location))),
  );
  return second;
}

type Pair = [productId: number, locationId: number];

async function heldElsewhere(client: LaneConnection, pairs: Pair[]): Promise<Set<string>> {
  const products = pairs.map(([product]) => product);
  const locations = pairs.map(([, location]) => location);
  await client.query('BEGIN');
  try {
    const existing = await client.query<Pair>(selectExistingLevels(products, locations));
    const free = await client.query<Pair>(lockFreeLevels(products, locations));
    const held = new Set(existing.rows.map(([product, location]) => levelKey(product, location)));
    for (const [product, location] of free.rows) held.delete(levelKey(product, location));
    return held;
  } finally {
    await client.query('ROLLBACK');
  }
}

/** The row that is held may be a reservation's: one that is asked for, or a lapsed one whose units are needed. */
async function levelsOfHeldReservations(
  client: LaneConnection,
  pairs: Pair[],
  asked: [id: string, productId: number, locationId: number][],
): Promise<Set<string>> {
  const lapsed = await client.query<[string, number, number]>(
    selectLapsedOn(
      pairs.map(([product]) => product),
      pairs.map(([, location]) => location),
    ),
  );
  const touched = [...asked, ...lapsed.rows];
  const ids = [...new Set(touched.map(([id]) => id))];
  if (ids.length === 0) return new Set();
  await client.query('BEGIN');
  try {
    const free = await client.query<[string]>(lockFreeReservations(ids));
    const freeIds = new Set(free.rows.map(([id]) => id));
    return new Set(
      touched.filter(([id]) => !freeIds.has(id)).map(([, product, location]) => levelKey(product, location)),
    );
  } finally {
    await client.query('ROLLBACK');
  }
}
