import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { RateLimitTable, Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';
import type { RuleAdaptive, RuleCost, RuleFields, RuleMatch } from './rate-limit.rules.ts';
import type { StoredRule } from './rate-limit.view.ts';

/** Ids are UUIDv7 of the database's time. */
export function rateLimitOrder(descending: boolean): ListOrder {
  return { columns: [{ ref: 'rate_limit.id', kind: 'uuid' }], descending };
}

/** One page of rules and one row more. */
export async function listRateLimits(
  db: Kysely<Tables>,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<StoredRule[]> {
  const rows = await db
    .selectFrom('rate_limit')
    .selectAll()
    .where(rowsAfter(order, page.list, page.cursor))
    .orderBy(inOrder(order))
    .limit(page.limit + 1)
    .execute();
  return rows.map(ruleOf);
}

export async function findRateLimit(db: Kysely<Tables>, id: string): Promise<StoredRule | undefined> {
  const row = await db.selectFrom('rate_limit').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : ruleOf(row);
}

export async function insertRateLimit(
  tx: Transaction<Tables>,
  id: string,
  fields: RuleFields,
  nowMs: number,
): Promise<StoredRule> {
  const now = toRfc3339(nowMs);
  const row = await tx
    .insertInto('rate_limit')
    .values({ id, ...columnsOf(fields), created_at: now, updated_at: now })
    .returningAll()
    .executeTakeFirstOrThrow();
  return ruleOf(row);
}

export async function updateRateLimit(
  tx: Transaction<Tables>,
  id: string,
  fields: RuleFields,
  nowMs: number,
): Promise<StoredRule> {
  const row = await tx
    .updateTable('rate_limit')
    .set({ ...columnsOf(fields), version: sql<number>`version + 1`, updated_at: toRfc3339(nowMs) })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return ruleOf(row);
}

/** With what was counted for it. */
export async function deleteRateLimit(tx: Transaction<Tables>, id: string): Promise<void> {
  await tx.deleteFrom('rate_limit').where('id', '=', id).execute();
  await tx.deleteFrom('rate_limit_stat').where('rule_id', '=', id).execute();
  await tx.deleteFrom('rate_limit_subject_stat').where('rule_id', '=', id).execute();
  await tx.deleteFrom('rate_limit_notice').where('rule_id', '=', id).execute();
}

export async function countRateLimits(tx: Transaction<Tables>): Promise<number> {
  const { count } = await tx
    .selectFrom('rate_limit')
    .select((rule) => rule.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/**
 * Waits for other changes of rules, so that none is locked by itself; whoever looks for changes then sees this one. Comes
 * first in a change.
 */
export async function raiseRevision(tx: Transaction<Tables>): Promise<void> {
  await tx
    .updateTable('rate_limit_revision')
    .set({ revision: sql<number>`revision + 1` })
    .execute();
}

export async function readRevision(db: Kysely<Tables>): Promise<number> {
  const { revision } = await db.selectFrom('rate_limit_revision').select('revision').executeTakeFirstOrThrow();
  return revision;
}

export interface RuleSet {
  revision: number;
  rules: StoredRule[];
  tiers: { tier: string; subjects: string[] }[];
  /** Of each key that took the place of another: whose counters it goes on with. */
  successors: { id: string; root: string }[];
}

/** Everything that counting needs. The revision is read first: what changes meanwhile is read again at the next look. */
export async function readRuleSet(db: Kysely<Tables>): Promise<RuleSet> {
  const revision = await readRevision(db);
  const rules = await db.selectFrom('rate_limit').selectAll().orderBy('id').execute();
  const tiers = await db.selectFrom('rate_limit_tier').selectAll().orderBy('tier').execute();
  return { revision, rules: rules.map(ruleOf), tiers, successors: await readSuccessors(db) };
}

const SUCCESSORS_MAX = 10_000;

/**
 * A key that is made in place of another has its name and comes after it: the oldest key of a name that is in use goes on
 * with the counters of the first one that had the name, if all between were revoked or have expired. Keys of one name
 * that are in use side by side are counted each by itself.
 */
export async function readSuccessors(db: Kysely<Tables>): Promise<{ id: string; root: string }[]> {
  const { rows } = await sql<{ id: string; root: string }>`
    SELECT id, root
    FROM (
      SELECT id, is_live, first_value(id) OVER same AS root,
        count(*) FILTER (WHERE is_live) OVER (same ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS live_before
      FROM (
        SELECT id, name,
          revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()) AS is_live
        FROM api_key
      ) AS key
      WINDOW same AS (PARTITION BY name ORDER BY id)
    ) AS ranked
    WHERE is_live AND live_before = 0 AND id <> root
    ORDER BY id DESC
    LIMIT ${SUCCESSORS_MAX}
  `.execute(db);
  return rows;
}

export async function putTier(tx: Transaction<Tables>, tier: string, subjects: readonly string[]): Promise<void> {
  if (subjects.length === 0) {
    await tx.deleteFrom('rate_limit_tier').where('tier', '=', tier).execute();
    return;
  }
  await tx
    .insertInto('rate_limit_tier')
    .values({ tier, subjects: [...subjects] })
    .onConflict((conflict) => conflict.column('tier').doUpdateSet({ subjects: [...subjects] }))
    .execute();
}

export async function listTiers(db: Kysely<Tables>): Promise<{ tier: string; subjects: string[] }[]> {
  return db.selectFrom('rate_limit_tier').selectAll().orderBy('tier').execute();
}

function columnsOf(fields: RuleFields) {
  return {
    name: fields.name,
    algorithm: fields.algorithm,
    units: fields.limit,
    window_ms: fields.windowMs,
    burst: fields.burst,
    subject: fields.subject,
    match: JSON.stringify(fields.match),
    tier: fields.tier,
    overrides: JSON.stringify(fields.overrides),
    costs: JSON.stringify(fields.costs),
    refund: fields.refund,
    adaptive: fields.adaptive === null ? null : JSON.stringify(fields.adaptive),
    active_from: fields.activeFrom === null ? null : toRfc3339(fields.activeFrom),
    active_to: fields.activeTo === null ? null : toRfc3339(fields.activeTo),
    on_store_error: fields.onStoreError,
    mode: fields.mode,
    enabled: fields.enabled,
  };
}

function ruleOf(row: Selectable<RateLimitTable>): StoredRule {
  return {
    id: row.id,
    name: row.name,
    algorithm: row.algorithm,
    limit: row.units,
    windowMs: row.window_ms,
    burst: row.burst,
    subject: row.subject,
    match: { methods: null, path: null, callers: null, from: null, ...(row.match as Partial<RuleMatch>) },
    tier: row.tier,
    overrides: (row.overrides ?? {}) as RuleFields['overrides'],
    costs: (row.costs ?? []) as RuleCost[],
    refund: row.refund,
    adaptive: row.adaptive as RuleAdaptive | null,
    activeFrom: row.active_from,
    activeTo: row.active_to,
    onStoreError: row.on_store_error,
    mode: row.mode,
    enabled: row.enabled,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
