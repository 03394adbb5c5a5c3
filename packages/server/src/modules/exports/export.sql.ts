import { sql, type RawBuilder } from 'kysely';
import type { LedgerType, LevelFacts, ProductRow } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';

export type ProductExport = ProductRow;

export function selectProducts(includeArchived: boolean): RawBuilder<ProductExport> {
  return sql<ProductExport>`
    SELECT sku, name, description, category, attributes, unit_cost, reorder_point, reorder_quantity, max_level,
      safety_stock, version, created_at, updated_at, archived_at
    FROM product WHERE ${includeArchived} OR archived_at IS NULL ORDER BY sku`;
}

export interface StockFilter {
  sku?: string | undefined;
  location?: string | undefined;
  /** Of several; absent: all. */
  locations?: readonly string[] | undefined;
}

export interface StockExport extends LevelFacts {
  sku: string;
  name: string;
  location: string;
  /** The location takes reservations. */
  isOpen: boolean;
  /** Of the product; numeric as text. */
  unitCost: string | null;
}

export function selectStock({ sku, location, locations }: StockFilter): RawBuilder<StockExport> {
  return sql<StockExport>`
    SELECT p.sku, p.name, o.code AS location, o.active AND o.archived_at IS NULL AS "isOpen", l.on_hand AS "onHand",
      l.reserved, l.committed, l.incoming, l.safety_stock AS "safetyStock", l.reorder_point AS "reorderPoint",
      l.reorder_quantity AS "reorderQuantity", l.max_level AS "maxLevel", l.zone, l.aisle, l.shelf, l.version,
      l.last_movement_at AS "lastMovementAt", l.last_count_at AS "lastCountAt", p.unit_cost AS "unitCost"
    FROM level l JOIN product p ON p.id = l.product_id JOIN location o ON o.id = l.location_id
    WHERE p.archived_at IS NULL AND ${isName('p.sku', sku)} AND ${isName('o.code', location)}
      AND ${locations === undefined ? sql`true` : sql`o.code = ANY (${locations}::text[])`}
    ORDER BY p.sku, o.code`;
}

export interface LedgerFilter {
  sku?: string | undefined;
  location?: string | undefined;
  /** Milliseconds since the epoch, inclusive. */
  fromMs?: number | undefined;
  /** Exclusive. */
  toMs?: number | undefined;
}

export interface LedgerExport {
  seq: number;
  at: number;
  type: LedgerType;
  sku: string;
  location: string;
  deltaOnHand: number;
  deltaReserved: number;
  deltaCommitted: number;
  onHand: number;
  reserved: number;
  committed: number;
  referenceType: string | null;
  referenceId: string | null;
  reason: string | null;
  notes: string | null;
  unitCost: string | null;
  lot: string | null;
  actor: string;
}

/** Oldest first: what is exported again later begins with the same rows. Names are looked up before the cursor is. */
export function selectLedger({ sku, location, fromMs, toMs }: LedgerFilter): RawBuilder<LedgerExport> {
  return sql<LedgerExport>`
    SELECT e.seq, e.at, e.type, p.sku, o.code AS location, e.delta_on_hand AS "deltaOnHand",
      e.delta_reserved AS "deltaReserved", e.delta_committed AS "deltaCommitted", e.on_hand AS "onHand", e.reserved,
      e.committed, e.reference_type AS "referenceType", e.reference_id AS "referenceId", e.reason, e.notes,
      e.unit_cost AS "unitCost", e.lot, e.actor
    FROM ledger_entry e JOIN product p ON p.id = e.product_id JOIN location o ON o.id = e.location_id
    WHERE ${fromMs === undefined ? sql`true` : sql`e.at >= ${toRfc3339(fromMs)}::timestamptz`}
      AND ${toMs === undefined ? sql`true` : sql`e.at < ${toRfc3339(toMs)}::timestamptz`}
      AND ${sku === undefined ? sql`true` : sql`e.product_id = (SELECT id FROM product WHERE sku = ${sku})`}
      AND ${location === undefined ? sql`true` : sql`e.location_id = (SELECT id FROM location WHERE code = ${location})`}
    ORDER BY e.at, e.seq`;
}

/** Which of the names do not exist. */
export async function findUnknown(
  database: Database,
  { sku, location, locations = [] }: StockFilter,
): Promise<string[]> {
  const codes = location === undefined ? locations : [location, ...locations];
  const { rows } = await sql<{ hasProduct: boolean; unknown: string[] }>`
    SELECT EXISTS (SELECT FROM product WHERE product.sku = ${sku ?? ''}) AS "hasProduct",
      ARRAY(SELECT code FROM unnest(${codes}::text[]) AS asked (code)
        WHERE NOT EXISTS (SELECT FROM location WHERE location.code = asked.code)) AS unknown`.execute(database.kysely);
  const [{ hasProduct, unknown } = { hasProduct: false, unknown: [] }] = rows;
  const products = sku === undefined || hasProduct ? [] : [`There is no product ${sku}.`];
  return [...products, ...unknown.map((code) => `There is no location ${code}.`)];
}

function isName(column: string, name: string | undefined): RawBuilder<unknown> {
  return name === undefined ? sql`true` : sql`${sql.ref(column)} = ${name}`;
}
