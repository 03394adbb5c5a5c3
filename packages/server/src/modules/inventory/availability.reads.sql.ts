import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../platform/database/index.ts';

/** What a reservation could take at a level now. */
export interface FreeUnits {
  sku: string;
  location: string;
  available: number;
}

/**
 * What is free of products at active locations, by priority, then code: of `anywhere` at all of them, of `named` at those.
 * Units of holds whose time has come and that no sweep has released yet count as free, since a reserve would take them.
 * Levels that have nothing are left out.
 *
 * @param limit how many levels at most, whichever they are
 */
export async function readFreeUnits(
  db: Kysely<Tables>,
  { anywhere, named }: { anywhere: readonly string[]; named: readonly { sku: string; location: string }[] },
  limit: number,
): Promise<FreeUnits[]> {
  const skus = [...anywhere, ...named.map(({ sku }) => sku)];
  const { rows } = await sql<FreeUnits>`
    SELECT found.sku, found.location, found.available
    FROM (
      SELECT product.sku, location.code AS location, location.priority, free.units AS available
      FROM product
      JOIN level ON level.product_id = product.id
      JOIN location ON location.id = level.location_id
      CROSS JOIN LATERAL (
        SELECT level.on_hand - level.reserved - level.committed - level.safety_stock + coalesce(
          sum(line.quantity - line.shipped - line.cancelled), 0)::bigint AS units
        FROM reservation_line AS line
        WHERE line.product_id = level.product_id AND line.location_id = level.location_id
          AND line.state = 'held' AND line.expires_at <= (SELECT clock_timestamp())
      ) AS free
      WHERE product.sku = ANY (${skus}::text[]) AND product.archived_at IS NULL
        AND location.active AND location.archived_at IS NULL AND free.units > 0
        AND (product.sku = ANY (${anywhere}::text[]) OR (product.sku, location.code) IN (
          SELECT * FROM unnest(${named.map(({ sku }) => sku)}::text[], ${named.map(({ location }) => location)}::text[])))
      LIMIT ${sql.lit(limit)}
    ) AS found
    ORDER BY found.sku, found.priority, found.location`.execute(db);
  return rows;
}

/** Which of the names exist. */
export async function readKnownNames(
  db: Kysely<Tables>,
  names: { skus: readonly string[]; locations: readonly string[] },
): Promise<{ skus: Set<string>; locations: Set<string> }> {
  const { rows } = await sql<{ skus: string[]; locations: string[] }>`
    SELECT ARRAY(SELECT sku::text FROM product WHERE sku = ANY (${names.skus}::text[])) AS skus,
      ARRAY(SELECT code::text FROM location WHERE code = ANY (${names.locations}::text[])) AS locations`.execute(db);
  return { skus: new Set(rows[0]?.skus), locations: new Set(rows[0]?.locations) };
}
