/**
 * PostgreSQL array literals, for `unnest`. node-postgres makes them too, by walking every value through its generic
 * conversion; for the columns of a batch that was a tenth of the engine's time.
 */
export function numberArray(values: readonly (number | null)[]): string {
  let text = '{';
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) text += ',';
    const value = values[index];
    text += value === null || value === undefined ? 'NULL' : value;
  }
  return `${text}}`;
}

const NEEDS_ESCAPE = /["\\]/g;

export function textArray(values: readonly (string | null)[]): string {
  let text = '{';
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) text += ',';
    const value = values[index];
    text += value === null || value === undefined ? 'NULL' : `"${value.replace(NEEDS_ESCAPE, '\\$&')}"`;
  }
  return `${text}}`;
}

/** Milliseconds since the epoch, as timestamptz. The instants of a batch are few: the last one is remembered. */
export function timeArray(values: readonly (number | null)[]): string {
  let text = '{';
  let lastMs = Number.NaN;
  let last = '';
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) text += ',';
    const value = values[index];
    if (value === null || value === undefined) {
      text += 'NULL';
      continue;
    }
    if (value !== lastMs) {
      lastMs = value;
      last = new Date(value).toISOString();
    }
    text += last;
  }
  return `${text}}`;
}

export function booleanArray(values: readonly boolean[]): string {
  return `{${values.map((value) => (value ? 't' : 'f')).join(',')}}`;
}

export type Field = string | number | boolean | null;

/** What needs no quotes in a composite value's text. */
const PLAIN = /^[\w.:+-]+$/;

/**
 * An array literal of composite values: one array for all columns of a batch. `unnest` over an array per column fills a
 * tuplestore per column: for 32 rows of 17 columns 95 µs of PostgreSQL's time, and 56 for one array of composites.
 */
export function recordArray<Row>(rows: readonly Row[], fieldsOf: (row: Row) => readonly Field[]): string {
  let text = '{';
  for (let index = 0; index < rows.length; index += 1) {
    if (index > 0) text += ',';
    text += `"${recordText(fieldsOf(rows[index] as Row))}"`;
  }
  return `${text}}`;
}

/** A composite value as an element of an array literal: what is quoted inside is escaped once more. */
function recordText(fields: readonly Field[]): string {
  let text = '(';
  for (let index = 0; index < fields.length; index += 1) {
    if (index > 0) text += ',';
    const field = fields[index];
    if (field === null || field === undefined) continue;
    if (typeof field !== 'string' || PLAIN.test(field)) text += field;
    else text += `\\"${field.replaceAll(NEEDS_ESCAPE, (character) => `\\${character}\\${character}`)}\\"`;
  }
  return `${text})`;
}

/** Milliseconds since the epoch as seconds, for `to_timestamp`: parsing a time's text is ten times as much work. */
export function secondsOf(epochMs: number | null): number | null {
  return epochMs === null ? null : epochMs / 1000;
}

/** JSON never holds this character unescaped. */
export const JSON_SEPARATOR = '\u001e';

/** JSON texts in one, for `string_to_array(…, E'\x1e', '')`: nothing is escaped and nothing parsed. */
export function joinedJson(values: readonly (string | null)[]): string {
  return values.map((value) => value ?? '').join(JSON_SEPARATOR);
}

/** JSON text per value. */
export function jsonArray(values: readonly unknown[]): string {
  return textArray(values.map((value) => (value === null || value === undefined ? null : JSON.stringify(value))));
}
