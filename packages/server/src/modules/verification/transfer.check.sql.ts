import { sql } from 'kysely';
import { only, type KeyRange, type Snapshot } from './snapshot.sql.ts';

export interface TransferEntryRow {
  sku: string | null;
  location: string | null;
  seq: number;
  type: string;
  referenceId: string | null;
}

/** Movements of transfers that do not exist. */
export async function findStrayTransferEntries(tx: Snapshot, { from, to }: KeyRange): Promise<TransferEntryRow[]> {
  const { rows } = await sql<TransferEntryRow>`
    SELECT product.sku, location.code AS location, e.seq, e.type, e.reference_id AS "referenceId"
    FROM ledger_entry e
    LEFT JOIN transfer t ON t.id::text = e.reference_id AND e.reference_type = 'transfer'
    LEFT JOIN product ON product.id = e.product_id
    LEFT JOIN location ON location.id = e.location_id
    WHERE e.product_id >= ${from}::bigint AND e.product_id < ${to}::bigint
      AND e.type IN ('transfer_out', 'transfer_in') AND t.id IS NULL
    ORDER BY e.seq`.execute(tx);
  return rows;
}

/** One side of a transfer as its lines ask for it, and as the ledger has it. */
export interface TransferRow {
  id: string;
  sku: string | null;
  location: string | null;
  type: 'transfer_out' | 'transfer_in';
  asked: number;
  posted: number;
}

export interface TransferSlice {
  transfers: number;
  lastId: string | null;
  differing: TransferRow[];
}

/** The next transfers by id: each product left the one place and came to the other, and nothing else did. */
export async function compareTransfers(
  tx: Snapshot,
  after: string | null,
  until: string,
  limit: number,
): Promise<TransferSlice> {
  const { rows } = await sql<Partial<TransferRow> & { total: number; lastId: string | null }>`
    WITH page AS MATERIALIZED (
      SELECT id, from_id, to_id FROM transfer
      WHERE ${after === null ? sql`true` : sql`id > ${after}::uuid`} AND id <= ${until}::uuid
      ORDER BY id LIMIT ${limit}::bigint
    ), moved AS (
      SELECT id, from_id, to_id, product_id, sum(quantity) AS units
      FROM page JOIN transfer_line l ON l.transfer_id = page.id
      GROUP BY id, from_id, to_id, product_id
    ), asked AS (
      SELECT id, product_id, from_id AS location_id, 'transfer_out' AS type, -units AS units FROM moved
      UNION ALL
      SELECT id, product_id, to_id, 'transfer_in', units FROM moved
    ), posted AS (
      SELECT page.id, e.product_id, e.location_id, e.type, sum(e.delta_on_hand) AS units
      FROM page JOIN ledger_entry e ON e.reference_id = page.id::text AND e.reference_type = 'transfer'
        AND e.reference_type <> 'reservation'
      WHERE e.type IN ('transfer_out', 'transfer_in')
      GROUP BY page.id, e.product_id, e.location_id, e.type
    ), compared AS (
      SELECT id, product_id, location_id, type, coalesce(asked.units, 0) AS asked, coalesce(posted.units, 0) AS posted
      FROM asked FULL JOIN posted USING (id, product_id, location_id, type)
    ), total AS (
      SELECT count(*) AS total, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS "lastId" FROM page
    )
    SELECT total.*, compared.id, product.sku, location.code AS location, compared.type,
      asked::bigint AS asked, posted::bigint AS posted
    FROM total
    LEFT JOIN compared ON asked <> posted
    LEFT JOIN product ON product.id = compared.product_id
    LEFT JOIN location ON location.id = compared.location_id
    ORDER BY compared.id, product.sku, compared.type`.execute(tx);
  const { total, lastId } = only(rows);
  return {
    transfers: total,
    lastId,
    differing: rows.flatMap((row) => (row.id == null ? [] : [row as TransferRow])),
  };
}
