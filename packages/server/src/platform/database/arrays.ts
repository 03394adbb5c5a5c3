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

/** JSON text per value. */
export function jsonArray(values: readonly unknown[]): string {
  return textArray(values.map((value) => (value === null || value === undefined ? null : JSON.stringify(value))));
}
