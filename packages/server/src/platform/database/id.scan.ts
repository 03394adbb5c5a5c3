import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { decodeCursor, encodeCursor, toPage, type Page } from '../../kernel/page.ts';
import type { Database } from './database.ts';
import { inOrder, rowsAfter, type ListOrder } from './keyset.ts';
import { readInOrder } from './ordered.read.ts';
import { scanTime, type TimeSpan } from './time.scan.ts';

/** Which rows of the table a statement takes, in which order, and how many. */
export interface IdPage {
  /** Conditions on the table's id: the span and the cursor. */
  where: RawBuilder<SqlBool>;
  /** By the id. */
  order: RawBuilder<unknown>;
  descending: boolean;
  limit: number;
}

/** A list in the order of its ids, which are UUIDv7 and so rise with time. */
export interface IdListRequest<Row, Item extends { id: string }> {
  /** The table of the ids. */
  table: 'reservation' | 'transfer';
  descending: boolean;
  limit: number;
  cursor?: string | undefined;
  /** What the cursor belongs to. */
  list: object;
  /** The statement of a page: its rows, of which items are made. */
  select: (page: IdPage) => RawBuilder<Row>;
  toItems: (rows: Row[]) => Item[];
}

/** 2^48 - 1 ms: the last instant that a UUIDv7 can carry. */
const ID_TIME_END_MS = 281_474_976_710_655;
const NARROW_TIMEOUT_MS = 10_000;

/**
 * One page of such a list, at a bounded cost whatever the filter: see scanTime.
 *
 * @throws Problem `invalid_cursor`
 */
export async function readIdList<Row, Item extends { id: string }>(
  database: Database,
  request: IdListRequest<Row, Item>,
): Promise<Page<Item>> {
  const { table, descending, limit, cursor, list } = request;
  const order: ListOrder = { columns: [{ ref: `${table}.id`, kind: 'uuid' }], descending };
  const after = rowsAfter(order, list, cursor);
  const { rows, resumeMs } = await scanTime<Item>({
    span: spanOf(request),
    descending,
    limit: limit + 1,
    read: async (span, count, timeoutMs) => {
      const where = sql<SqlBool>`${within(order, span)} AND ${after}`;
      const query = request.select({ where, order: inOrder(order), descending, limit: count }).compile(database.kysely);
      return request.toItems(await readInOrder(database, query, timeoutMs));
    },
    narrow: (span) => narrow(database, order, table, span),
  });
  const page = toPage(list, limit, rows, ({ id }) => [id], keep);
  return resumeMs === null ? page : { ...page, nextCursor: encodeCursor(list, [firstIdAt(resumeMs)]) };
}

const keep = <Item>(item: Item): Item => item;

function spanOf({ cursor, list, descending }: Pick<IdListRequest<never, never>, 'cursor' | 'list' | 'descending'>) {
  const span: TimeSpan = { fromMs: 0, toMs: ID_TIME_END_MS };
  if (cursor === undefined) return span;
  const atMs = timeOf(String(decodeCursor(list, cursor, ['uuid'])[0]));
  return descending ? { ...span, toMs: Math.min(span.toMs, atMs + 1) } : { ...span, fromMs: atMs };
}

function within({ columns }: ListOrder, { fromMs, toMs }: TimeSpan): RawBuilder<SqlBool> {
  const id = sql.ref(columns[0]?.ref ?? 'id');
  return sql<SqlBool>`${id} >= ${firstIdAt(fromMs)}::uuid AND ${id} < ${firstIdAt(toMs)}::uuid`;
}

/** From the first id of the span to its last. */
async function narrow(database: Database, order: ListOrder, table: string, span: TimeSpan): Promise<TimeSpan> {
  const end = (descending: boolean): RawBuilder<unknown> => sql`(
    SELECT id FROM ${sql.table(table)} WHERE ${within(order, span)} ORDER BY ${inOrder({ ...order, descending })} LIMIT 1)`;
  const query = sql<{ first: string | null; last: string | null }>`SELECT ${end(false)} AS first, ${end(true)} AS last`;
  const [row] = await readInOrder(database, query.compile(database.kysely), NARROW_TIMEOUT_MS);
  if (row === undefined || row.first === null || row.last === null) return { fromMs: span.toMs, toMs: span.toMs };
  return { fromMs: timeOf(row.first), toMs: timeOf(row.last) + 1 };
}

/** Below every UUIDv7 of that millisecond, above those before it. */
function firstIdAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** The millisecond that a UUIDv7 carries (RFC 9562, 5.7). */
function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
