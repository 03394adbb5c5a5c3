import { type LevelView, stockProblems } from '../../engine/index.ts';
import { instantMs } from '../../kernel/instant.ts';
import { Problem, validationFailed } from '../../kernel/problem.ts';
import type { Gatherer } from '../../platform/database/gather.ts';
import type { Database } from '../../platform/database/index.ts';
import { readFreeUnits, readKnownNames } from './availability.reads.sql.ts';
import { judgeAvailability, type AvailabilityLine, type FreeAt } from './availability.rules.ts';
import type { LevelAnswer, LevelKey } from './level.reads.sql.ts';
import type { AvailabilityAnswer, ProductStock } from './level.schema.ts';
import { readStockAt } from './stock.reads.sql.ts';

/** @throws Problem `product_not_found`, `location_not_found` */
export async function getLevel(read: Gatherer<LevelKey, LevelAnswer>, key: LevelKey): Promise<LevelView> {
  const answer = await read(key);
  if (answer === 'no product') throw productNotFound(key.sku);
  if (answer === 'no location') throw locationNotFound(key.code);
  return answer;
}

/** @throws Problem `product_not_found` */
export async function getStock(read: Gatherer<string, ProductStock | null>, sku: string): Promise<ProductStock> {
  const stock = await read(sku);
  if (stock === null) throw productNotFound(sku);
  return stock;
}

/**
 * @param at RFC 3339
 * @throws Problem `product_not_found`, `validation_failed` for a time that is still to come
 */
export async function getStockAt(database: Database, sku: string, at: string): Promise<ProductStock> {
  const stock = await readStockAt(database, sku, instantMs(at));
  if (stock === 'no product') throw productNotFound(sku);
  if (stock === 'in the future') throw validationFailed([{ path: 'at', message: 'must not be in the future' }]);
  return stock;
}

/** Places in one answer, of all lines together: about 4 MB. */
const PLACES_MAX = 100_000;

/** @throws Problem `product_not_found`, `location_not_found`; `validation_failed` for an answer that is too large */
export async function getAvailability(
  database: Database,
  asked: readonly { sku: string; quantity: number; location?: string | null | undefined }[],
): Promise<AvailabilityAnswer> {
  const lines = asked.map(({ sku, quantity, location = null }) => ({ sku, quantity, location }));
  const skus = [...new Set(lines.map(({ sku }) => sku))];
  const locations = [...new Set(lines.flatMap(({ location }) => location ?? []))];
  const [known, units] = await Promise.all([
    readKnownNames(database.kysely, { skus, locations }),
    readFreeUnits(database.kysely, placesOf(lines), PLACES_MAX + 1),
  ]);
  for (const sku of skus) if (!known.skus.has(sku)) throw productNotFound(sku);
  for (const location of locations) if (!known.locations.has(location)) throw locationNotFound(location);

  const free = new Map<string, FreeAt[]>();
  for (const { sku, location, available } of units) {
    const ofSku = free.get(sku) ?? [];
    ofSku.push({ location, available });
    free.set(sku, ofSku);
  }
  const places = lines.reduce(
    (sum, { sku, location }) => sum + (location === null ? (free.get(sku)?.length ?? 0) : 1),
    0,
  );
  if (Math.max(places, units.length) > PLACES_MAX) {
    const message = `have more than ${PLACES_MAX} places together: ask for fewer at once, or name locations`;
    throw validationFailed([{ path: '/lines', message }]);
  }
  return { lines: judgeAvailability(lines, free) };
}

/** Of a product that some line may have from anywhere, the lines that name a place need no look of their own. */
function placesOf(lines: readonly AvailabilityLine[]): Parameters<typeof readFreeUnits>[1] {
  const anywhere = new Set(lines.flatMap(({ sku, location }) => (location === null ? sku : [])));
  const named = lines.flatMap(({ sku, location }) => (location === null || anywhere.has(sku) ? [] : { sku, location }));
  return { anywhere: [...anywhere], named };
}

function productNotFound(sku: string): Problem {
  return new Problem(stockProblems.productNotFound, `No product has the sku ${sku}.`);
}

function locationNotFound(code: string): Problem {
  return new Problem(stockProblems.locationNotFound, `No location has the code ${code}.`);
}
