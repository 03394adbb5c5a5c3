import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import type { ProductTable, Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder, type OrderColumn } from '../../platform/database/keyset.ts';
import { toRfc3339 } from '../../kernel/clock.ts';

export type Product = Selectable<ProductTable>;

/** A product to be made, every member given. */
export interface NewProduct {
  sku: string;
  name: string;
  description: string | null;
  category: string | null;
  attributes: Record<string, unknown> | null;
  unitCost: number | null;
  reorderPoint: number | null;
  reorderQuantity: number | null;
  maxLevel: number | null;
  safetyStock: number;
}

/**
 * Makes the products whose sku is free and answers their rows; the others are passed over. A sku that another
 * transaction is taking at this moment is waited for. In the order of skus, so that two batches that share names wait
 * for each other and never both at once.
 */
export async function insertProducts(
  tx: Transaction<Tables>,
  products: readonly NewProduct[],
  nowMs: number,
): Promise<Product[]> {
  const { rows } = await sql<Product>`
    INSERT INTO product (sku, name, description, category, attributes, unit_cost, reorder_point, reorder_quantity,
      max_level, safety_stock, created_at, updated_at)
    SELECT sku, name, description, category, attributes, "unitCost", "reorderPoint", "reorderQuantity", "maxLevel",
      "safetyStock", ${toRfc3339(nowMs)}::timestamptz, ${toRfc3339(nowMs)}::timestamptz
    FROM jsonb_to_recordset(${JSON.stringify(products)}::jsonb) AS asked (sku text, name text, description text,
      category text, attributes jsonb, "unitCost" numeric, "reorderPoint" bigint, "reorderQuantity" bigint,
      "maxLevel" bigint, "safetyStock" bigint)
    ORDER BY sku COLLATE "C"
    ON CONFLICT (sku) DO NOTHING
    RETURNING *`.execute(tx);
  return rows;
}

export async function findProduct(db: Kysely<Tables>, sku: string): Promise<Product | undefined> {
  return db.selectFrom('product').selectAll().where('sku', '=', sku).executeTakeFirst();
}

export type ProductSortField = 'sku' | 'name' | 'createdAt' | 'updatedAt';

const ID: OrderColumn = { ref: 'product.id', kind: 'integer' };

/** Every order has its index; those that are not unique by themselves end with the product's key. */
const ORDER_COLUMNS: Record<ProductSortField, readonly OrderColumn[]> = {
  sku: [{ ref: 'product.sku', kind: 'text' }],
  name: [{ ref: 'product.name', kind: 'text' }, ID],
  createdAt: [{ ref: 'product.created_at', kind: 'time' }, ID],
  updatedAt: [{ ref: 'product.updated_at', kind: 'time' }, ID],
};

export function productOrder(field: ProductSortField, descending: boolean): ListOrder {
  return { columns: ORDER_COLUMNS[field], descending };
}

/** Where a row stands in that order. */
export function productPosition(field: ProductSortField, row: Product): (string | number)[] {
  if (field === 'sku') return [row.sku];
  if (field === 'name') return [row.name, row.id];
  return [field === 'createdAt' ? row.created_at : row.updated_at, row.id];
}

export interface ProductFilter {
  search?: string | undefined;
  category?: string | undefined;
  archived: boolean;
}

/**
 * One page of products and one row more. The search folds case by the database's own rules, which fold every letter,
 * where those of the columns (COLLATE "C") fold only A to Z.
 */
export async function listProducts(
  db: Kysely<Tables>,
  filter: ProductFilter,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<Product[]> {
  let query = db
    .selectFrom('product')
    .selectAll()
    .where('archived_at', filter.archived ? 'is not' : 'is', null)
    .where(rowsAfter(order, page.list, page.cursor));
  if (filter.category !== undefined) query = query.where('category', '=', filter.category);
  if (filter.search !== undefined) {
    const pattern = `%${escapeLike(filter.search)}%`;
    query = query.where((where) =>
      where.or([
        sql<boolean>`product.sku ILIKE ${pattern}`,
        sql<boolean>`product.name COLLATE "default" ILIKE ${pattern}`,
      ]),
    );
  }
  return query
    .orderBy(inOrder(order))
    .limit(page.limit + 1)
    .execute();
}

/** The text itself, where LIKE would read `%`, `_` and `\` as its own. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
