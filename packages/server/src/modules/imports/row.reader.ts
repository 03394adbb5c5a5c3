import type { TSchema } from 'typebox';
import { Explainer } from '../../platform/http/explain.ts';
import { createAjv } from '../../platform/http/validator.ts';
import { plainText } from '../csv.cells.ts';
import type { CsvRow } from './csv.file.ts';
import type { Mapping } from './column.mapping.ts';
import type { RefusedRow } from './import.refused.ts';

/** What a cell of a field becomes. */
export type Kind = 'text' | 'whole number' | 'number' | 'JSON object';

export interface RowReaderOptions {
  mapping: Mapping;
  /** How many the header has. */
  columns: number;
  kinds: Readonly<Record<string, Kind>>;
  /** Of fields that have no column. */
  supplied?: Readonly<Record<string, unknown>>;
  /** Numbers are written 12,50. */
  decimalComma?: boolean;
}

export type ReadRow<Value> = { value: Value } | { refused: RefusedRow };

const WHOLE = /^-?\d{1,15}$/;
const DECIMAL = /^-?\d{1,15}(?:\.\d{1,15})?$/;
/** A dot would be one of thousands: 1.250 is not 1.25. */
const DECIMAL_COMMA = /^-?\d{1,15}(?:,\d{1,15})?$/;

/**
 * Makes rows into values of a schema. A cell is what it says or the row is refused: nothing is rounded, cut or guessed.
 * An empty cell is a field that was not given.
 */
export class RowReader<Value> {
  readonly #options: RowReaderOptions;
  readonly #schema: TSchema;
  readonly #fits: (value: unknown) => boolean;
  readonly #explainer: Explainer;

  constructor(schema: TSchema, options: RowReaderOptions) {
    const ajv = createAjv();
    this.#schema = schema;
    this.#options = options;
    this.#fits = ajv.compile(schema);
    this.#explainer = new Explainer(ajv, 'is no field of this row');
  }

  read(row: CsvRow): ReadRow<Value> {
    const value: Record<string, unknown> = { ...this.#options.supplied };
    const surplus = row.cells.slice(this.#options.columns).filter((cell) => cell.trim() !== '');
    // 1,000 without its quotes is two cells: which of the others are where they belong, nobody knows.
    if (surplus.length > 0) return { refused: refusal(row, 'validation_failed', this.#surplusOf(row, surplus)) };
    const faults: string[] = [];
    for (const [field, place] of this.#options.mapping) {
      const cell = plainText((row.cells[place] ?? '').trim());
      if (cell === '') continue;
      const parsed = this.#parse(this.#options.kinds[field] ?? 'text', cell);
      if ('fault' in parsed) faults.push(`${field} ${parsed.fault}`);
      else value[field] = parsed.value;
    }
    if (faults.length === 0 && this.#fits(value)) return { value: value as Value };
    if (faults.length === 0) {
      for (const { keys, message } of this.#explainer.explain(this.#schema, value)) {
        faults.push(`${keys.join('.')} ${message}${shown(value[String(keys[0])])}`);
      }
    }
    return { refused: refusal(row, 'validation_failed', `${faults.join('; ')}.`) };
  }

  #surplusOf({ cells }: CsvRow, surplus: readonly string[]): string {
    const { columns } = this.#options;
    return `the row has ${cells.length} cells and the header ${columns}${shown(surplus.join(' '), 'beyond them')}; a cell that holds a delimiter must be quoted.`;
  }

  #parse(kind: Kind, cell: string): { value: unknown } | { fault: string } {
    switch (kind) {
      case 'text':
        // PostgreSQL's text holds no NUL.
        return cell.includes('\0') ? { fault: 'must not hold NUL' } : { value: cell };
      case 'whole number':
        return WHOLE.test(cell) ? { value: Number(cell) } : { fault: `must be a whole number${shown(cell)}` };
      case 'number': {
        const form = this.#options.decimalComma === true ? DECIMAL_COMMA : DECIMAL;
        return form.test(cell)
          ? { value: Number(cell.replace(',', '.')) }
          : { fault: `must be a number${shown(cell)}` };
      }
      case 'JSON object':
        return parseObject(cell);
    }
  }
}

export function refusal(row: CsvRow, code: string, reason: string): RefusedRow {
  return { line: row.line, code, reason, cells: row.cells };
}

function parseObject(cell: string): { value: unknown } | { fault: string } {
  const fault = { fault: 'must be a JSON object' };
  try {
    const value: unknown = JSON.parse(cell);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { value } : fault;
  } catch {
    return fault;
  }
}

function shown(value: unknown, what = 'it'): string {
  if (value === undefined || typeof value === 'object') return '';
  const text = JSON.stringify(value);
  return `, ${what} is ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
}
