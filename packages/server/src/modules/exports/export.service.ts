import type { RawBuilder } from 'kysely';
import type { Database } from '../../platform/database/index.ts';
import { PermanentError } from '../../platform/jobs/index.ts';
import { csvHead } from '../run.files.ts';
import { LEDGER, PRODUCTS, rowsText, STOCK, type ExportFormat, type RowShape } from './export.shapes.ts';
import {
  findUnknown,
  selectLedger,
  selectProducts,
  selectStock,
  type LedgerFilter,
  type StockFilter,
} from './export.sql.ts';
import { streamRows } from './row.stream.sql.ts';

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
  signal?: AbortSignal;
}

/**
 * The export as text, piece by piece, in constant memory and of one snapshot. CSV (RFC 4180, with a header, lines ended
 * by CR LF) or a JSON object per line, as the API shows it.
 *
 * @throws ExportRefused for a name that does not exist
 */
export async function* exportText(options: ExportOptions): AsyncGenerator<string, void> {
  const { database, request } = options;
  switch (request.what) {
    case 'products':
      return yield* render(selectProducts(request.includeArchived), PRODUCTS, options);
    case 'stock':
      await refuseUnknown(database, request.filter);
      return yield* render(selectStock(request.filter), STOCK, options);
    case 'ledger':
      await refuseUnknown(database, request.filter);
      return yield* render(selectLedger(request.filter), LEDGER, options);
  }
}

/**
 * For a run: it cannot do with names that do not exist, however often it is attempted.
 *
 * @throws PermanentError
 */
export async function requireNames(database: Database, filter: StockFilter): Promise<void> {
  const unknown = await findUnknown(database, filter);
  if (unknown.length > 0) throw new PermanentError(unknown.join(' '));
}

async function refuseUnknown(database: Database, filter: StockFilter): Promise<void> {
  const unknown = await findUnknown(database, filter);
  if (unknown.length > 0) throw new ExportRefused(unknown.join(' '));
}

async function* render<Row>(
  query: RawBuilder<Row>,
  shape: RowShape<Row>,
  { database, format, onRows, signal }: ExportOptions,
): AsyncGenerator<string, void> {
  if (format === 'csv') yield csvHead(shape.columns);
  for await (const rows of streamRows(database, query, signal === undefined ? {} : { signal })) {
    yield rowsText(shape, rows, format);
    onRows?.(rows.length);
  }
}
