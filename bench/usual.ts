import { type ClientConfig, Pool, type PoolClient } from 'pg';
import type { ReservationBody } from '../packages/server/src/modules/reservations/reservation.body.schema.ts';
import { newId } from '../packages/server/src/kernel/ids.ts';
import {
  holdUnits,
  insertJournalEntry,
  insertLedgerEntry,
  insertLine,
  insertReservation,
  lockLevel,
  type UsualReservation,
} from './usual.sql.ts';

export type UsualView = { id: string; version: number } & Record<string, unknown>;

const HOLD_MS = 900_000;
/** A pool that is not measured at the moment gives its connections back. */
const IDLE_MS = 1_000;

/**
 * The usual way to reserve, as a careful engineer writes it: one transaction per request, the level locked by
 * `SELECT … FOR UPDATE`, the decision in code, then the same rows that Holdfast writes; prepared statements, a pool of
 * connections over the same socket.
 */
export class UsualWay {
  private readonly pool: Pool;

  constructor(connection: ClientConfig, poolSize: number) {
    this.pool = new Pool({ ...connection, max: poolSize, idleTimeoutMillis: IDLE_MS });
    // An idle connection that is lost is replaced by the next request's; node-postgres wants a listener.
    this.pool.on('error', () => undefined);
  }

  async reserve(request: ReservationBody): Promise<UsualView> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const view = await reserveLocked(client, request);
      await client.query('COMMIT');
      client.release();
      return view;
    } catch (error) {
      // The connection is closed with its transaction rather than mended: a refusal ends the benchmark anyway.
      client.release(true);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

async function reserveLocked(client: PoolClient, request: ReservationBody): Promise<UsualView> {
  const [line] = request.lines;
  if (line?.location === undefined || request.lines.length !== 1)
    throw new Error('the usual way takes one placed line');
  const level = await lockLevel(client, line.sku, line.location);
  if (level === undefined) throw new Error(`no level of ${line.sku} at ${line.location}`);
  if (level.isArchived || !level.isActive) throw new Error(`${line.sku} at ${line.location} is closed`);
  if (level.available < line.quantity) throw new Error(`only ${level.available} of ${line.sku} at ${line.location}`);

  const moved = await holdUnits(client, level, line.quantity);
  const reservation: UsualReservation = {
    id: newId(moved.at.getTime()),
    orderId: request.orderId ?? null,
    productId: level.productId,
    locationId: level.locationId,
    quantity: line.quantity,
    createdAt: moved.at,
    expiresAt: new Date(moved.at.getTime() + HOLD_MS),
  };
  const view = viewOf(reservation, line.sku, line.location);
  await insertReservation(client, reservation);
  await insertLine(client, reservation);
  await insertLedgerEntry(client, reservation, moved);
  await insertJournalEntry(client, reservation, moved, JSON.stringify(view));
  return view;
}

function viewOf(reservation: UsualReservation, sku: string, location: string): UsualView {
  const { id, orderId, quantity, expiresAt, createdAt } = reservation;
  return {
    id,
    status: 'pending',
    type: 'order',
    orderId,
    userId: null,
    lines: [{ sku, location, quantity, requested: quantity, shipped: 0, cancelled: 0, attributes: null, line: 0 }],
    expiresAt: expiresAt.toISOString(),
    createdAt: createdAt.toISOString(),
    confirmedAt: null,
    shippedAt: null,
    cancelledAt: null,
    cancelReason: null,
    expiredAt: null,
    version: 1,
  };
}
