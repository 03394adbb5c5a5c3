import { sql } from 'kysely';
import type { ProductRow } from '../../engine/index.ts';
import type { Database } from '../../platform/database/index.ts';

export async function findProducts(database: Database, skus: readonly string[]): Promise<ProductRow[]> {
  const { rows } = await sql<ProductRow>`
    SELECT sku, name, description, category, attributes, unit_cost, reorder_point, reorder_quantity, max_level,
      safety_stock, version, created_at, updated_at, archived_at
    FROM product WHERE sku = ANY (${skus}::text[])`.execute(database.kysely);
  return rows;
}

/** What a level's names and units say of an adjustment that is not made. */
export interface LevelForecast {
  place: number;
  hasProduct: boolean;
  productArchived: boolean;
  hasLocation: boolean;
  locationArchived: boolean;
  onHand: number;
  promised: number;
}

/** Levels by their names, in the order asked for; those without a row are zeros. */
export async function forecastLevels(
  database: Database,
  names: readonly { sku: string; location: string }[],
): Promise<LevelForecast[]> {
  const { rows } = await sql<LevelForecast>`
    SELECT asked.place, p.id IS NOT NULL AS "hasProduct", p.archived_at IS NOT NULL AS "productArchived",
      o.id IS NOT NULL AS "hasLocation", o.archived_at IS NOT NULL AS "locationArchived",
      coalesce(l.on_hand, 0) AS "onHand", coalesce(l.reserved + l.committed, 0) AS promised
    FROM unnest(${names.map(({ sku }) => sku)}::text[], ${names.map(({ location }) => location)}::text[])
      WITH ORDINALITY AS asked (sku, code, place)
    LEFT JOIN product p ON p.sku = asked.sku
    LEFT JOIN location o ON o.code = asked.code
    LEFT JOIN level l ON l.product_id = p.id AND l.location_id = o.id
    ORDER BY asked.place`.execute(database.kysely);
  return rows;
}

/** When an import first moved stock, and how long ago that is. */
export interface EarlierImport {
  at: number;
  ageMs: number;
}

/** Index (reference_id, reference_type, at, seq). */
export async function findEarlierImport(database: Database, reference: string): Promise<EarlierImport | null> {
  const { rows } = await sql<EarlierImport>`
    SELECT at, (extract(epoch FROM clock_timestamp() - at) * 1000)::bigint AS "ageMs" FROM ledger_entry
    WHERE reference_id = ${reference} AND reference_type = 'import' AND reference_type IS NOT NULL
      AND reference_type <> 'reservation'
    ORDER BY at, seq LIMIT 1`.execute(database.kysely);
  return rows[0] ?? null;
}
