import type { Database } from '../../platform/database/index.ts';
import { createGatherer, type Gatherer } from '../../platform/database/gather.ts';
import { levelView, type LevelView } from '../../engine/index.ts';

export interface LevelKey {
  sku: string;
  code: string;
}

/** The level, or which of the two names does not exist. */
export type LevelAnswer = LevelView | 'no product' | 'no location';

/** Keys of one round. Rounds of more gain nothing: 400 reads already pay one round trip. */
const ROUND_MAX = 400;

/** What {@link LEVELS} selects, in its order. */
type LevelColumns = [
  place: number,
  productFound: boolean,
  locationFound: boolean,
  active: boolean | null,
  onHand: number | null,
  reserved: number | null,
  committed: number | null,
  incoming: number | null,
  safetyStock: number,
  reorderPoint: number | null,
  reorderQuantity: number | null,
  maxLevel: number | null,
  zone: string | null,
  aisle: string | null,
  shelf: string | null,
  version: number | null,
  lastMovementAt: number | null,
  lastCountAt: number | null,
];

/**
 * All levels of a round in one statement. A level that nothing touched has no row and shows its product's settings.
 * An archived location keeps answering, with nothing available.
 */
const LEVELS = `
  SELECT asked.place::integer, product.id IS NOT NULL, location.id IS NOT NULL,
    location.active AND location.archived_at IS NULL,
    level.on_hand, level.reserved, level.committed, level.incoming,
    coalesce(level.safety_stock, product.safety_stock),
    CASE WHEN level.product_id IS NULL THEN product.reorder_point ELSE level.reorder_point END,
    CASE WHEN level.product_id IS NULL THEN product.reorder_quantity ELSE level.reorder_quantity END,
    CASE WHEN level.product_id IS NULL THEN product.max_level ELSE level.max_level END,
    level.zone, level.aisle, level.shelf, level.version, level.last_movement_at, level.last_count_at
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (sku, code, place)
  LEFT JOIN product ON product.sku = asked.sku
  LEFT JOIN location ON location.code = asked.code
  LEFT JOIN level ON level.product_id = product.id AND level.location_id = location.id`;

/** One level by its names: the hot read, gathered. */
export function createLevelReader(database: Database): Gatherer<LevelKey, LevelAnswer> {
  return createGatherer({
    maxKeys: ROUND_MAX,
    // No name holds a slash.
    idOf: ({ sku, code }) => `${sku}/${code}`,
    load: async (keys: LevelKey[]) => {
      const { rows } = await database.pool.query<LevelColumns>({
        name: 'levels',
        text: LEVELS,
        values: [nameList(keys, (key) => key.sku), nameList(keys, (key) => key.code)],
        rowMode: 'array',
      });
      const answers = new Array<LevelAnswer>(keys.length);
      for (const row of rows) {
        const key = keys[row[0] - 1];
        if (key !== undefined) answers[row[0] - 1] = toAnswer(key, row);
      }
      return answers;
    },
  });
}

/** An array literal. Names hold nothing that would need escaping; the driver looks at every character for it. */
function nameList(keys: readonly LevelKey[], nameOf: (key: LevelKey) => string): string {
  return `{"${keys.map(nameOf).join('","')}"}`;
}

function toAnswer(key: LevelKey, row: LevelColumns): LevelAnswer {
  if (!row[1]) return 'no product';
  if (!row[2]) return 'no location';
  const facts = {
    onHand: row[4] ?? 0,
    reserved: row[5] ?? 0,
    committed: row[6] ?? 0,
    incoming: row[7] ?? 0,
    safetyStock: row[8],
    reorderPoint: row[9],
    reorderQuantity: row[10],
    maxLevel: row[11],
    zone: row[12],
    aisle: row[13],
    shelf: row[14],
    version: row[15] ?? 0,
    lastMovementAt: row[16],
    lastCountAt: row[17],
  };
  return levelView(facts, key.sku, key.code, row[3] === true);
}
