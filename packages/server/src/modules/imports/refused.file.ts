import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { plainText, safeCell } from '../csv.cells.ts';
import { toCsv } from '../run.files.ts';
import type { RefusedRow } from './import.refused.ts';

const WHY = ['refusedLine', 'refusedCode', 'refusedReason'];

/**
 * The refused rows as a CSV file, with the reasons. Safe to open in a spreadsheet, and to be put right there and imported
 * by itself: an import takes the apostrophes away again.
 */
export class RefusedFile {
  readonly #path: string;
  readonly #stream: WriteStream;
  #failure: Error | null = null;
  /** Those of the imported file, and those of them that are its own. */
  #headerCells = 0;
  #columns = 0;

  constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(path);
    this.#stream.on('error', (error) => (this.#failure ??= error));
  }

  begin(header: readonly string[]): void {
    // Of a report that is imported the reasons of the last time are over.
    const isReport = header.slice(-WHY.length).join() === WHY.join();
    this.#headerCells = header.length;
    this.#columns = header.length - (isReport ? WHY.length : 0);
    this.#write([...header.slice(0, this.#columns), ...WHY]);
  }

  add({ line, code, reason, cells }: RefusedRow): void {
    const own = Array.from({ length: this.#columns }, (_, place) => cells[place] ?? '');
    // What no column has stays beyond them: cut off, the row would be let in as it is.
    const surplus = cells.slice(this.#headerCells).filter((cell) => cell.trim() !== '');
    this.#write([...own, String(line), code, reason, ...surplus]);
  }

  /** Its content, once all of it is written. @throws what writing it failed with */
  async read(): Promise<AsyncIterable<Buffer>> {
    await this.finish();
    return createReadStream(this.#path);
  }

  /** All of it is written. @throws what that failed with */
  async finish(): Promise<void> {
    await this.end();
    if (this.#failure !== null) throw this.#failure;
  }

  async end(): Promise<void> {
    if (this.#stream.closed) return;
    const closed = new Promise<void>((done) => void this.#stream.once('close', () => done()));
    this.#stream.end();
    await closed;
  }

  #write(cells: string[]): void {
    const safe = cells.map((cell) => safeCell(plainText(cell)));
    this.#stream.write(toCsv([safe]));
  }
}
