import type { Engine } from '../../engine/index.ts';
import { toRfc3339, type Clock } from '../../kernel/clock.ts';
import type { CommandMeta } from '../../kernel/command.ts';
import type { Database } from '../../platform/database/index.ts';
import { NewProductBody } from '../catalog/index.ts';
import { mapColumns, type Mapping } from './column.mapping.ts';
import { inspectCsv, readRows, type CsvFile, type CsvRow } from './csv.file.ts';
import { ImportRefused, type RefusedRow } from './import.refused.ts';
import { Tally, type ImportProgress, type ImportReport } from './import.report.ts';
import { findEarlierImport } from './import.sql.ts';
import { FLAGS, type Wording } from './import.wording.ts';
import { PRODUCT_FIELDS, PRODUCT_KINDS, ProductImport, type ProductItem } from './product.import.ts';
import { RowReader } from './row.reader.ts';
import { STOCK_FIELDS, STOCK_KINDS, StockImport, StockRow, type StockItem, type StockMode } from './stock.import.ts';

export interface ImportOptions {
  database: Database;
  engine: Engine;
  clock: Clock;
  path: string;
  /** What the file is called, in messages and in the report; absent: its path. */
  name?: string;
  /** Who imports. The key is not used, only whose it is. Absent: the duty `system:import`. */
  meta?: CommandMeta;
  /** Absent: that of the command line. */
  wording?: Wording;
  /** Columns by field, where the header does not say. */
  map?: ReadonlyMap<string, string>;
  /** Absent: found out. */
  delimiter?: string;
  decimalComma?: boolean;
  /** Looks at every row and writes nothing. */
  dryRun?: boolean;
  /** Stops it between two chunks: the same file again goes on there. */
  signal?: AbortSignal;
  /** Told of the file before its first row. */
  onFile?: (file: CsvFile) => void | Promise<void>;
  onRefused?: (row: RefusedRow) => void;
  onProgress?: (progress: ImportProgress) => void;
}

export interface ProductImportRequest extends ImportOptions {
  /** Products that exist take the values of their rows. */
  updates?: boolean;
}

export interface StockImportRequest extends ImportOptions {
  mode: StockMode;
  /** Of files that have no column for it. */
  location?: string;
  force?: boolean;
  /** Names another import of the same file, which is then done beside the first. */
  again?: string;
  /**
   * Names this import whatever its file holds. What goes on under it adds the same file or none; counts may be of another
   * one, since the last count of a level is the one that counts.
   */
  reference?: string;
}

/** Rows of the file that are settled together. */
const CHUNK_ROWS = 500;
/** Two share a commit, the others gather meanwhile. */
const ADD_CHUNKS_AT_ONCE = 4;
/** Idempotency keys are kept for 24 hours; before that, there is time to finish. */
const RESUMABLE_MS = 23 * 3_600_000;
const META: CommandMeta = { actor: 'system:import', requestId: 'import', idempotency: null };

/**
 * Makes and changes products by a CSV file, in constant memory.
 *
 * @throws ImportRefused, and what the database throws
 */
export async function importProducts(request: ProductImportRequest): Promise<ImportReport> {
  const { database, engine, clock, dryRun = false, updates = false, wording = FLAGS, signal } = request;
  // It looks before it writes: its commands need no keys.
  const meta = { ...(request.meta ?? META), idempotency: null };
  const run = new ImportRun(request);
  const file = await run.open();
  const mapping = mapColumns(PRODUCT_FIELDS, file.header, request.map ?? new Map(), wording);
  const reader = new RowReader<NewProductBody>(NewProductBody, {
    mapping,
    columns: file.header.length,
    kinds: PRODUCT_KINDS,
    ...formatOf(request),
  });
  const imports = new ProductImport({
    database,
    engine,
    clock,
    signal,
    meta,
    tally: run.tally,
    updates,
    wording,
    dryRun,
  });
  await run.eachChunk(1, async (rows) => {
    const items: ProductItem[] = run.readAll(reader, rows);
    await imports.importChunk(items);
  });
  return run.report('products', file, mapping);
}

/**
 * Adjusts levels by a CSV file, in constant memory. The same file again goes on where it stopped.
 *
 * @throws ImportRefused, and what the database throws
 */
export async function importStock(request: StockImportRequest): Promise<ImportReport> {
  const { database, engine, clock, mode, location, again, dryRun = false, force = false } = request;
  const { meta = META, wording = FLAGS, signal } = request;
  const run = new ImportRun(request);
  const file = await run.open();
  const supplied = location === undefined ? {} : { location };
  const mapping = mapColumns(
    STOCK_FIELDS,
    file.header,
    request.map ?? new Map(),
    wording,
    new Set(Object.keys(supplied)),
  );
  const reader = new RowReader<StockRow>(StockRow, {
    mapping,
    columns: file.header.length,
    kinds: STOCK_KINDS,
    supplied,
    ...formatOf(request),
  });
  const reference = request.reference ?? (again === undefined ? file.digest : `${file.digest}.${again}`);
  const keyName = request.reference !== undefined && mode === 'set' ? `${reference}.${file.digest}` : reference;
  if (!dryRun) await refuseForgotten(database, reference, wording);
  const options = {
    database,
    engine,
    clock,
    signal,
    meta,
    tally: run.tally,
    mode,
    force,
    wording,
    dryRun,
    reference,
    keyName,
  };
  const imports = new StockImport(options);
  // Of what came in the order does not matter; the last count of a level is the one that counts.
  await run.eachChunk(mode === 'add' ? ADD_CHUNKS_AT_ONCE : 1, async (rows, chunk) => {
    const items: StockItem[] = run.readAll(reader, rows);
    await imports.importChunk(items, chunk);
  });
  return run.report('stock', file, mapping);
}

function formatOf({ decimalComma }: ImportOptions): { decimalComma?: boolean } {
  return decimalComma === undefined ? {} : { decimalComma };
}

/**
 * Once its keys are gone, an import would do again what it did.
 *
 * @throws ImportRefused
 */
async function refuseForgotten(database: Database, reference: string, wording: Wording): Promise<void> {
  const earlier = await findEarlierImport(database, reference);
  if (earlier === null || earlier.ageMs < RESUMABLE_MS) return;
  throw new ImportRefused(
    `This file was imported at ${toRfc3339(earlier.at)}. What of it was done is remembered for a day only: to import it ` +
      `once more, beside what was done then, ${wording.again}.`,
  );
}

/** One file's way through an import. */
class ImportRun {
  readonly tally: Tally;
  readonly #request: ImportOptions;
  readonly #startedMs: number;
  #file: CsvFile | null = null;

  constructor(request: ImportOptions) {
    this.#request = request;
    this.#startedMs = request.clock.monotonic();
    this.tally = new Tally((row) => request.onRefused?.(row));
  }

  async open(): Promise<CsvFile> {
    const { path, name, delimiter, onFile } = this.#request;
    this.#file = await inspectCsv(path, delimiter ?? null, name);
    await onFile?.(this.#file);
    return this.#file;
  }

  /** The rows that are values; the others are refused. */
  readAll<Value>(reader: RowReader<Value>, rows: readonly CsvRow[]): { row: CsvRow; value: Value }[] {
    const items: { row: CsvRow; value: Value }[] = [];
    for (const row of rows) {
      const read = reader.read(row);
      if ('refused' in read) this.tally.refuse(read.refused);
      else items.push({ row, value: read.value });
    }
    return items;
  }

  /** Chunks of the file, in its order, so many at a time: where each begins depends on the file alone. */
  async eachChunk(atOnce: number, work: (rows: readonly CsvRow[], chunk: number) => Promise<void>): Promise<void> {
    const file = this.#file;
    if (file === null) throw new Error('a file is opened before it is read');
    const inFlight = new Set<Promise<void>>();
    const failures: unknown[] = [];
    const refuseFailed = (): void => {
      if (failures.length > 0) throw failures[0];
    };
    let rows: CsvRow[] = [];
    let chunk = 0;
    const start = async (): Promise<void> => {
      this.#refuseStopped(file);
      // A chunk may fail while nobody waits for it: what it failed with is kept.
      const settled = this.#settle(file, rows, work(rows, chunk))
        .catch((error: unknown) => void failures.push(error))
        .finally(() => inFlight.delete(settled));
      inFlight.add(settled);
      rows = [];
      chunk += 1;
      if (inFlight.size >= atOnce) await Promise.race(inFlight);
      refuseFailed();
    };
    try {
      for await (const row of readRows(file)) {
        rows.push(row);
        if (rows.length === CHUNK_ROWS) await start();
      }
      if (rows.length > 0) await start();
    } finally {
      await Promise.all(inFlight);
    }
    refuseFailed();
  }

  async #settle(file: CsvFile, rows: readonly CsvRow[], work: Promise<void>): Promise<void> {
    await work;
    const { counts } = this.tally;
    counts.rows += rows.length;
    const fraction = file.rows === 0 ? 1 : counts.rows / file.rows;
    this.#request.onProgress?.({ fraction, rows: counts.rows, refused: counts.refused });
  }

  #refuseStopped(file: CsvFile): void {
    if (this.#request.signal?.aborted !== true) return;
    throw new ImportRefused(`Stopped before the end of ${file.name}. Import the same file again to go on.`);
  }

  report(kind: ImportReport['kind'], file: CsvFile, mapping: Mapping): ImportReport {
    const { clock, dryRun = false } = this.#request;
    return {
      kind,
      file: file.name,
      digest: file.digest,
      dryRun,
      columns: Object.fromEntries([...mapping].map(([field, place]) => [field, file.header[place] ?? ''])),
      ...this.tally.counts,
      firstRefused: this.tally.firstRefused,
      durationMs: Math.round(clock.monotonic() - this.#startedMs),
    };
  }
}
