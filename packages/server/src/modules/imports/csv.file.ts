import { CsvError, parse } from 'csv-parse';
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { ImportRefused } from './import.refused.ts';

/** What is known of a file before a row of it is imported. */
export interface CsvFile {
  path: string;
  /** What it is called, in messages and reports. */
  name: string;
  bytes: number;
  /** SHA-256 of its content, in hex: a file that was changed is another one. */
  digest: string;
  delimiter: string;
  /** What ends a row. */
  lineEnds: readonly string[];
  header: string[];
  /** Rows without the header. */
  rows: number;
}

/** A row as it stands in the file. */
export interface CsvRow {
  line: number;
  /** How far into the file it ends. */
  bytes: number;
  cells: string[];
}

const RECORD_MAX_CHARACTERS = 1_048_576;
const FAULTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted field has no end',
  CSV_MAX_RECORD_SIZE: 'a row is longer than 1 MiB, or a quoted field has no end',
};
const LOOK_BYTES = 65_536;
const DELIMITERS = [',', ';', '\t', '|'];

/**
 * Reads a file once, to its end, before anything is done: its digest, whether it is UTF-8, its delimiter (the one that
 * its first line has most of), whether its quotes add up, and whether somebody still writes to it. A fault in its middle
 * must not be found when half of it is imported.
 *
 * @throws ImportRefused
 */
export async function inspectCsv(path: string, delimiter: string | null, name = path): Promise<CsvFile> {
  const before = await statOf(path);
  const head = await readHead(path);
  refuseOtherEncodings(head);
  const { text, lineEnds } = firstLine(head.toString('utf8'));
  const known = { path, name, delimiter: delimiter ?? delimiterIn(text), lineEnds };
  const hash = createHash('sha256');
  let header: string[] | null = null;
  let rows = 0;
  for await (const { cells } of parseRows(known, new Utf8Check(name, hash))) {
    if (header === null) header = cells;
    else rows += 1;
  }
  if (header === null) throw new ImportRefused(`${name} is empty: its first line must name the columns.`);
  const after = await statOf(path);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
    throw new ImportRefused(`${name} is being written to, and nothing was done: import it when all of it is there.`);
  }
  return { ...known, bytes: after.size, digest: hash.digest('hex'), header, rows };
}

/**
 * Its rows, one after another, without the header.
 *
 * @throws ImportRefused, at the end, where it is no longer the file that was inspected
 */
export async function* readRows(file: CsvFile): AsyncGenerator<CsvRow, void> {
  const hash = createHash('sha256');
  let isHeader = true;
  for await (const row of parseRows(file, new Utf8Check(file.name, hash))) {
    if (!isHeader) yield row;
    isHeader = false;
  }
  if (hash.digest('hex') === file.digest) return;
  throw new ImportRefused(`${file.name} was changed while it was imported: compare what was done with what it says.`);
}

interface Parsed {
  info: { lines: number; bytes: number };
  record: string[];
}

/**
 * @throws ImportRefused where a quoted field has no end: anything after it could be inside or outside
 */
async function* parseRows(
  { path, name, delimiter, lineEnds }: Pick<CsvFile, 'path' | 'name' | 'delimiter' | 'lineEnds'>,
  check: Utf8Check,
): AsyncGenerator<CsvRow, void> {
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    record_delimiter: [...lineEnds],
    relax_column_count: true,
    // 5" pipe, as people write it.
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: RECORD_MAX_CHARACTERS,
  });
  const source = createReadStream(path, { highWaterMark: 262_144 });
  // A failure of the source or of the check ends the parser, and is met where its rows are read.
  pipeline(
    source,
    (chunks: AsyncIterable<Buffer>) => check.pass(chunks),
    parser,
    () => undefined,
  );
  let wrapped = 0;
  try {
    for await (const { info, record } of parser as AsyncIterable<Parsed>) {
      // The parser counts CR LF inside quotes as two lines.
      wrapped += countIn(record, '\r');
      yield { line: info.lines - wrapped - countIn(record, '\n'), bytes: info.bytes, cells: record };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const where = typeof error['lines'] === 'number' ? ` near line ${error['lines']}` : '';
    const what = FAULTS[error.code] ?? error.message;
    throw new ImportRefused(`${name} is no CSV file${where}: ${what}. Nothing was imported from it.`);
  }
}

function countIn(cells: readonly string[], character: string): number {
  return cells.reduce((sum, cell) => (cell.includes(character) ? sum + cell.split(character).length - 1 : sum), 0);
}

/** Passes a file on, hashes it, and refuses it where it is not UTF-8: another encoding would be imported as nonsense. */
class Utf8Check {
  readonly #name: string;
  readonly #hash: Hash;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #lines = 0;

  constructor(name: string, hash: Hash) {
    this.#name = name;
    this.#hash = hash;
  }

  async *pass(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of chunks) {
      this.#hash.update(chunk);
      this.#decode(chunk);
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) this.#lines += 1;
      yield chunk;
    }
    this.#decode(null);
  }

  #decode(chunk: Buffer | null): void {
    try {
      if (chunk === null) this.#decoder.decode();
      else this.#decoder.decode(chunk, { stream: true });
    } catch {
      const line = this.#lines + 1 + (chunk === null ? 0 : linesBefore(chunk));
      throw new ImportRefused(
        `${this.#name} is not UTF-8 (at about line ${line}). Save it as "CSV UTF-8", or convert it: iconv -f WINDOWS-1252 -t UTF-8.`,
      );
    }
  }
}

/** Lines of the chunk before its first one that is not UTF-8. */
function linesBefore(chunk: Buffer): number {
  let lines = 0;
  for (let from = 0; from < chunk.length; lines += 1) {
    const end = chunk.indexOf(10, from);
    const text = chunk.subarray(from, end < 0 ? chunk.length : end);
    if (!isUtf8(text)) return lines;
    if (end < 0) return lines;
    from = end + 1;
  }
  return lines;
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

async function statOf(path: string): Promise<{ size: number; mtimeMs: number }> {
  try {
    const status = await stat(path);
    // What is read twice has to be there twice.
    if (!status.isFile()) throw new ImportRefused(`${path} is no file: an import reads its file twice.`);
    return status;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new ImportRefused(`There is no file ${path}.`);
    }
    throw error;
  }
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOK_BYTES), 0, LOOK_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function refuseOtherEncodings(head: Buffer): void {
  const [first, second] = head;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isMarked || head.includes(0)) {
    throw new ImportRefused('The file is UTF-16, or no text at all. Save it as "CSV UTF-8".');
  }
}

const LINE_ENDS = ['\r\n', '\n'];
/** In other files a CR alone is a character of its cell. */
const OLD_MAC_LINE_ENDS = [...LINE_ENDS, '\r'];

/**
 * Without what stands in quotes, and how it ends. Rows may end in another way than the header: of files that were put
 * together, or edited elsewhere, two rows would become one by what the first line alone says.
 */
function firstLine(text: string): { text: string; lineEnds: readonly string[] } {
  const unquoted = text.replaceAll(/"[^"]*(?:"|$)/g, '');
  const end = unquoted.search(/[\r\n]/);
  const isOldMac = unquoted[end] === '\r' && unquoted[end + 1] !== '\n';
  return { text: end < 0 ? unquoted : unquoted.slice(0, end), lineEnds: isOldMac ? OLD_MAC_LINE_ENDS : LINE_ENDS };
}

/** The one that a line has most of. */
function delimiterIn(line: string): string {
  const counts = DELIMITERS.map((delimiter) => ({ delimiter, count: line.split(delimiter).length - 1 }));
  const best = counts.reduce((most, other) => (other.count > most.count ? other : most));
  return best.count === 0 ? ',' : best.delimiter;
}
