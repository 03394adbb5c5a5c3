import { sql } from 'kysely';
import type { Database } from '../platform/database/index.ts';
import type { Sample } from '../platform/metrics/index.ts';

/** Sums over every level are kept for so long: a scrape every 15 s must not scan millions of rows each time. */
const KEEP_MS = 10_000;

/** Remembers an answer for a while; callers that come meanwhile share one query. */
function kept<Value>(load: (database: Database) => Promise<Value>): (database: Database) => Promise<Value> {
  const answers = new WeakMap<Database, { untilMs: number; value: Promise<Value> }>();
  return (database) => {
    const known = answers.get(database);
    if (known !== undefined && performance.now() < known.untilMs) return known.value;
    const value = load(database);
    answers.set(database, { untilMs: performance.now() + KEEP_MS, value });
    value.catch(() => answers.delete(database));
    return value;
  };
}

export const sumLevels = kept(async ({ kysely }: Database): Promise<Sample<'location' | 'kind'>[]> => {
  const { rows } = await sql<{ code: string; on_hand: number; reserved: number; committed: number; available: number }>`
    SELECT o.code, sum(l.on_hand)::bigint AS on_hand, sum(l.reserved)::bigint AS reserved,
      sum(l.committed)::bigint AS committed,
      sum(CASE WHEN o.active THEN greatest(0, l.on_hand - l.reserved - l.committed - l.safety_stock) ELSE 0 END)::bigint
        AS available
    FROM level l JOIN location o ON o.id = l.location_id GROUP BY o.code
  `.execute(kysely);
  return rows.flatMap(({ code, ...kinds }) =>
    Object.entries(kinds).map(([kind, value]) => ({ labels: { location: code, kind }, value })),
  );
});

export const countLowProducts = kept(async ({ kysely }: Database): Promise<Sample<'location'>[]> => {
  const { rows } = await sql<{ code: string; count: number }>`
    SELECT o.code, count(*) AS count FROM level l JOIN location o ON o.id = l.location_id
    WHERE (l.is_low OR l.is_out) AND l.was_available GROUP BY o.code
  `.execute(kysely);
  return rows.map(({ code, count }) => ({ labels: { location: code }, value: count }));
});
