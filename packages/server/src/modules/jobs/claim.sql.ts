import { sql, type Kysely, type Transaction } from 'kysely';
import { rfc3339OrNull, toRfc3339 } from '../../kernel/clock.ts';
import { IS_PAUSED, numberArray, textArray, type Tables } from '../../platform/database/index.ts';
import type { RunStatus } from './job.schema.ts';
import type { NamedRun, Run, RunFault } from './run.sql.ts';

/**
 * Takers follow one another, over all instances: together they would pass the bounds of jobs and types.
 *
 * @returns false while all is paused: nothing is to be taken
 */
export async function lockClaims(tx: Transaction<Tables>): Promise<boolean> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('holdfast run claims', 0))`.execute(tx);
  const { rows } = await sql<{ may: boolean }>`SELECT NOT ${IS_PAUSED} AS may`.execute(tx);
  return rows[0]?.may === true;
}

/** How many runs at once each job of these types may have, where that is not one. */
export async function jobBounds(tx: Transaction<Tables>, types: readonly string[]): Promise<Record<string, number>> {
  const rows = await tx
    .selectFrom('job')
    .select(['id', 'concurrency'])
    .where('type', 'in', types)
    .where('concurrency', '>', 1)
    .execute();
  return Object.fromEntries(rows.map(({ id, concurrency }) => [id, concurrency]));
}

/** What a worker needs of a run that it has taken. */
export type ClaimedRun = NamedRun & { was_running: boolean; backoff: unknown };

/**
 * Runs become the worker's, under a new fence. One that was running had a worker that died: that attempt was lost, and
 * does not count.
 */
export async function claimRuns(
  tx: Transaction<Tables>,
  tickets: readonly string[],
  worker: string,
  nowMs: number,
): Promise<ClaimedRun[]> {
  const now = toRfc3339(nowMs);
  const { rows } = await sql<ClaimedRun>`
    WITH taken AS (
      SELECT id, job_id, status = 'running' AS was_running FROM run
      WHERE ticket_id = ANY(${[...tickets]}::uuid[]) AND status IN ('queued', 'retrying', 'running')
      FOR UPDATE
    ), lost AS (
      UPDATE run_attempt SET outcome = 'lost', finished_at = ${now}::timestamptz
      FROM taken WHERE run_attempt.run_id = taken.id AND run_attempt.outcome IS NULL
    )
    UPDATE run SET status = 'running', worker = ${worker}, fence = run.fence + 1, percent = NULL,
      progress_message = NULL, attempt = run.attempt + CASE WHEN taken.was_running THEN 0 ELSE 1 END,
      started_at = coalesce(run.started_at, ${now}::timestamptz), attempt_started_at = ${now}::timestamptz, error = NULL
    FROM taken JOIN job ON job.id = taken.job_id
    WHERE run.id = taken.id
    RETURNING run.*, job.name AS job_name, job.backoff, taken.was_running
  `.execute(tx);
  return rows;
}

export async function insertAttempts(
  tx: Transaction<Tables>,
  runs: readonly Pick<Run, 'id' | 'attempt' | 'fence'>[],
  worker: string,
  nowMs: number,
): Promise<void> {
  await sql`
    INSERT INTO run_attempt (run_id, attempt, fence, worker, started_at)
    SELECT id, attempt, fence, ${worker}, ${toRfc3339(nowMs)}::timestamptz
    FROM unnest(${runs.map(({ id }) => id)}::uuid[], ${numberArray(runs.map(({ attempt }) => attempt))}::integer[],
      ${numberArray(runs.map(({ fence }) => fence))}::bigint[]) AS k (id, attempt, fence)
  `.execute(tx);
}

/** What a worker makes of a run that it held. */
export interface Settlement {
  id: string;
  fence: number;
  status: RunStatus;
  outcome: 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'handed_over';
  result: unknown;
  error: RunFault | null;
  /** Of a run that waits for another attempt. */
  next: { ticketId: string; dueAtMs: number } | null;
}

/** Of these runs those that somebody has told to stop. */
export async function askedToStop(tx: Transaction<Tables>, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx
    .selectFrom('run')
    .select('id')
    .where('id', 'in', ids)
    .where('cancel_requested_by', 'is not', null)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** A run with how it stood to its deadline before. */
export type SettledRun = NamedRun & { deadline_state_before: Run['deadline_state'] };

/** @returns the runs that were still this worker's; the others are left as they are */
export async function settleRuns(
  tx: Transaction<Tables>,
  settlements: readonly Settlement[],
  nowMs: number,
): Promise<SettledRun[]> {
  const now = toRfc3339(nowMs);
  const { rows } = await sql<SettledRun>`
    WITH k AS (
      SELECT * FROM unnest(${settlements.map(({ id }) => id)}::uuid[],
        ${numberArray(settlements.map(({ fence }) => fence))}::bigint[],
        ${textArray(settlements.map(({ status }) => status))}::text[],
        ${textArray(settlements.map(({ outcome }) => outcome))}::text[],
        ${textArray(settlements.map(({ result }) => json(result)))}::text[],
        ${textArray(settlements.map(({ error }) => json(error)))}::text[],
        ${settlements.map(({ next }) => next?.ticketId ?? null)}::uuid[],
        ${settlements.map(({ next }) => rfc3339OrNull(next?.dueAtMs ?? null))}::timestamptz[])
        AS k (id, fence, status, outcome, result, error, ticket_id, due_at)
    ), attempt AS (
      UPDATE run_attempt SET outcome = k.outcome, error = k.error::jsonb, finished_at = ${now}::timestamptz
      FROM k JOIN run AS held ON held.id = k.id AND held.fence = k.fence AND held.status = 'running'
      WHERE run_attempt.run_id = k.id AND run_attempt.fence = k.fence AND run_attempt.outcome IS NULL
    )
    UPDATE run SET status = k.status, result = k.result::jsonb, error = k.error::jsonb, worker = NULL,
      ticket_id = k.ticket_id, due_at = coalesce(k.due_at, run.due_at), raised = 0,
      finished_at = CASE WHEN k.ticket_id IS NULL THEN ${now}::timestamptz END,
      attempt = run.attempt - CASE WHEN k.outcome = 'handed_over' THEN 1 ELSE 0 END,
      percent = CASE WHEN k.status = 'succeeded' THEN 100 ELSE run.percent END,
      deadline_state = CASE
        WHEN run.deadline IS NULL THEN 'none'
        WHEN k.ticket_id IS NOT NULL THEN run.deadline_state
        WHEN k.status = 'succeeded' AND run.deadline >= ${now}::timestamptz THEN 'kept'
        ELSE 'missed' END
    FROM k JOIN run AS before ON before.id = k.id
    WHERE run.id = k.id AND run.fence = k.fence AND run.status = 'running'
    RETURNING run.*, (SELECT name FROM job WHERE job.id = run.job_id) AS job_name,
      before.deadline_state AS deadline_state_before
  `.execute(tx);
  return rows;
}

/** The jobs of the runs that these tickets are of. */
export async function jobsOfTickets(tx: Transaction<Tables>, tickets: readonly string[]): Promise<string[]> {
  const rows = await tx.selectFrom('run').select('job_id').distinct().where('ticket_id', 'in', tickets).execute();
  return rows.map(({ job_id }) => job_id);
}

/** Runs whose tickets were given up: every worker that took them died. */
export async function endAbandoned(
  tx: Transaction<Tables>,
  tickets: readonly string[],
  nowMs: number,
): Promise<NamedRun[]> {
  const now = toRfc3339(nowMs);
  const fault: RunFault = {
    code: 'worker_lost',
    message: 'Each worker that took it up died, or hung, before it was done.',
  };
  const { rows } = await sql<NamedRun>`
    WITH lost AS (
      UPDATE run_attempt SET outcome = 'lost', finished_at = ${now}::timestamptz
      FROM run WHERE run.id = run_attempt.run_id AND run.ticket_id = ANY(${[...tickets]}::uuid[])
        AND run_attempt.outcome IS NULL
    )
    UPDATE run SET status = 'failed', fence = run.fence + 1, worker = NULL, ticket_id = NULL,
      finished_at = ${now}::timestamptz, error = ${JSON.stringify(fault)}::jsonb,
      deadline_state = CASE WHEN run.deadline IS NULL THEN 'none' ELSE 'missed' END
    FROM job WHERE job.id = run.job_id AND run.ticket_id = ANY(${[...tickets]}::uuid[]) AND run.finished_at IS NULL
    RETURNING run.*, job.name AS job_name
  `.execute(tx);
  return rows;
}

/** A run whose worker is dead, and which nobody has taken up since. */
export async function endForsaken(tx: Transaction<Tables>, id: string, by: string, nowMs: number): Promise<Run[]> {
  const now = toRfc3339(nowMs);
  const { rows } = await sql<Run>`
    WITH lost AS (
      UPDATE run_attempt SET outcome = 'lost', finished_at = ${now}::timestamptz
      WHERE run_id = ${id}::uuid AND outcome IS NULL
    )
    UPDATE run SET status = 'cancelled', fence = fence + 1, worker = NULL, ticket_id = NULL,
      finished_at = ${now}::timestamptz, cancel_requested_by = ${by},
      deadline_state = CASE WHEN deadline IS NULL THEN 'none' ELSE 'missed' END
    WHERE id = ${id}::uuid AND status = 'running'
    RETURNING *
  `.execute(tx);
  return rows;
}

/** Of a worker's runs: those that it holds, and who wants them stopped. */
export async function heldBy(
  db: Pick<Transaction<Tables>, 'selectFrom'>,
  worker: string,
): Promise<{ id: string; fence: number; cancel_requested_by: string | null }[]> {
  return db
    .selectFrom('run')
    .select(['id', 'fence', 'cancel_requested_by'])
    .where('worker', '=', worker)
    .where('status', '=', 'running')
    .execute();
}

/** Whether any run waits longer than it should, and whether any has a deadline to keep. */
export async function whoWaits(
  db: Kysely<Tables>,
  stepMs: number,
): Promise<{ some_rise: boolean; some_race: boolean }> {
  const { rows } = await sql<{ some_rise: boolean; some_race: boolean }>`
    SELECT EXISTS (
        SELECT FROM run WHERE status = 'queued' AND priority + raised < 3
          AND due_at < clock_timestamp() - (raised + 1) * ${stepMs} * interval '1 millisecond'
      ) AS some_rise,
      EXISTS (SELECT FROM run WHERE deadline_state IN ('ahead', 'at_risk') AND finished_at IS NULL) AS some_race
  `.execute(db);
  return rows[0] ?? { some_rise: false, some_race: false };
}

/** Runs that have waited so long that they rise. */
export async function raiseWaiting(
  tx: Transaction<Tables>,
  stepMs: number,
  max: number,
): Promise<{ type: string; ticket_id: string; priority: number }[]> {
  const { rows } = await sql<{ type: string; ticket_id: string; priority: number }>`
    UPDATE run SET raised = raised + 1
    WHERE id IN (
      SELECT id FROM run
      WHERE status = 'queued' AND priority + raised < 3
        AND due_at < clock_timestamp() - (raised + 1) * ${stepMs} * interval '1 millisecond'
      ORDER BY due_at LIMIT ${max} FOR UPDATE SKIP LOCKED
    )
    RETURNING type, ticket_id, priority + raised AS priority
  `.execute(tx);
  return rows;
}

export interface RacingRun {
  id: string;
  deadline: number;
  deadline_state: 'ahead' | 'at_risk';
  /** Of the attempt that is under way or, ahead, of the next; null: it waits, and is due. */
  begins_at: number | null;
  percent: number | null;
  usual_ms: number | null;
}

/**
 * Open runs with a deadline, the next first, with the median of their job's last successes. Of attempts that failed
 * nothing counts: how long they took and how far they came says nothing of the one that has to do it all.
 */
export async function racingRuns(tx: Transaction<Tables>, max: number): Promise<RacingRun[]> {
  const { rows } = await sql<RacingRun>`
    SELECT run.id, run.deadline, run.deadline_state, usual.ms AS usual_ms,
      CASE WHEN run.status = 'running' THEN run.attempt_started_at WHEN run.due_at > clock_timestamp() THEN run.due_at
        END AS begins_at,
      CASE WHEN run.status = 'running' THEN run.percent END AS percent
    FROM run LEFT JOIN LATERAL (
      SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - attempt_started_at) * 1000) AS ms
      FROM (
        SELECT attempt_started_at, finished_at FROM run AS earlier
        WHERE earlier.job_id = run.job_id AND earlier.status = 'succeeded' AND earlier.attempt_started_at IS NOT NULL
          AND earlier.finished_at IS NOT NULL
        ORDER BY earlier.finished_at DESC LIMIT 20
      ) AS successes
    ) AS usual ON true
    WHERE run.deadline_state IN ('ahead', 'at_risk') AND run.finished_at IS NULL
    ORDER BY run.deadline LIMIT ${max}
    FOR UPDATE OF run SKIP LOCKED
  `.execute(tx);
  return rows;
}

export async function setDeadlineStates(
  tx: Transaction<Tables>,
  states: readonly { id: string; state: 'at_risk' | 'missed' | 'ahead' }[],
): Promise<NamedRun[]> {
  const { rows } = await sql<NamedRun>`
    UPDATE run SET deadline_state = k.state
    FROM unnest(${states.map(({ id }) => id)}::uuid[], ${textArray(states.map(({ state }) => state))}::text[])
      AS k (id, state)
    WHERE run.id = k.id RETURNING run.*, (SELECT name FROM job WHERE job.id = run.job_id) AS job_name
  `.execute(tx);
  return rows;
}

function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
