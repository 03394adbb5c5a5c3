import { sql, type Kysely } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';

/**
 * Families of kinds that are settings, not stock. Each has a partial index with just these in its predicate, so that a
 * family is added with its own index (`journal_entry_audit_<family>`) and no other has to be built anew.
 */
const AUDIT_FAMILIES = [
  // journal_entry_audit
  [
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
  ],
  // journal_entry_audit_people
  [
    'person.created',
    'person.updated',
    'person.removed',
    'person.password_changed',
    'person.signed_in',
    'person.signed_out',
  ],
  // journal_entry_audit_webhooks
  [
    'webhook.created',
    'webhook.updated',
    'webhook.deleted',
    'webhook.enabled',
    'webhook.disabled',
    'webhook.secret_rotated',
    'webhook.replayed',
  ],
  // journal_entry_audit_rate_limits
  ['rate_limit.created', 'rate_limit.updated', 'rate_limit.deleted', 'rate_limit_tier.updated'],
  // journal_entry_audit_jobs
  [
    'job.created',
    'job.updated',
    'job.deleted',
    'run.requested',
    'run.cancel_requested',
    'run.redriven',
    'run.released',
  ],
] as const;

export const AUDIT_KINDS = AUDIT_FAMILIES.flat();

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
  /** Inclusive. */
  fromMs?: number | undefined;
  /** Exclusive. */
  toMs?: number | undefined;
}

export const NEWEST_FIRST: ListOrder = { columns: [{ ref: 'journal_entry.id', kind: 'integer' }], descending: true };

/**
 * One page of the audit trail and one row more: of each family the newest, and of these the newest. The kinds stand in
 * the statement as they stand in the index's predicate, even beside a filter by one of them: the planner takes the index
 * only where it can prove the predicate, and without it this walks every reserve of the journal.
 */
export async function listAudit(
  db: Kysely<Tables>,
  filter: AuditFilter,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<AuditRow[]> {
  const { kind } = filter;
  const asked = AUDIT_FAMILIES.filter((family: readonly AuditKind[]) => kind === undefined || family.includes(kind));
  const parts = asked.map((family) => sql<AuditRow>`(${newestOf(db, family, filter, page)})`);
  const { rows } = await sql<AuditRow>`
    SELECT * FROM (${sql.join(parts, sql` UNION ALL `)}) AS entry ORDER BY id DESC LIMIT ${page.limit + 1}
  `.execute(db);
  return rows;
}

function newestOf(
  db: Kysely<Tables>,
  family: readonly AuditKind[],
  filter: AuditFilter,
  page: { list: object; cursor?: string | undefined; limit: number },
) {
  const { fromMs, toMs } = filter;
  let query = db
    .selectFrom('journal_entry')
    .select(['id', 'at', 'kind', 'actor', 'request_id', 'subject', 'data'])
    .where('kind', 'in', sql<AuditKind>`(${sql.join(family.map((kind) => sql.lit(kind)))})`)
    .where(rowsAfter(NEWEST_FIRST, page.list, page.cursor));
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
  if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor);
  // Not as the caller wrote them: PostgreSQL knows no offset of 16 hours and more, and RFC 3339 goes up to 23:59.
  if (fromMs !== undefined) query = query.where(sql<boolean>`at >= ${toRfc3339(fromMs)}::timestamptz`);
  if (toMs !== undefined) query = query.where(sql<boolean>`at < ${toRfc3339(toMs)}::timestamptz`);
  return query.orderBy(inOrder(NEWEST_FIRST)).limit(page.limit + 1);
}
