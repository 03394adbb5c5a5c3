import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { ReservationView } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import { LAST_MS } from '../../kernel/instant.ts';
import { decodeCursor, encodeCursor, toPage, type Page } from '../../kernel/page.ts';
import type { Database } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type OrderColumn } from '../../platform/database/keyset.ts';
import { readInOrder } from '../../platform/database/ordered.read.ts';
import { scanTime, type TimeSpan } from '../../platform/database/time.scan.ts';
import { selectReservations, toViews, type ReservationFilter } from './reservation.reads.sql.ts';

export interface ExpiryPageRequest {
  /** Of pending ones: no index has the others in this order. */
  filter: ReservationFilter;
  descending: boolean;
  limit: number;
  cursor: string | undefined;
  /** What the cursor belongs to. */
  list: object;
}

/** Index reservation_pending. */
const POSITION = [
  { ref: 'reservation.expires_at', kind: 'time' },
  { ref: 'reservation.id', kind: 'uuid' },
] as const satisfies OrderColumn[];
const LOWEST_ID = '00000000-0000-0000-0000-000000000000';
const NARROW_TIMEOUT_MS = 10_000;

/**
 * One page of pending reservations by the end of their holds, at a bounded cost whatever the filter: see scanTime.
 *
 * @throws Problem `invalid_cursor`
 */
export async function readByExpiry(database: Database, request: ExpiryPageRequest): Promise<Page<ReservationView>> {
  const { filter, descending, limit, cursor, list } = request;
  const position = { columns: POSITION, descending };
  const after = rowsAfter(position, list, cursor);
  const order = inOrder(position);
  const { rows, resumeMs } = await scanTime<ReservationView>({
    span: spanOf(request),
    descending,
    limit: limit + 1,
    read: async (span, count, timeoutMs) => {
      const where = sql<SqlBool>`${within(span)} AND ${after}`;
      const query = selectReservations('reservations', filter, { where, order, descending, limit: count });
      return toViews(await readInOrder(database, query.compile(database.kysely), timeoutMs));
    },
    narrow: (span) => narrow(database, span),
  });
  const page = toPage(list, limit, rows, ({ id, expiresAt }) => [Date.parse(expiresAt), id], keep);
  return resumeMs === null ? page : { ...page, nextCursor: encodeCursor(list, [resumeMs, LOWEST_ID]) };
}

const keep = (item: ReservationView): ReservationView => item;

function spanOf({ cursor, list, descending }: ExpiryPageRequest): TimeSpan {
  const span: TimeSpan = { fromMs: 0, toMs: LAST_MS };
  if (cursor === undefined) return span;
  const atMs = Number(decodeCursor(list, cursor, ['integer', 'uuid'])[0]);
  return descending ? { ...span, toMs: atMs + 1 } : { ...span, fromMs: atMs };
}

function within({ fromMs, toMs }: TimeSpan): RawBuilder<SqlBool> {
  return sql`reservation.expires_at >= ${toRfc3339(fromMs)}::timestamptz
    AND reservation.expires_at < ${toRfc3339(toMs)}::timestamptz`;
}

/** From the first hold of the span that has not lapsed to its last: one step of the index each. */
async function narrow(database: Database, span: TimeSpan): Promise<TimeSpan> {
  const end = (direction: RawBuilder<unknown>): RawBuilder<unknown> => sql`(
    SELECT expires_at FROM reservation
    WHERE status = 'pending' AND expires_at > (SELECT clock_timestamp()) AND ${within(span)}
    ORDER BY expires_at ${direction}, id ${direction} LIMIT 1)`;
  const query = sql<{ first: number | null; last: number | null }>`
    SELECT ${end(sql`ASC`)} AS first, ${end(sql`DESC`)} AS last`;
  const [row] = await readInOrder(database, query.compile(database.kysely), NARROW_TIMEOUT_MS);
  if (row === undefined || row.first === null || row.last === null) return { fromMs: span.toMs, toMs: span.toMs };
  return { fromMs: row.first, toMs: row.last + 1 };
}
