import type { PoolClient } from 'pg';

/**
 * The statements of the usual way to reserve, on Holdfast's own schema, each prepared once per connection. One function
 * per statement, as Holdfast's own SQL is written.
 */
export interface LockedLevel {
  productId: string;
  locationId: string;
  available: number;
  isArchived: boolean;
  isActive: boolean;
}

export interface MovedLevel {
  onHand: string;
  reserved: string;
  committed: string;
  at: Date;
  seq: string;
}

export interface UsualReservation {
  id: string;
  orderId: string | null;
  productId: string;
  locationId: string;
  quantity: number;
  createdAt: Date;
  expiresAt: Date;
}

export async function lockLevel(client: PoolClient, sku: string, code: string): Promise<LockedLevel | undefined> {
  const { rows } = await client.query<LockedLevel>({
    name: 'bench_lock_level',
    text: `
      SELECT l.product_id AS "productId", l.location_id AS "locationId",
        (l.on_hand - l.reserved - l.committed - l.safety_stock)::float8 AS available,
        p.archived_at IS NOT NULL AS "isArchived", o.active AS "isActive"
      FROM level l
      JOIN product p ON p.id = l.product_id
      JOIN location o ON o.id = l.location_id
      WHERE p.sku = $1 AND o.code = $2
      FOR UPDATE OF l`,
    values: [sku, code],
  });
  return rows[0];
}

/** The clock and the number are taken here, after the lock, so that they rise per level. */
export async function holdUnits(client: PoolClient, level: LockedLevel, quantity: number): Promise<MovedLevel> {
  const { rows } = await client.query<MovedLevel>({
    name: 'bench_hold_units',
    text: `
      UPDATE level SET reserved = reserved + $3, version = version + 1,
        last_movement_at = greatest(last_movement_at, clock_timestamp())
      WHERE product_id = $1 AND location_id = $2
      RETURNING on_hand AS "onHand", reserved, committed, last_movement_at AS at, nextval('entry_seq') AS seq`,
    values: [level.productId, level.locationId, quantity],
  });
  const moved = rows[0];
  if (moved === undefined) throw new Error('the locked level is gone');
  return moved;
}

export async function insertReservation(client: PoolClient, reservation: UsualReservation): Promise<void> {
  const { id, orderId, productId, expiresAt, createdAt } = reservation;
  await client.query({
    name: 'bench_insert_reservation',
    text: `
      INSERT INTO reservation (id, status, type, order_id, product_ids, expires_at, created_at)
      VALUES ($1, 'pending', 'order', $2, ARRAY[$3::bigint], $4, $5)`,
    values: [id, orderId, productId, expiresAt, createdAt],
  });
}

export async function insertLine(client: PoolClient, reservation: UsualReservation): Promise<void> {
  const { id, productId, locationId, quantity, expiresAt } = reservation;
  await client.query({
    name: 'bench_insert_line',
    text: `
      INSERT INTO reservation_line
        (product_id, reservation_id, line_no, line, location_id, quantity, requested, state, expires_at)
      VALUES ($1, $2, 0, 0, $3, $4, $4, 'held', $5)`,
    values: [productId, id, locationId, quantity, expiresAt],
  });
}

export async function insertLedgerEntry(client: PoolClient, of: UsualReservation, moved: MovedLevel): Promise<void> {
  await client.query({
    name: 'bench_insert_ledger_entry',
    text: `
      INSERT INTO ledger_entry (seq, at, type, product_id, location_id, delta_on_hand, delta_reserved, delta_committed,
        on_hand, reserved, committed, reference_type, reference_id, actor)
      VALUES ($1, $2, 'reserve', $3, $4, 0, $5, 0, $6, $7, $8, 'reservation', $9, 'system:bench')`,
    values: [
      moved.seq,
      moved.at,
      of.productId,
      of.locationId,
      of.quantity,
      moved.onHand,
      moved.reserved,
      moved.committed,
      of.id,
    ],
  });
}

export async function insertJournalEntry(
  client: PoolClient,
  of: UsualReservation,
  moved: MovedLevel,
  data: string,
): Promise<void> {
  await client.query({
    name: 'bench_insert_journal_entry',
    text: `
      INSERT INTO journal_entry (id, at, kind, actor, subject, ledger_from, ledger_count, data)
      VALUES ($1, $2, 'reservation.created', 'system:bench', $3, $1, 1, $4)`,
    values: [moved.seq, moved.at, of.id, data],
  });
}
