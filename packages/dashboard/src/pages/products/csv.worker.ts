import { parse } from 'csv-parse/browser/esm/sync';

/** A file that was read: its header, and its rows as text. */
export interface CsvRead {
  header: string[];
  rows: string[][];
}

export type CsvAnswer = { ok: true; read: CsvRead } | { ok: false; reason: string };

const DELIMITERS = [',', ';', '\t', '|'];

/** The delimiter that stands most often in the first line. */
function delimiterOf(text: string): string {
  const [first = ''] = text.split(/\r?\n/, 1);
  const counts = DELIMITERS.map((delimiter) => first.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** Reads a file beside the page, which goes on meanwhile. */
globalThis.addEventListener('message', ({ data }: MessageEvent<string>) => {
  let answer: CsvAnswer;
  try {
    const options = { delimiter: delimiterOf(data), bom: true, skip_empty_lines: true, relax_column_count: true };
    const [header = [], ...rows] = parse(data, options);
    answer = { ok: true, read: { header, rows } };
  } catch (error) {
    answer = { ok: false, reason: error instanceof Error ? error.message : 'The file could not be read.' };
  }
  postMessage(answer);
});
