import { sql, type Kysely } from 'kysely';
import type { Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';

/** The kinds of the partial index journal_entry_audit: settings, not stock. */
export const AUDIT_KINDS = [
  'product.created',
  'product.updated',
  'product.archived',
  'location.created',
  'location.updated',
  'location.archived',
  'level.updated',
  'api_key.created',
  'api_key.revoked',
  'alert.acknowledged',
] as const;

export type AuditKind = (typeof AUDIT_KINDS)[number];

/** One entry of the journal, without the ledger's part. */
export interface AuditRow {
  id: number;
  at: number;
  kind: string;
  actor: string;
  request_id: string | null;
  subject: string;
  data: string | null;
}

export interface AuditFilter {
  kind?: AuditKind | undefined;
  actor?: string | undefined;
  /** RFC 3339, inclusive. */
  from?: string | undefined;
  /** RFC 3339, exclusive. */
  to?: string | undefined;
}

export const NEWEST_FIRST: ListOrder = { columns: [{ ref: 'journal_entry.id', kind: 'integer' }], descending: true };

/**
 * One page of the audit trail and one row more. The kinds stand in the statement as they stand in the index's
 * predicate, even beside a filter by one of them: the planner takes the index only where it can prove the predicate, and
 * without it this walks every reserve of the journal.
 */
export async function listAudit(
  db: Kysely<Tables>,
  filter: AuditFilter,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<AuditRow[]> {
  let query = db
    .selectFrom('journal_entry')
    .select(['id', 'at', 'kind', 'actor', 'request_id', 'subject', 'data'])
    .where('kind', 'in', sql<AuditKind>`(${sql.join(AUDIT_KINDS.map((kind) => sql.lit(kind)))})`)
    .where(rowsAfter(NEWEST_FIRST, page.list, page.cursor));
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
  if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor);
  if (filter.from !== undefined) query = query.where(sql<boolean>`at >= ${filter.from}::timestamptz`);
  if (filter.to !== undefined) query = query.where(sql<boolean>`at < ${filter.to}::timestamptz`);
  return query
    .orderBy(inOrder(NEWEST_FIRST))
    .limit(page.limit + 1)
    .execute();
}
