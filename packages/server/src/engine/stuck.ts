import type { LaneConnection } from '../platform/database/index.ts';
import { footprintOf } from './footprint.ts';
import { levelKey } from './loaded.ts';
import type { NameCache } from './names.ts';
import * as read from './read.sql.ts';
import { BEGIN } from './settings.sql.ts';
import type { Asked } from './stock.command.ts';

type Pair = [productId: number, locationId: number];

/** What a batch may have waited for. */
interface Wanted {
  levels: Pair[];
  /** Reservations that it asks for, or whose lapsed units it needs, by each level that they have lines on. */
  reservations: [id: string, productId: number, locationId: number][];
}

/**
 * Longer than a batch waits for a lock: whoever holds a row at the start and the end of this, in one transaction, is not
 * a healthy batch, nor one that itself waits for the stuck row.
 */
const LOOK_AGAIN_MS = 200;

/**
 * Which of the levels that a batch wants another transaction keeps: those whose row it holds, and those of reservations
 * whose row it holds. Asked only after a lock timeout.
 *
 * @returns their `product:location` keys
 */
export async function findStuckLevels(
  client: LaneConnection,
  asked: readonly Asked[],
  caches: { products: NameCache; locations: NameCache },
): Promise<Set<string>> {
  const wanted = await wantedBy(client, asked, caches);
  const first = await holdersOf(client, wanted);
  if (first.size === 0) return new Set();
  await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  const second = await holdersOf(client, wanted);
  const isStuck = (row: string): boolean => first.has(row) && first.get(row) === second.get(row);
  const levels = wanted.levels.map(([product, location]) => levelKey(product, location)).filter(isStuck);
  const ofReservations = wanted.reservations
    .filter(([id]) => isStuck(id))
    .map(([, product, location]) => levelKey(product, location));
  return new Set([...levels, ...ofReservations]);
}

async function wantedBy(
  client: LaneConnection,
  asked: readonly Asked[],
  caches: { products: NameCache; locations: NameCache },
): Promise<Wanted> {
  const footprint = footprintOf(asked.map(({ command }) => command));
  const levels = new Map<string, Pair>();
  for (const { sku, code } of footprint.pairs) {
    const productId = caches.products.get(sku);
    const locationId = caches.locations.get(code);
    if (productId !== undefined && locationId !== undefined) {
      levels.set(levelKey(productId, locationId), [productId, locationId]);
    }
  }
  const whole = [...footprint.sourcedSkus, ...footprint.changedSkus].flatMap((sku) => caches.products.get(sku) ?? []);
  const [ofProducts, askedFor] = await Promise.all([
    client.query<Pair>(read.selectLevelsOfProducts(whole)),
    client.query<[string, number, number]>(read.selectFootprints([...footprint.reservationIds])),
  ]);
  for (const [product, location] of ofProducts.rows) levels.set(levelKey(product, location), [product, location]);
  for (const [, product, location] of askedFor.rows) levels.set(levelKey(product, location), [product, location]);
  const pairs = [...levels.values()];
  const lapsed = await client.query<[string, number, number]>(
    read.selectLapsedOn(productsOf(pairs), locationsOf(pairs)),
  );
  return { levels: pairs, reservations: [...askedFor.rows, ...lapsed.rows] };
}

/** The transaction that holds each wanted row that is held, by level key or reservation id. */
async function holdersOf(client: LaneConnection, { levels, reservations }: Wanted): Promise<Map<string, string>> {
  const products = productsOf(levels);
  const locations = locationsOf(levels);
  const ids = [...new Set(reservations.map(([id]) => id))];
  await client.query(BEGIN);
  try {
    const [levelHolders, reservationHolders, freeLevels, freeReservations] = await Promise.all([
      client.query<[...Pair, string]>(read.selectLevelHolders(products, locations)),
      client.query<[string, string]>(read.selectReservationHolders(ids)),
      client.query<Pair>(read.lockFreeLevels(products, locations)),
      client.query<[string]>(read.lockFreeReservations(ids)),
    ]);
    const holders = new Map<string, string>(reservationHolders.rows);
    for (const [product, location, holder] of levelHolders.rows) holders.set(levelKey(product, location), holder);
    for (const [product, location] of freeLevels.rows) holders.delete(levelKey(product, location));
    for (const [id] of freeReservations.rows) holders.delete(id);
    return holders;
  } finally {
    await client.query('ROLLBACK');
  }
}

function productsOf(pairs: Pair[]): number[] {
  return pairs.map(([product]) => product);
}

function locationsOf(pairs: Pair[]): number[] {
  return pairs.map(([, location]) => location);
}
