import pg from 'pg';

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const INT8_ARRAY = 1016;

/**
 * int8 as a number: every quantity, key and sequence number stays below 2^53 by the schema's own bounds. timestamptz as
 * milliseconds since the epoch: the schema keeps whole milliseconds, so nothing is lost.
 */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary'): unknown => {
    if (format === 'binary') return pg.types.getTypeParser(oid, format);
    if (oid === INT8) return Number;
    if (oid === INT8_ARRAY) return parseNumberArray;
    if (oid === TIMESTAMPTZ) return parseTimestamp;
    return pg.types.getTypeParser(oid, 'text');
  }) as typeof pg.types.getTypeParser,
};

/** `{1,2,3}` */
function parseNumberArray(text: string): number[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(Number);
}

/** PostgreSQL's ISO output in UTC, such as `2026-11-20 10:00:00.123+00`. */
function parseTimestamp(text: string): number {
  return Date.parse(text.endsWith('+00') ? `${text.slice(0, 10)}T${text.slice(11, -3)}Z` : text);
}
