/** The file cannot be imported as it is, or not this way. Nothing was changed, unless the message says so. */
export class ImportRefused extends Error {
  override name = 'ImportRefused';
}

/** A row that was not imported. */
export interface RefusedRow {
  /** Where it begins in the file; the header is line 1. */
  line: number;
  /** Stable: what programs look at. */
  code: string;
  reason: string;
  cells: string[];
}
