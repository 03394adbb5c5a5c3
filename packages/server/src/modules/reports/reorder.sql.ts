import { sql, type RawBuilder } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { ReorderFacts } from './reorder.rules.ts';

export interface ReorderRow extends ReorderFacts {
  sku: string;
  name: string;
  category: string | null;
  location: string;
  reserved: number;
  committed: number;
  safetyStock: number;
  /** numeric as text. */
  unitCost: string | null;
  lastMovementAt: number | null;
}

export interface ReorderFilter {
  /** Absent: all. */
  locations?: readonly string[] | undefined;
  categories?: readonly string[] | undefined;
  /** The window of sales, milliseconds since the epoch; its end is not in it. */
  fromMs: number;
  toMs: number;
}

/**
 * The levels that are low or out, which the partial indexes level_low and level_out list, soonest gone first. What each
 * sold is summed by its own stretch of the ledger's key: there are few such levels beside the movements of all.
 */
export function selectReorder({ locations, categories, fromMs, toMs }: ReorderFilter): RawBuilder<ReorderRow> {
  return sql<ReorderRow>`
    SELECT p.sku, p.name, p.category, o.code AS location, l.on_hand AS "onHand", l.reserved, l.committed,
      l.safety_stock AS "safetyStock", l.on_hand - l.reserved - l.committed - l.safety_stock AS available, l.incoming,
      l.reorder_point AS "reorderPoint", l.reorder_quantity AS "reorderQuantity", l.max_level AS "maxLevel",
      p.unit_cost AS "unitCost", l.last_movement_at AS "lastMovementAt", s.sold
    FROM level l JOIN product p ON p.id = l.product_id JOIN location o ON o.id = l.location_id
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(-e.delta_on_hand), 0)::bigint AS sold FROM ledger_entry e
      WHERE e.product_id = l.product_id AND e.location_id = l.location_id AND e.type = 'sale'
        AND e.at >= ${toRfc3339(fromMs)}::timestamptz AND e.at < ${toRfc3339(toMs)}::timestamptz
    ) s
    WHERE (l.is_low OR l.is_out) AND (l.reorder_point IS NOT NULL OR s.sold > 0)
      AND p.archived_at IS NULL AND o.archived_at IS NULL AND o.active
      AND ${locations === undefined ? sql`true` : sql`o.code = ANY (${locations}::text[])`}
      AND ${categories === undefined ? sql`true` : sql`p.category = ANY (${categories}::text[])`}
    ORDER BY greatest(l.on_hand - l.reserved - l.committed - l.safety_stock, 0)::numeric / nullif(s.sold, 0) NULLS LAST,
      p.sku, o.code`;
}
