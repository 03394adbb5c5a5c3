import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import type { Tables } from '../../platform/database/index.ts';

// Runs go with all that they have: attempts, lines of log, effects, files. Each of these statements is bounded by that.

/** Finished runs past their job's keeping, a batch at a time. @returns how many went */
export async function deleteOldRuns(db: Kysely<Tables>, max: number): Promise<number> {
  const old = sql`
    SELECT run.id, run.log_lines FROM job CROSS JOIN LATERAL (
      SELECT id, log_lines FROM run
      WHERE run.job_id = job.id AND finished_at < clock_timestamp() - make_interval(days => job.keep_days)
      ORDER BY finished_at LIMIT ${max}
    ) AS run LIMIT ${max}`;
  const { rows } = await sql<{ count: number }>`
    WITH few AS (${aFew(old)}), gone AS (
      DELETE FROM run USING few WHERE run.id = few.id RETURNING run.id
    )
    SELECT count(*) AS count FROM gone
  `.execute(db);
  return rows[0]?.count ?? 0;
}

/** Of a job's runs some that are not under way. @returns the tickets of those that waited */
export async function deleteRunsOf(tx: Transaction<Tables>, jobId: string, max: number): Promise<string[]> {
  const idle = sql`
    SELECT id, log_lines FROM run WHERE job_id = ${jobId}::uuid AND status <> 'running' ORDER BY id LIMIT ${max}`;
  const { rows } = await sql<{ ticket_id: string | null }>`
    WITH few AS (${aFew(idle)})
    DELETE FROM run USING few WHERE run.id = few.id RETURNING run.ticket_id
  `.execute(tx);
  return rows.flatMap(({ ticket_id }) => ticket_id ?? []);
}

/** Whether a job has runs that are not under way. */
export async function hasIdleRuns(db: Kysely<Tables>, jobId: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM run WHERE job_id = ${jobId}::uuid AND status <> 'running' LIMIT 1
  `.execute(db);
  return rows.length > 0;
}

/** The tickets of a job's runs. */
export async function ticketsOf(tx: Transaction<Tables>, jobId: string): Promise<string[]> {
  const { rows } = await sql<{ ticket_id: string }>`
    SELECT ticket_id FROM run WHERE job_id = ${jobId}::uuid AND finished_at IS NULL AND ticket_id IS NOT NULL
  `.execute(tx);
  return rows.map(({ ticket_id }) => ticket_id);
}

/** The first of these, by what they weigh in rows: one at least. A run may have 10,000 lines of log, and large files. */
function aFew(runs: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    SELECT id FROM (
      SELECT id, sum(weight) OVER (ORDER BY id) - weight AS before FROM (
        SELECT id, 10 + log_lines
          + 100 * coalesce((SELECT sum(pieces) FROM run_file WHERE run_file.run_id = run.id), 0) AS weight
        FROM (${runs}) AS run
      ) AS weighed
    ) AS summed
    WHERE before < ${WEIGHT_MAX}`;
}

const WEIGHT_MAX = 50_000;
