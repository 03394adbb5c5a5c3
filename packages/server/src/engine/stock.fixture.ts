import pg from 'pg';
import { createDatabase } from '../../test/app.ts';
import type { Answer } from '../kernel/command.ts';
import { Database } from '../platform/database/index.ts';
import { BatchEngine, type BatchEngineOptions } from './batch.engine.ts';

/** A database of a test's own with stock at the location W1. */
export interface Stock {
  connection: pg.ClientConfig;
  /** Looks, and does what others would do, beside the engine. */
  watcher: pg.Client;
  close(): Promise<void>;
}

/** @param onHand by SKU; null is a product that no location has had yet */
export async function openStock(
  onHand: Record<string, number | null>,
  reorderPoint: number | null = null,
): Promise<Stock> {
  const { connection, drop } = await createDatabase();
  const watcher = new pg.Client(connection);
  await watcher.connect();
  const skus = Object.keys(onHand);
  await watcher.query(`INSERT INTO location (code, name, type, created_at, updated_at)
    VALUES ('W1', 'W1', 'warehouse', now(), now())`);
  await watcher.query(
    `INSERT INTO product (sku, name, created_at, updated_at)
     SELECT sku, sku, now(), now() FROM unnest($1::text[]) AS k (sku)`,
    [skus],
  );
  await watcher.query(
    `INSERT INTO level (product_id, location_id, on_hand, reorder_point)
     SELECT p.id, l.id, k.on_hand, $3 FROM location l, unnest($1::text[], $2::int[]) AS k (sku, on_hand)
     JOIN product p ON p.sku = k.sku WHERE k.on_hand IS NOT NULL`,
    [skus, Object.values(onHand), reorderPoint],
  );
  return {
    connection,
    watcher,
    close: async () => {
      await watcher.end();
      await drop();
    },
  };
}

export interface OpenEngine {
  engine: BatchEngine;
  /** The engine, and its database. */
  close: () => Promise<void>;
}

/** An engine over a database, as a server has it. */
export async function openEngine(
  connection: pg.ClientConfig,
  options: Partial<BatchEngineOptions> = {},
): Promise<OpenEngine> {
  const database = new Database({ connection });
  await database.chooseRole();
  const engine = new BatchEngine({
    connect: (name) => database.openLane(name),
    role: () => database.servingRole,
    defaultTtlMs: 60_000,
    ...options,
  });
  return {
    engine,
    close: async () => {
      await engine.close();
      await database.close();
    },
  };
}

export const META = { actor: 'test', requestId: 'test', idempotency: null };

/** As many reservations at once, of a unit each. */
export function reserveUnits(engine: BatchEngine, sku: string, times: number): Promise<Answer[]> {
  const request = { lines: [{ sku, location: 'W1', quantity: 1 }] };
  return Promise.all(Array.from({ length: times }, () => engine.submit({ kind: 'reserve', request }, META)));
}
