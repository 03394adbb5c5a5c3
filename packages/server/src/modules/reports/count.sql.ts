import { sql, type RawBuilder } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';

export type CountClass = 'A' | 'B' | 'C';

export interface CountRow {
  sku: string;
  name: string;
  location: string;
  zone: string | null;
  aisle: string | null;
  shelf: string | null;
  onHand: number;
  class: CountClass;
  /** Units that moved in the window, in and out. */
  moved: number;
  /** Their value by the product's cost; numeric as text. */
  movedValue: string;
  lastCountAt: number | null;
  /** Days since 1970-01-01 in UTC; today where it is due already. */
  dueDay: number;
  overdueDays: number;
}

export interface CountQuery {
  /** Absent: all. */
  locations?: readonly string[] | undefined;
  /** The window of movements, milliseconds since the epoch; its end, which is not in it, is the time of the plan. */
  fromMs: number;
  toMs: number;
  by: 'value' | 'units';
  /** The levels that make up so many per cent of all movement, the most moved first, are A; those up to bPercent are B. */
  aPercent: number;
  bPercent: number;
  /** Days after a count at which the next is due, by class. */
  everyDays: Record<CountClass, number>;
}

/**
 * The levels that hold or moved something, with their class, soonest due first; among those that are due, first what was
 * never counted, then by how often the count was missed. One pass over the ledger's window, and two sorts of levels.
 */
export function selectCounts(query: CountQuery): RawBuilder<CountRow> {
  const { locations, by, aPercent, bPercent, everyDays } = query;
  const from = sql`${toRfc3339(query.fromMs)}::timestamptz`;
  const to = sql`${toRfc3339(query.toMs)}::timestamptz`;
  const value = sql`m.units * coalesce(p.unit_cost, 0)`;
  return sql<CountRow>`
    WITH asked AS (
      SELECT id, code FROM location
      WHERE archived_at IS NULL AND ${locations === undefined ? sql`true` : sql`code = ANY (${locations}::text[])`}
    ), movement AS MATERIALIZED (
      SELECT product_id, location_id, sum(abs(delta_on_hand)) AS units FROM ledger_entry
      WHERE at >= ${from} AND at < ${to} AND delta_on_hand <> 0 AND type NOT IN ('count', 'opening')
      GROUP BY product_id, location_id
    ), candidate AS (
      SELECT p.sku, p.name, o.code AS location, l.zone, l.aisle, l.shelf, l.on_hand, l.last_count_at,
        coalesce(m.units, 0) AS moved, coalesce(${value}, 0) AS moved_value,
        coalesce(${by === 'units' ? sql`m.units` : value}, 0) AS weight
      FROM level l JOIN product p ON p.id = l.product_id JOIN asked o ON o.id = l.location_id
      LEFT JOIN movement m ON m.product_id = l.product_id AND m.location_id = l.location_id
      WHERE p.archived_at IS NULL AND (l.on_hand > 0 OR m.units > 0)
    ), ranked AS (
      SELECT *, sum(weight) OVER () AS total,
        sum(weight) OVER (ORDER BY weight DESC, sku, location ROWS UNBOUNDED PRECEDING) - weight AS before
      FROM candidate
    ), classed AS (
      SELECT *, CASE WHEN weight = 0 THEN 'C' WHEN before * 100 < total * ${aPercent}::int THEN 'A'
        WHEN before * 100 < total * ${bPercent}::int THEN 'B' ELSE 'C' END AS class
      FROM ranked
    ), timed AS (
      SELECT *, extract(epoch FROM ${to} - last_count_at) / 86400 AS age, CASE class WHEN 'A' THEN ${everyDays.A}::int
        WHEN 'B' THEN ${everyDays.B}::int ELSE ${everyDays.C}::int END AS every
      FROM classed
    ), due AS (
      SELECT *, floor(extract(epoch FROM ${to}) / 86400)::int AS today,
        coalesce(floor(extract(epoch FROM last_count_at) / 86400)::int + every,
          floor(extract(epoch FROM ${to}) / 86400)::int) AS due_day
      FROM timed
    )
    SELECT sku, name, location, zone, aisle, shelf, on_hand AS "onHand", class, moved::bigint,
      moved_value::text AS "movedValue", last_count_at AS "lastCountAt", greatest(due_day, today) AS "dueDay",
      greatest(today - due_day, 0) AS "overdueDays"
    FROM due
    ORDER BY greatest(due_day, today), age / every DESC NULLS FIRST, class, weight DESC, sku, location`;
}
