import { sql, type Kysely, type Transaction } from 'kysely';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Tables } from '../../platform/database/index.ts';
import type { StepCounts } from './rule.tally.ts';

export interface RuleStep extends StepCounts {
  ruleId: string;
}

export interface SubjectCounts {
  ruleId: string;
  minuteMs: number;
  subject: string;
  allowed: number;
  refused: number;
}

export interface Notice {
  ruleId: string;
  minuteMs: number;
  subject: string;
}

/** Adds what one instance counted to what all did. Rows in one order, so that two instances never wait for each other. */
export async function addSteps(db: Kysely<Tables>, steps: readonly RuleStep[]): Promise<void> {
  if (steps.length === 0) return;
  const rows = steps.toSorted((left, right) => compare(left.ruleId, right.ruleId) || left.atMs - right.atMs);
  await sql`
    INSERT INTO rate_limit_stat AS stat (rule_id, at, allowed, refused, shadow_refused)
    SELECT * FROM unnest(
      ${rows.map(({ ruleId }) => ruleId)}::uuid[], ${rows.map(({ atMs }) => toRfc3339(atMs))}::timestamptz[],
      ${rows.map(({ allowed }) => allowed)}::bigint[], ${rows.map(({ refused }) => refused)}::bigint[],
      ${rows.map(({ shadowRefused }) => shadowRefused)}::bigint[])
    ON CONFLICT (rule_id, at) DO UPDATE SET allowed = stat.allowed + excluded.allowed,
      refused = stat.refused + excluded.refused, shadow_refused = stat.shadow_refused + excluded.shadow_refused
  `.execute(db);
}

export async function addSubjects(db: Kysely<Tables>, subjects: readonly SubjectCounts[]): Promise<void> {
  if (subjects.length === 0) return;
  const rows = inOrderOfKeys(subjects);
  await sql`
    INSERT INTO rate_limit_subject_stat AS stat (rule_id, at, subject, allowed, refused)
    SELECT * FROM unnest(
      ${rows.map(({ ruleId }) => ruleId)}::uuid[], ${rows.map(({ minuteMs }) => toRfc3339(minuteMs))}::timestamptz[],
      ${rows.map(({ subject }) => subject)}::text[], ${rows.map(({ allowed }) => allowed)}::bigint[],
      ${rows.map(({ refused }) => refused)}::bigint[])
    ON CONFLICT (rule_id, at, subject) DO UPDATE
      SET allowed = stat.allowed + excluded.allowed, refused = stat.refused + excluded.refused
  `.execute(db);
}

/** Those that no instance has told yet. */
export async function claimNotices(tx: Transaction<Tables>, notices: readonly Notice[]): Promise<Notice[]> {
  const rows = inOrderOfKeys(notices);
  const claimed = await sql<{ rule_id: string; at: number; subject: string }>`
    INSERT INTO rate_limit_notice (rule_id, at, subject)
    SELECT * FROM unnest(
      ${rows.map(({ ruleId }) => ruleId)}::uuid[], ${rows.map(({ minuteMs }) => toRfc3339(minuteMs))}::timestamptz[],
      ${rows.map(({ subject }) => subject)}::text[])
    ON CONFLICT DO NOTHING
    RETURNING rule_id, at, subject
  `.execute(tx);
  return claimed.rows.map(({ rule_id, at, subject }) => ({ ruleId: rule_id, minuteMs: at, subject }));
}

/** Oldest first. */
export async function readSteps(db: Kysely<Tables>, fromMs: number, ruleId: string | undefined): Promise<RuleStep[]> {
  let query = db
    .selectFrom('rate_limit_stat')
    .select(['rule_id', 'at', 'allowed', 'refused', 'shadow_refused'])
    .where('at', '>=', sql<number>`${toRfc3339(fromMs)}::timestamptz`);
  if (ruleId !== undefined) query = query.where('rule_id', '=', ruleId);
  const rows = await query.orderBy('rule_id').orderBy('at').execute();
  return rows.map((row) => ({
    ruleId: row.rule_id,
    atMs: row.at,
    allowed: row.allowed,
    refused: row.refused,
    shadowRefused: row.shadow_refused,
  }));
}

/** Per rule, those who asked most. */
export async function readTopSubjects(
  db: Kysely<Tables>,
  fromMs: number,
  ruleId: string | undefined,
  perRule: number,
): Promise<SubjectCounts[]> {
  const only = ruleId === undefined ? sql`true` : sql`rule_id = ${ruleId}`;
  const { rows } = await sql<{ rule_id: string; subject: string; allowed: number; refused: number }>`
    SELECT rule_id, subject, allowed, refused
    FROM (
      SELECT rule_id, subject, sum(allowed)::bigint AS allowed, sum(refused)::bigint AS refused,
        row_number() OVER (PARTITION BY rule_id ORDER BY sum(allowed + refused) DESC, subject) AS place
      FROM rate_limit_subject_stat
      WHERE at >= ${toRfc3339(fromMs)}::timestamptz AND ${only}
      GROUP BY rule_id, subject
    ) AS ranked
    WHERE place <= ${perRule}
    ORDER BY rule_id, place
  `.execute(db);
  return rows.map(({ rule_id, ...row }) => ({ ruleId: rule_id, minuteMs: fromMs, ...row }));
}

/** Forgets what nobody can ask for any more. */
export async function forgetBefore(db: Kysely<Tables>, beforeMs: number): Promise<void> {
  const before = sql<number>`${toRfc3339(beforeMs)}::timestamptz`;
  await db.deleteFrom('rate_limit_stat').where('at', '<', before).execute();
  await db.deleteFrom('rate_limit_subject_stat').where('at', '<', before).execute();
  await db.deleteFrom('rate_limit_notice').where('at', '<', before).execute();
}

function inOrderOfKeys<Row extends Notice>(rows: readonly Row[]): Row[] {
  return rows.toSorted(
    (left, right) =>
      compare(left.ruleId, right.ruleId) || left.minuteMs - right.minuteMs || compare(left.subject, right.subject),
  );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
