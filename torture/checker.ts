import type pg from 'pg';

/** A rule that does not hold, and the first rows that break it. */
export interface Fault {
  rule: string;
  rows: unknown[];
}

const SHOWN = 5;

/**
 * The invariants of DOMAIN.md as SQL of our own: every query answers the rows that break its rule. Nothing is taken from
 * the server's code, so that a mistake there is not made here again.
 */
const RULES: readonly { rule: string; sql: string }[] = [
  {
    rule: '1: no balance is negative',
    sql: `SELECT product_id, location_id, on_hand, reserved, committed FROM level
          WHERE on_hand < 0 OR reserved < 0 OR committed < 0`,
  },
  {
    rule: '2: reserved and committed are the open units of the held and of the confirmed lines',
    sql: `SELECT product_id, location_id, l.reserved, open.held, l.committed, open.promised
          FROM level l FULL JOIN (
            SELECT product_id, location_id,
              sum(CASE state WHEN 'held' THEN quantity - shipped - cancelled ELSE 0 END) AS held,
              sum(CASE state WHEN 'committed' THEN quantity - shipped - cancelled ELSE 0 END) AS promised
            FROM reservation_line WHERE location_id IS NOT NULL GROUP BY product_id, location_id
          ) open USING (product_id, location_id)
          WHERE coalesce(l.reserved, 0) <> coalesce(open.held, 0)
             OR coalesce(l.committed, 0) <> coalesce(open.promised, 0)`,
  },
  {
    rule: '3: every balance is the sum of its deltas in the ledger',
    sql: `SELECT product_id, location_id, l.on_hand, s.on_hand, l.reserved, s.reserved, l.committed, s.committed
          FROM level l FULL JOIN (
            SELECT product_id, location_id, sum(delta_on_hand) AS on_hand, sum(delta_reserved) AS reserved,
              sum(delta_committed) AS committed
            FROM ledger_entry GROUP BY product_id, location_id
          ) s USING (product_id, location_id)
          WHERE coalesce(l.on_hand, 0) <> coalesce(s.on_hand, 0)
             OR coalesce(l.reserved, 0) <> coalesce(s.reserved, 0)
             OR coalesce(l.committed, 0) <> coalesce(s.committed, 0)`,
  },
  {
    rule: 'chain: the balances after an entry are those after the one before it, and its deltas',
    sql: `SELECT * FROM (
            SELECT seq, at, product_id, location_id,
              on_hand - delta_on_hand AS on_hand_before, reserved - delta_reserved AS reserved_before,
              committed - delta_committed AS committed_before,
              lag(on_hand, 1, 0::bigint) OVER level AS last_on_hand,
              lag(reserved, 1, 0::bigint) OVER level AS last_reserved,
              lag(committed, 1, 0::bigint) OVER level AS last_committed,
              lag(at) OVER level AS last_at
            FROM ledger_entry WINDOW level AS (PARTITION BY product_id, location_id ORDER BY seq)
          ) entry
          WHERE on_hand_before <> last_on_hand OR reserved_before <> last_reserved
             OR committed_before <> last_committed OR at < last_at`,
  },
  {
    rule: 'numbers: no two entries of the ledger have the same',
    sql: 'SELECT seq, count(*) FROM ledger_entry GROUP BY seq HAVING count(*) > 1',
  },
  {
    rule: 'oversold: a reserve found what it took',
    sql: `SELECT seq, product_id, location_id FROM ledger_entry
          WHERE type = 'reserve' AND reserved + committed > on_hand`,
  },
  {
    rule: 'journal: each entry of the ledger belongs to exactly one accepted command',
    sql: `SELECT e.seq, count(j.id) FROM ledger_entry e LEFT JOIN (
            SELECT id, generate_series(ledger_from, ledger_from + ledger_count - 1) AS seq FROM journal_entry
          ) j ON j.seq = e.seq
          GROUP BY e.seq HAVING count(j.id) <> 1`,
  },
  {
    rule: 'journal: commands have as many entries as they say',
    sql: `SELECT j.id, j.kind, count(*), count(e.seq) FROM (
            SELECT id, kind, generate_series(ledger_from, ledger_from + ledger_count - 1) AS seq FROM journal_entry
          ) j LEFT JOIN ledger_entry e ON e.seq = j.seq
          GROUP BY j.id, j.kind HAVING count(e.seq) <> count(*)`,
  },
  {
    rule: 'reservations: lines are in the state of their reservation',
    sql: `SELECT r.id, r.status, l.line_no, l.state, l.quantity, l.shipped, l.cancelled FROM reservation r
          JOIN reservation_line l ON l.product_id = ANY (r.product_ids) AND l.reservation_id = r.id
          WHERE (l.state = 'held' AND (r.status <> 'pending' OR l.expires_at <> r.expires_at))
             OR (l.state = 'committed' AND r.status <> 'confirmed')
             OR (l.state = 'expired' AND r.status NOT IN ('pending', 'expired'))`,
  },
  {
    rule: 'reservations: each has lines, each line its reservation',
    sql: `SELECT coalesce(r.id, l.reservation_id) AS id, count(l.*) FROM reservation r
          FULL JOIN reservation_line l ON l.reservation_id = r.id
          GROUP BY 1, r.id HAVING r.id IS NULL OR count(l.*) = 0`,
  },
  {
    rule: 'reservations: one that is over holds nothing, one that is confirmed does',
    sql: `SELECT r.id, r.status FROM reservation r JOIN reservation_line l ON l.reservation_id = r.id
          GROUP BY r.id, r.status
          HAVING (r.status IN ('shipped', 'cancelled', 'expired')
                  AND bool_or(l.state IN ('held', 'committed') AND l.quantity > l.shipped + l.cancelled))
              OR (r.status = 'confirmed' AND NOT bool_or(l.state = 'committed'))`,
  },
  {
    rule: 'expiry: what expired was given back exactly once',
    sql: `SELECT reservation_id, product_id, location_id, lines.units, entries.units FROM (
            SELECT reservation_id::text, product_id, location_id, sum(quantity - shipped - cancelled) AS units
            FROM reservation_line WHERE state = 'expired' AND quantity > 0 GROUP BY 1, 2, 3
          ) lines FULL JOIN (
            SELECT reference_id AS reservation_id, product_id, location_id, -sum(delta_reserved) AS units
            FROM ledger_entry WHERE type = 'expire' GROUP BY 1, 2, 3
          ) entries USING (reservation_id, product_id, location_id)
          WHERE lines.units IS DISTINCT FROM entries.units`,
  },
  {
    rule: 'alerts: what a level says is open is what is open',
    sql: `SELECT product_id, location_id, l.open_alerts, coalesce(a.bits, 0) FROM level l LEFT JOIN (
            SELECT product_id, location_id, sum(CASE type WHEN 'low_stock' THEN 1 WHEN 'out_of_stock' THEN 2
              WHEN 'overstock' THEN 4 ELSE 8 END) AS bits
            FROM alert WHERE status <> 'resolved' GROUP BY product_id, location_id
          ) a USING (product_id, location_id)
          WHERE l.open_alerts <> coalesce(a.bits, 0)`,
  },
  {
    rule: 'alerts: one is open exactly while its condition holds',
    sql: `SELECT l.product_id, l.location_id, l.open_alerts, should.bits FROM (
            SELECT level.*, on_hand - reserved - committed - level.safety_stock AS available FROM level
            JOIN product p ON p.id = product_id AND p.archived_at IS NULL
            JOIN location w ON w.id = location_id AND w.archived_at IS NULL
          ) l CROSS JOIN LATERAL (SELECT
            CASE WHEN was_available AND available <= reorder_point THEN 1 ELSE 0 END
            + CASE WHEN was_available AND available <= 0 THEN 2 ELSE 0 END
            + CASE WHEN on_hand > max_level THEN 4 ELSE 0 END
            + CASE WHEN reserved + committed > on_hand THEN 8 ELSE 0 END AS bits) should
          WHERE l.open_alerts <> should.bits`,
  },
  {
    rule: 'transfers: each has both sides in the ledger, line by line',
    sql: `SELECT t.id, l.line_no FROM transfer t JOIN transfer_line l ON l.transfer_id = t.id
          WHERE (SELECT coalesce(sum(quantity), 0) FROM transfer_line o
                 WHERE o.transfer_id = t.id AND o.product_id = l.product_id)
             <> (SELECT coalesce(sum(delta_on_hand), 0) FROM ledger_entry e WHERE e.reference_type = 'transfer'
                 AND e.reference_id = t.id::text AND e.product_id = l.product_id
                 AND e.location_id = t.to_id AND e.type = 'transfer_in')
             OR (SELECT coalesce(sum(quantity), 0) FROM transfer_line o
                 WHERE o.transfer_id = t.id AND o.product_id = l.product_id)
             <> (SELECT coalesce(-sum(delta_on_hand), 0) FROM ledger_entry e WHERE e.reference_type = 'transfer'
                 AND e.reference_id = t.id::text AND e.product_id = l.product_id
                 AND e.location_id = t.from_id AND e.type = 'transfer_out')`,
  },
];

/** Looks at one moment of the database, which may be in use. Empty: every rule holds. */
export async function checkInvariants(client: pg.Client): Promise<Fault[]> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    return await findFaults(client);
  } finally {
    await client.query('ROLLBACK');
  }
}

/** The same within the caller's transaction. */
export async function findFaults(client: pg.Client): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const { rule, sql } of RULES) {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    if (rows.length > 0) faults.push({ rule: `${rule} (${rows.length} rows)`, rows: rows.slice(0, SHOWN) });
  }
  return faults;
}
