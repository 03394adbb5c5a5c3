import { type LevelView, stockProblems } from '../../engine/index.ts';
import { instantMs } from '../../kernel/instant.ts';
import { Problem, validationFailed } from '../../kernel/problem.ts';
import type { Gatherer } from '../../platform/database/gather.ts';
import type { Database } from '../../platform/database/index.ts';
import { readFreeUnits, readKnownNames } from './availability.reads.sql.ts';
import { judgeAvailability, type FreeAt } from './availability.rules.ts';
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

/** @throws Problem `product_not_found`, `location_not_found` */
export async function getAvailability(
  database: Database,
  asked: readonly { sku: string; quantity: number; location?: string | null | undefined }[],
): Promise<AvailabilityAnswer> {
  const lines = asked.map(({ sku, quantity, location = null }) => ({ sku, quantity, location }));
  const skus = [...new Set(lines.map(({ sku }) => sku))];
  const locations = [...new Set(lines.flatMap(({ location }) => location ?? []))];
  const [known, units] = await Promise.all([
    readKnownNames(database.kysely, { skus, locations }),
    readFreeUnits(database.kysely, skus),
  ]);
  for (const sku of skus) if (!known.skus.has(sku)) throw productNotFound(sku);
  for (const location of locations) if (!known.locations.has(location)) throw locationNotFound(location);

  const free = new Map<string, FreeAt[]>();
  for (const { sku, location, available } of units) {
    const ofSku = free.get(sku) ?? [];
    ofSku.push({ location, available });
    free.set(sku, ofSku);
  }
  return { lines: judgeAvailability(lines, free) };
}

function productNotFound(sku: string): Problem {
  return new Problem(stockProblems.productNotFound, `No product has the sku ${sku}.`);
}

function locationNotFound(code: string): Problem {
  return new Problem(stockProblems.locationNotFound, `No location has the code ${code}.`);
}
