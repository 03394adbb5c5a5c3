import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { IdPage } from '../../platform/database/id.scan.ts';
import type { Tables } from '../../platform/database/index.ts';
import type { TransferView } from './transfer.schema.ts';

export interface TransferRow {
  id: string;
  status: TransferView['status'];
  from: string;
  to: string;
  mode: TransferView['mode'];
  referenceType: string | null;
  referenceId: string | null;
  createdAt: number;
  version: number;
  lines: TransferView['lines'];
}

export interface TransferFilter {
  status?: TransferView['status'] | undefined;
  from?: string | undefined;
  to?: string | undefined;
  sku?: string | undefined;
}

/** A page of transfers with their lines, with the present names of products and locations. */
export function selectTransfers(filter: TransferFilter, page: Omit<IdPage, 'descending'>): RawBuilder<TransferRow> {
  return sql<TransferRow>`
    SELECT transfer.id, transfer.status, source.code AS "from", target.code AS "to", transfer.mode,
      transfer.reference_type AS "referenceType", transfer.reference_id AS "referenceId",
      transfer.created_at AS "createdAt", transfer.version, moved.lines
    FROM (
      SELECT * FROM transfer WHERE ${page.where} AND ${conditionsOf(filter)}
      ORDER BY ${page.order} LIMIT ${sql.lit(page.limit)}
    ) AS transfer
    JOIN location AS source ON source.id = transfer.from_id
    JOIN location AS target ON target.id = transfer.to_id
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('sku', product.sku, 'quantity', line.quantity) ORDER BY line.line_no) AS lines
      FROM transfer_line AS line JOIN product ON product.id = line.product_id
      WHERE line.transfer_id = transfer.id
    ) AS moved
    ORDER BY ${page.order}`;
}

export async function findTransfer(db: Kysely<Tables>, id: string): Promise<TransferRow | undefined> {
  const query = selectTransfers({}, { where: sql`transfer.id = ${id}::uuid`, order: sql`transfer.id`, limit: 1 });
  const { rows } = await query.execute(db);
  return rows[0];
}

/** The transfer as the API shows it. */
export function transferView(row: TransferRow): TransferView {
  const { referenceType: type, referenceId: id } = row;
  return {
    id: row.id,
    status: row.status,
    from: row.from,
    to: row.to,
    mode: row.mode,
    lines: row.lines,
    reference: type === null || id === null ? null : { type, id },
    createdAt: toRfc3339(row.createdAt),
    version: row.version,
  };
}

function conditionsOf({ status, from, to, sku }: TransferFilter): RawBuilder<SqlBool> {
  const conditions = [sql`true`];
  if (status !== undefined) conditions.push(sql`status = ${status}`);
  if (from !== undefined) conditions.push(sql`from_id = (SELECT id FROM location WHERE code = ${from})`);
  if (to !== undefined) conditions.push(sql`to_id = (SELECT id FROM location WHERE code = ${to})`);
  if (sku !== undefined) {
    conditions.push(sql`EXISTS (
      SELECT FROM transfer_line AS line
      WHERE line.transfer_id = transfer.id AND line.product_id = (SELECT id FROM product WHERE sku = ${sku}))`);
  }
  return sql<SqlBool>`${sql.join(conditions, sql` AND `)}`;
}
