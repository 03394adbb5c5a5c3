import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import { decodeCursor, type CursorColumn } from '../../kernel/page.ts';
import { Problem, problems } from '../../kernel/problem.ts';

/** A column that a list is ordered by. Its name is ours, never a caller's. */
export interface OrderColumn {
  ref: string;
  kind: 'text' | 'integer' | 'time' | 'uuid';
}

/** The order of a list: all columns in one direction, the last of them unique. */
export interface ListOrder {
  columns: readonly OrderColumn[];
  descending: boolean;
}

const CURSOR_KIND: Record<OrderColumn['kind'], CursorColumn> = {
  text: 'string',
  integer: 'integer',
  time: 'integer',
  uuid: 'uuid',
};

/** 10000-01-01: later times have no RFC 3339 text. */
const TIME_END_MS = 253_402_300_800_000;

/**
 * The rows after a cursor, as a comparison of rows: one step of an index on the same columns, however far the list has
 * been read, and stable while rows are added.
 *
 * @throws Problem `invalid_cursor`
 */
export function rowsAfter(order: ListOrder, list: object, cursor: string | undefined): RawBuilder<SqlBool> {
  if (cursor === undefined) return sql<SqlBool>`true`;
  const kinds = order.columns.map(({ kind }) => CURSOR_KIND[kind]);
  const position = decodeCursor(list, cursor, kinds);
  const values = order.columns.map(({ kind }, index) => parameter(kind, position[index] ?? null));
  const columns = order.columns.map(({ ref }) => sql.ref(ref));
  const comparison = order.descending ? sql`<` : sql`>`;
  return sql<SqlBool>`(${sql.join(columns)}) ${comparison} (${sql.join(values)})`;
}

/** The list of an ORDER BY. */
export function inOrder(order: ListOrder): RawBuilder<unknown> {
  const direction = order.descending ? sql`DESC` : sql`ASC`;
  return sql.join(order.columns.map(({ ref }) => sql`${sql.ref(ref)} ${direction}`));
}

/** A `sort` parameter: a field name, with a leading `-` for descending. */
export function parseSort<Field extends string>(sort: Field | `-${Field}`): { field: Field; descending: boolean } {
  const descending = sort.startsWith('-');
  return { field: (descending ? sort.slice(1) : sort) as Field, descending };
}

function parameter(kind: OrderColumn['kind'], value: string | number | null): RawBuilder<unknown> {
  if (kind === 'integer') return sql`${value}::bigint`;
  if (kind === 'uuid') return sql`${value}::uuid`;
  if (kind === 'text') return sql`${value}::text`;
  if (typeof value !== 'number' || value < 0 || value >= TIME_END_MS) {
    throw new Problem(problems.invalidCursor, 'Take the cursor from nextCursor of the same list.');
  }
  return sql`${toRfc3339(value)}::timestamptz`;
}
