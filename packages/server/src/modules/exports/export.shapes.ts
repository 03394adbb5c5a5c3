import { ledgerEntryView, levelView, productView, shownAvailable, shortageOf } from '../../engine/index.ts';
import { csvRows, csvText as text, csvTime as time, type Columns } from '../run.files.ts';
import type { LedgerExport, ProductExport, StockExport } from './export.sql.ts';

export type ExportFormat = 'csv' | 'ndjson';

/** How a row looks: its cells in CSV, by column, and the object of a line of JSON. */
export interface RowShape<Row> {
  columns: Columns<Row>;
  toJson: (row: Row) => object;
}

export function rowsText<Row>({ columns, toJson }: RowShape<Row>, rows: readonly Row[], format: ExportFormat): string {
  if (format === 'ndjson') return rows.map((row) => `${JSON.stringify(toJson(row))}\n`).join('');
  return csvRows(columns, rows);
}

/** `import products` reads these names back. */
export const PRODUCTS: RowShape<ProductExport> = {
  columns: {
    sku: (row) => row.sku,
    name: (row) => text(row.name),
    description: (row) => text(row.description),
    category: (row) => text(row.category),
    attributes: (row) => (row.attributes === null ? null : JSON.stringify(row.attributes)),
    unitCost: (row) => (row.unit_cost === null ? null : Number(row.unit_cost)),
    reorderPoint: (row) => row.reorder_point,
    reorderQuantity: (row) => row.reorder_quantity,
    maxLevel: (row) => row.max_level,
    safetyStock: (row) => row.safety_stock,
    version: (row) => row.version,
    createdAt: (row) => time(row.created_at),
    updatedAt: (row) => time(row.updated_at),
    archivedAt: (row) => time(row.archived_at),
  },
  toJson: productView,
};

export const STOCK: RowShape<StockExport> = {
  columns: {
    sku: (row) => row.sku,
    name: (row) => text(row.name),
    location: (row) => row.location,
    onHand: (row) => row.onHand,
    reserved: (row) => row.reserved,
    committed: (row) => row.committed,
    safetyStock: (row) => row.safetyStock,
    available: (row) => shownAvailable(row, row.isOpen),
    incoming: (row) => row.incoming,
    shortage: (row) => shortageOf(row),
    reorderPoint: (row) => row.reorderPoint,
    reorderQuantity: (row) => row.reorderQuantity,
    maxLevel: (row) => row.maxLevel,
    zone: (row) => text(row.zone),
    aisle: (row) => text(row.aisle),
    shelf: (row) => text(row.shelf),
    version: (row) => row.version,
    lastMovementAt: (row) => time(row.lastMovementAt),
    lastCountAt: (row) => time(row.lastCountAt),
  },
  toJson: (row) => levelView(row, row.sku, row.location, row.isOpen),
};

export const LEDGER: RowShape<LedgerExport> = {
  columns: {
    seq: (row) => row.seq,
    at: (row) => time(row.at),
    type: (row) => row.type,
    sku: (row) => row.sku,
    location: (row) => row.location,
    deltaOnHand: (row) => row.deltaOnHand,
    deltaReserved: (row) => row.deltaReserved,
    deltaCommitted: (row) => row.deltaCommitted,
    onHand: (row) => row.onHand,
    reserved: (row) => row.reserved,
    committed: (row) => row.committed,
    referenceType: (row) => text(row.referenceType),
    referenceId: (row) => text(row.referenceId),
    reason: (row) => text(row.reason),
    notes: (row) => text(row.notes),
    unitCost: (row) => (row.unitCost === null ? null : Number(row.unitCost)),
    lot: (row) => text(row.lot),
    actor: (row) => text(row.actor),
  },
  toJson: (row) => ledgerEntryView({ ...row, unitCost: row.unitCost === null ? null : Number(row.unitCost) }),
};
