import { stringify } from 'csv-stringify/sync';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { toRfc3339 } from '../kernel/clock.ts';
import type { RunContext, RunFile } from '../platform/jobs/index.ts';
import { safeCell } from './csv.cells.ts';

export type Cell = string | number | null;

/** RFC 4180, lines ended by CR LF. */
export function toCsv(rows: readonly (readonly Cell[])[]): string {
  return stringify([...rows], { record_delimiter: 'windows' });
}

/** The cells of a row, by the names of their columns. */
export type Columns<Row> = Record<string, (row: Row) => Cell>;

/** The line above the first row. */
export function csvHead<Row>(columns: Columns<Row>): string {
  return toCsv([Object.keys(columns)]);
}

export function csvRows<Row>(columns: Columns<Row>, rows: readonly Row[]): string {
  const cells = Object.values(columns);
  return toCsv(rows.map((row) => cells.map((cell) => cell(row))));
}

export const csvText = (value: string | null): Cell => (value === null ? null : safeCell(value));
export const csvTime = (epochMs: number | null): Cell => (epochMs === null ? null : toRfc3339(epochMs));

const MEDIA_TYPES = {
  csv: 'text/csv; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ndjson: 'application/x-ndjson',
};

export interface TextFile {
  /** Without an ending. */
  name: string;
  format: keyof typeof MEDIA_TYPES;
  gzip?: boolean;
}

/** Keeps text with a run, piece by piece; an aborted run makes no further ones. */
export function keepText(
  context: RunContext,
  { name, format, gzip = false }: TextFile,
  pieces: AsyncIterable<string> | Iterable<string>,
): Promise<RunFile> {
  const text = untilAborted(context.signal, pieces);
  if (!gzip) return context.writeFile({ name: `${name}.${format}`, mediaType: MEDIA_TYPES[format] }, text);
  return context.writeFile({ name: `${name}.${format}.gz`, mediaType: 'application/gzip' }, packed(text));
}

async function* untilAborted(
  signal: AbortSignal,
  pieces: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string, void> {
  signal.throwIfAborted();
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted();
      yield piece;
    }
  } catch (error) {
    // What an abort broke off fails in its own way.
    signal.throwIfAborted();
    throw error;
  }
  signal.throwIfAborted();
}

function packed(pieces: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  const gzip = createGzip();
  // What the source fails with ends the stream that is read, and is met there.
  pipeline(Readable.from(pieces, { highWaterMark: 1 }), gzip, () => undefined);
  return gzip;
}
