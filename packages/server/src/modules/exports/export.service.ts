import { stringify } from 'csv-stringify/sync';
import type { RawBuilder } from 'kysely';
import { ledgerEntryView, levelView, productView, shownAvailable, shortageOf } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import { safeCell } from '../csv.cells.ts';
import {
  findUnknown,
  selectLedger,
  selectProducts,
  selectStock,
  streamRows,
  type LedgerExport,
  type LedgerFilter,
  type ProductExport,
  type StockExport,
  type StockFilter,
} from './export.sql.ts';

export type ExportFormat = 'csv' | 'ndjson';

export type ExportRequest =
  | { what: 'products'; includeArchived: boolean }
  | { what: 'stock'; filter: StockFilter }
  | { what: 'ledger'; filter: LedgerFilter };

/** What was asked for cannot be exported. */
export class ExportRefused extends Error {
  override name = 'ExportRefused';
}

export interface ExportOptions {
  database: Database;
  request: ExportRequest;
  format: ExportFormat;
  /** Told of each batch of rows. */
  onRows?: (count: number) => void;
}

/**
 * The export as text, piece by piece, in constant memory and of one snapshot. CSV (RFC 4180, with a header, lines ended
 * by CR LF) or a JSON object per line, as the API shows it.
 *
 * @throws ExportRefused for a name that does not exist
 */
export async function* exportText({ database, request, format, onRows }: ExportOptions): AsyncGenerator<string, void> {
  switch (request.what) {
    case 'products':
      return yield* render(database, selectProducts(request.includeArchived), PRODUCTS, format, onRows);
    case 'stock':
      await refuseUnknown(database, request.filter);
      return yield* render(database, selectStock(request.filter), STOCK, format, onRows);
    case 'ledger':
      await refuseUnknown(database, request.filter);
      return yield* render(database, selectLedger(request.filter), LEDGER, format, onRows);
  }
}

async function refuseUnknown(database: Database, filter: StockFilter): Promise<void> {
  const unknown = await findUnknown(database, filter);
  if (unknown.length > 0) throw new ExportRefused(unknown.join(' '));
}

type Cell = string | number | null;

/** How a row looks: its cells in CSV, by column, and the object of a line of JSON. */
interface Shape<Row> {
  columns: Record<string, (row: Row) => Cell>;
  toJson: (row: Row) => object;
}

async function* render<Row>(
  database: Database,
  query: RawBuilder<Row>,
  shape: Shape<Row>,
  format: ExportFormat,
  onRows: ((count: number) => void) | undefined,
): AsyncGenerator<string, void> {
  const cells = Object.values(shape.columns);
  if (format === 'csv') yield toCsv([Object.keys(shape.columns)]);
  for await (const rows of streamRows(database, query)) {
    yield format === 'csv'
      ? toCsv(rows.map((row) => cells.map((cell) => cell(row))))
      : rows.map((row) => `${JSON.stringify(shape.toJson(row))}\n`).join('');
    onRows?.(rows.length);
  }
}

function toCsv(rows: Cell[][]): string {
  return stringify(rows, { record_delimiter: 'windows' });
}

const text = (value: string | null): Cell => (value === null ? null : safeCell(value));
const time = (epochMs: number | null): Cell => (epochMs === null ? null : toRfc3339(epochMs));

/** `import products` reads these names back. */
const PRODUCTS: Shape<ProductExport> = {
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

const STOCK: Shape<StockExport> = {
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

const LEDGER: Shape<LedgerExport> = {
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
