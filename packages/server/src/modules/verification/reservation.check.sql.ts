import { sql } from 'kysely';
import { only, type KeyRange, type Snapshot } from './snapshot.sql.ts';

export interface StrayLine {
  sku: string | null;
  location: string | null;
  productId: number;
  reservationId: string;
  lineNo: number;
  /** null: there is no such reservation. */
  status: string | null;
}

/** Lines that no reservation knows: it does not exist, or it does not list the line's product. */
export async function findStrayLines(tx: Snapshot, { from, to }: KeyRange): Promise<StrayLine[]> {
  const { rows } = await sql<StrayLine>`
    SELECT product.sku, location.code AS location, l.product_id AS "productId", l.reservation_id AS "reservationId",
      l.line_no AS "lineNo", r.status
    FROM reservation_line l
    LEFT JOIN reservation r ON r.id = l.reservation_id
    LEFT JOIN product ON product.id = l.product_id
    LEFT JOIN location ON location.id = l.location_id
    WHERE l.product_id >= ${from}::bigint AND l.product_id < ${to}::bigint
      AND (r.id IS NULL OR NOT l.product_id = ANY (r.product_ids))
    ORDER BY l.product_id, l.reservation_id, l.line_no`.execute(tx);
  return rows;
}

/** A reservation as its own row and its lines say. */
export interface ReservationRow {
  id: string;
  status: string;
  lines: number;
  held: number;
  committed: number;
  expired: number;
  /** Committed lines with open units. */
  open: number;
  shippedUnits: string;
  expiryDiffers: number;
}

export interface ReservationSlice {
  reservations: number;
  lastId: string | null;
  differing: ReservationRow[];
}

/**
 * The next reservations by id whose status is not what their lines say. A pending one holds something; a confirmed one
 * has something committed and open; a shipped or cancelled one has nothing open and did, or did not, ship; an expired
 * one holds nothing.
 */
export async function compareReservations(
  tx: Snapshot,
  after: string | null,
  until: string,
  limit: number,
): Promise<ReservationSlice> {
  const { rows } = await sql<Partial<ReservationRow> & { total: number; lastId: string | null }>`
    WITH page AS (
      SELECT id, status, product_ids, expires_at FROM reservation
      WHERE ${after === null ? sql`true` : sql`id > ${after}::uuid`} AND id <= ${until}::uuid
      ORDER BY id LIMIT ${limit}::bigint
    ), counted AS (
      SELECT page.id, page.status, count(l.line_no) AS lines, count(*) FILTER (WHERE l.state = 'held') AS held,
        count(*) FILTER (WHERE l.state = 'committed') AS committed,
        count(*) FILTER (WHERE l.state = 'expired') AS expired,
        count(*) FILTER (WHERE l.state = 'committed' AND l.quantity > l.shipped + l.cancelled) AS open,
        coalesce(sum(l.shipped), 0) AS shipped,
        count(*) FILTER (WHERE l.state = 'held' AND l.expires_at <> page.expires_at) AS "expiryDiffers"
      FROM page LEFT JOIN reservation_line l ON l.product_id = ANY (page.product_ids) AND l.reservation_id = page.id
      GROUP BY page.id, page.status
    ), total AS (
      SELECT count(*) AS total, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS "lastId" FROM page
    )
    SELECT total.*, id, status, lines, held, committed, expired, open, shipped::text AS "shippedUnits", "expiryDiffers"
    FROM total
    LEFT JOIN counted ON lines = 0 OR "expiryDiffers" > 0 OR NOT CASE status
      WHEN 'pending' THEN held > 0 AND committed = 0 AND shipped = 0
      WHEN 'confirmed' THEN held = 0 AND expired = 0 AND open > 0 AND open = committed
      WHEN 'shipped' THEN held = 0 AND expired = 0 AND committed = 0 AND shipped > 0
      WHEN 'cancelled' THEN held = 0 AND expired = 0 AND committed = 0 AND shipped = 0
      ELSE held = 0 AND committed = 0 AND shipped = 0 AND expired > 0 END
    ORDER BY id`.execute(tx);
  const { total, lastId } = only(rows);
  return {
    reservations: total,
    lastId,
    differing: rows.flatMap((row) => (row.id == null ? [] : [row as ReservationRow])),
  };
}
