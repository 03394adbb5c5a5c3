import { toRfc3339 } from '../kernel/clock.ts';

/** What a product's row says, as the database's driver gives it: times in milliseconds, numeric as text. */
export interface ProductRow {
  sku: string;
  name: string;
  description: string | null;
  category: string | null;
  attributes: unknown;
  unit_cost: string | null;
  reorder_point: number | null;
  reorder_quantity: number | null;
  max_level: number | null;
  safety_stock: number;
  version: number;
  created_at: number;
  updated_at: number;
  archived_at: number | null;
}

/** A product as the API shows it. */
export interface ProductView {
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
  version: number;
  createdAt: string;
  updatedAt: string;
  archivedAt: string | null;
}

export function productView(row: ProductRow): ProductView {
  return {
    sku: row.sku,
    name: row.name,
    description: row.description,
    category: row.category,
    attributes: row.attributes as Record<string, unknown> | null,
    // At most 10^9 with four decimals: 14 digits, which a double gives back exactly.
    unitCost: row.unit_cost === null ? null : Number(row.unit_cost),
    reorderPoint: row.reorder_point,
    reorderQuantity: row.reorder_quantity,
    maxLevel: row.max_level,
    safetyStock: row.safety_stock,
    version: row.version,
    createdAt: toRfc3339(row.created_at),
    updatedAt: toRfc3339(row.updated_at),
    archivedAt: row.archived_at === null ? null : toRfc3339(row.archived_at),
  };
}
