import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { rfc3339OrNull, toRfc3339 } from '../../kernel/clock.ts';
import { numberArray, type RunTable, type Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';
import type { RunStatus } from './job.schema.ts';

export type Run = Omit<Selectable<RunTable>, 'config' | 'error'> & {
  config: Record<string, unknown>;
  error: RunFault | null;
};

export type RunTrigger = Run['trigger'];

export interface RunFault {
  code: 'failed' | 'permanent' | 'timed_out' | 'worker_lost';
  message: string;
}

/** A run with the name of its job, as lists show it. */
export type NamedRun = Run & { job_name: string };

/** A run that is to be written. */
export interface NewRun {
  id: string;
  jobId: string;
  type: string;
  cycleId: string;
  status: 'held' | 'queued' | 'skipped' | 'succeeded';
  priority: number;
  trigger: RunTrigger;
  startedBy: string;
  tickMs: number | null;
  config: Record<string, unknown>;
  attemptsMax: number;
  timeoutMs: number;
  dueAtMs: number;
  ticketId: string | null;
  deadlineMs: number | null;
  reason: string | null;
  cachedFrom: string | null;
  result: unknown;
}

export async function insertRuns(tx: Transaction<Tables>, runs: readonly NewRun[], nowMs: number): Promise<Run[]> {
  if (runs.length === 0) return [];
  const now = toRfc3339(nowMs);
  const rows = runs.map((run) => ({
    id: run.id,
    job_id: run.jobId,
    type: run.type,
    cycle_id: run.cycleId,
    status: run.status,
    priority: run.priority,
    trigger: run.trigger,
    started_by: run.startedBy,
    tick: rfc3339OrNull(run.tickMs),
    config: JSON.stringify(run.config),
    attempts_max: run.attemptsMax,
    timeout_ms: run.timeoutMs,
    due_at: toRfc3339(run.dueAtMs),
    created_at: now,
    finished_at: run.status === 'queued' || run.status === 'held' ? null : now,
    ticket_id: run.ticketId,
    deadline: rfc3339OrNull(run.deadlineMs),
    deadline_state: deadlineStateOf(run),
    reason: run.reason,
    cached_from: run.cachedFrom,
    result: run.result === undefined || run.result === null ? null : JSON.stringify(run.result),
  }));
  return (await tx.insertInto('run').values(rows).returningAll().execute()) as Run[];
}

/** Of these ticks those that have their runs: they were fired before, by a clock that was set back since. */
export async function firedTicks(
  tx: Transaction<Tables>,
  ticks: readonly { jobId: string; tickMs: number }[],
): Promise<{ job_id: string; tick: number }[]> {
  const { rows } = await sql<{ job_id: string; tick: number }>`
    SELECT run.job_id, run.tick FROM unnest(${ticks.map(({ jobId }) => jobId)}::uuid[],
      ${ticks.map(({ tickMs }) => toRfc3339(tickMs))}::timestamptz[]) AS k (job_id, tick)
    JOIN run ON run.job_id = k.job_id AND run.tick = k.tick
  `.execute(tx);
  return rows;
}

function deadlineStateOf({ deadlineMs, status }: NewRun): 'none' | 'ahead' | 'kept' | 'missed' {
  if (deadlineMs === null) return 'none';
  if (status === 'skipped') return 'missed';
  return status === 'succeeded' ? 'kept' : 'ahead';
}

/** The states of jobs, held in the order of their ids: whoever decides about overlap does it alone. */
export async function lockStates(tx: Transaction<Tables>, jobIds: readonly string[]): Promise<void> {
  await sql`
    SELECT job_id FROM job_state WHERE job_id = ANY(${[...jobIds]}::uuid[]) ORDER BY job_id FOR NO KEY UPDATE
  `.execute(tx);
}

export interface OpenRun {
  id: string;
  job_id: string;
  status: RunStatus;
  type: string;
  ticket_id: string | null;
}

/** Of each job the oldest runs that are not over, those that are held apart. */
export async function openRunsOf(
  tx: Transaction<Tables>,
  jobIds: readonly string[],
  maxEach: number,
): Promise<OpenRun[]> {
  const { rows } = await sql<OpenRun>`
    SELECT open.* FROM unnest(${[...jobIds]}::uuid[]) AS job (id) CROSS JOIN LATERAL (
      SELECT id, job_id, status, type, ticket_id FROM run
      WHERE job_id = job.id AND finished_at IS NULL AND status IN ('queued', 'running', 'retrying')
      ORDER BY id LIMIT ${maxEach}
    ) AS open
  `.execute(tx);
  return rows;
}

/** Whether so many runs of a job wait, or more. */
export async function waitMany(tx: Transaction<Tables>, jobId: string, max: number): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM run WHERE job_id = ${jobId}::uuid AND status = 'queued' AND finished_at IS NULL
    OFFSET ${max - 1} LIMIT 1
  `.execute(tx);
  return rows.length > 0;
}

/** The newest success with the same config that is not too old. */
export async function findReusable(
  tx: Transaction<Tables>,
  jobId: string,
  config: Record<string, unknown>,
  sinceMs: number,
): Promise<{ id: string; result: unknown } | undefined> {
  return tx
    .selectFrom('run')
    .select(['id', 'result'])
    .where('job_id', '=', jobId)
    .where('status', '=', 'succeeded')
    .where('cached_from', 'is', null)
    .where('finished_at', '>', sql<number>`${toRfc3339(sinceMs)}::timestamptz`)
    .where(sql<boolean>`config = ${JSON.stringify(config)}::jsonb`)
    .orderBy('finished_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/**
 * The cycle in which a graph of jobs ran last: of those that began in turn, or of those aside, whose first run was asked
 * for of a job that has a schedule or dependencies.
 */
export async function lastCycleOf(
  tx: Transaction<Tables>,
  jobIds: readonly string[],
  isAside: boolean,
): Promise<string | undefined> {
  const { rows } = await sql<{ cycle_id: string }>`
    SELECT cycle_id FROM (
      SELECT id, cycle_id FROM run WHERE job_id = ANY(${[...jobIds]}::uuid[]) ORDER BY id DESC LIMIT ${LOOKED_AT_MAX}
    ) AS latest
    WHERE ${isAside} = (
      SELECT opener.trigger = 'request' AND (
        job.schedule IS NOT NULL OR EXISTS (SELECT FROM job_dependency WHERE job_dependency.job_id = job.id)
      )
      FROM run AS opener JOIN job ON job.id = opener.job_id
      WHERE opener.cycle_id = latest.cycle_id ORDER BY opener.id LIMIT 1
    )
    ORDER BY id DESC LIMIT 1
  `.execute(tx);
  return rows[0]?.cycle_id;
}

/** A cycle that is further back than so many runs is not joined any more. */
const LOOKED_AT_MAX = 1_000;

/** The runs of some jobs in a cycle. */
export async function runsInCycle(
  tx: Transaction<Tables>,
  cycleId: string,
  jobIds: readonly string[],
): Promise<Pick<Run, 'id' | 'job_id' | 'status' | 'reason'>[]> {
  const { rows } = await sql<Pick<Run, 'id' | 'job_id' | 'status' | 'reason'>>`
    SELECT id, job_id, status, reason FROM run WHERE cycle_id = ${cycleId}::uuid AND job_id = ANY(${[...jobIds]}::uuid[])
  `.execute(tx);
  return rows;
}

/** Back into the queue: what failed, was skipped or is held. Its attempts and its time count anew. */
export async function requeue(
  tx: Transaction<Tables>,
  runs: readonly { id: string; ticketId: string }[],
  nowMs: number,
): Promise<Run[]> {
  if (runs.length === 0) return [];
  const { rows } = await sql<Run>`
    UPDATE run SET status = 'queued', ticket_id = k.ticket_id, due_at = ${toRfc3339(nowMs)}::timestamptz, attempt = 0,
      raised = 0, started_at = NULL, attempt_started_at = NULL, finished_at = NULL, percent = NULL,
      progress_message = NULL, error = NULL, reason = NULL, cancel_requested_by = NULL,
      deadline_state = CASE
        WHEN run.deadline IS NULL THEN 'none'
        WHEN run.deadline_state = 'missed' AND run.deadline <= ${toRfc3339(nowMs)}::timestamptz THEN 'missed'
        ELSE 'ahead' END
    FROM unnest(${runs.map(({ id }) => id)}::uuid[], ${runs.map(({ ticketId }) => ticketId)}::uuid[])
      AS k (id, ticket_id)
    WHERE run.id = k.id
    RETURNING run.*
  `.execute(tx);
  return rows;
}

export async function lockRun(tx: Transaction<Tables>, id: string): Promise<NamedRun | undefined> {
  const { rows } = await sql<NamedRun>`
    SELECT run.*, job.name AS job_name FROM run JOIN job ON job.id = run.job_id WHERE run.id = ${id}::uuid FOR UPDATE OF run
  `.execute(tx);
  return rows[0];
}

/** Over without having run, or before it was taken again. */
export async function endUntaken(
  tx: Transaction<Tables>,
  ids: readonly string[],
  by: string,
  nowMs: number,
): Promise<Run[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<Run>`
    UPDATE run SET status = 'cancelled', finished_at = ${toRfc3339(nowMs)}::timestamptz, ticket_id = NULL,
      cancel_requested_by = ${by}, deadline_state = CASE WHEN deadline IS NULL THEN 'none' ELSE 'missed' END
    WHERE id = ANY(${[...ids]}::uuid[]) AND status IN ('held', 'queued', 'retrying')
    RETURNING *
  `.execute(tx);
  return rows;
}

/** Whoever runs them sees it and stops. */
export async function askToStop(tx: Transaction<Tables>, ids: readonly string[], by: string): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    UPDATE run SET cancel_requested_by = ${by}
    WHERE id = ANY(${[...ids]}::uuid[]) AND status = 'running' AND cancel_requested_by IS NULL
  `.execute(tx);
}

/** Failed runs to be redriven, held. One more than the most, where there are more. */
export async function lockFailed(
  tx: Transaction<Tables>,
  which: { ids?: readonly string[] | undefined; jobId?: string | undefined },
  max: number,
): Promise<NamedRun[]> {
  const named = which.ids === undefined ? sql`true` : sql`run.id = ANY(${[...which.ids]}::uuid[])`;
  const ofJob = which.jobId === undefined ? sql`true` : sql`run.job_id = ${which.jobId}::uuid`;
  const { rows } = await sql<NamedRun>`
    SELECT run.*, job.name AS job_name FROM run JOIN job ON job.id = run.job_id
    WHERE run.status = 'failed' AND ${named} AND ${ofJob}
    ORDER BY run.id LIMIT ${max + 1} FOR UPDATE OF run
  `.execute(tx);
  return rows;
}

export async function countRuns(tx: Transaction<Tables>, deltas: ReadonlyMap<string, Delta>): Promise<void> {
  if (deltas.size === 0) return;
  const ids = [...deltas.keys()].toSorted();
  const column = (of: (delta: Delta) => number): string => numberArray(ids.map((id) => of(deltas.get(id) ?? NOTHING)));
  await sql`
    UPDATE job_state SET run_count = run_count + k.runs, success_count = success_count + k.succeeded,
      failure_count = failure_count + k.failed
    FROM unnest(${ids}::uuid[], ${column(({ runs }) => runs)}::bigint[],
      ${column(({ succeeded }) => succeeded)}::bigint[], ${column(({ failed }) => failed)}::bigint[])
      AS k (id, runs, succeeded, failed)
    WHERE job_state.job_id = k.id
  `.execute(tx);
}

export interface Delta {
  runs: number;
  succeeded: number;
  failed: number;
}

const NOTHING: Delta = { runs: 0, succeeded: 0, failed: 0 };

export async function findRun(db: Kysely<Tables>, id: string): Promise<NamedRun | undefined> {
  const { rows } = await sql<NamedRun>`
    SELECT run.*, job.name AS job_name FROM run JOIN job ON job.id = run.job_id WHERE run.id = ${id}::uuid
  `.execute(db);
  return rows[0];
}

export interface AttemptRow {
  attempt: number;
  worker: string;
  started_at: number;
  finished_at: number | null;
  outcome: 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'lost' | 'handed_over' | null;
  error: RunFault | null;
}

export async function attemptsOf(db: Kysely<Tables>, runId: string): Promise<AttemptRow[]> {
  const { rows } = await sql<AttemptRow>`
    SELECT attempt, worker, started_at, finished_at, outcome, error FROM run_attempt
    WHERE run_id = ${runId}::uuid ORDER BY fence DESC LIMIT 200
  `.execute(db);
  return rows.toReversed();
}

export const RUN_ORDER = (descending: boolean): ListOrder => ({
  columns: [{ ref: 'run.id', kind: 'uuid' }],
  descending,
});

export interface RunFilter {
  status?: RunStatus | undefined;
  jobId?: string | undefined;
  type?: string | undefined;
  cycleId?: string | undefined;
}

/** One page of runs and one row more. Config and result are left out: they may be large. */
export async function listRuns(
  db: Kysely<Tables>,
  { status, jobId, type, cycleId }: RunFilter,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<NamedRun[]> {
  const where = [
    ...(status === undefined ? [] : [sql`run.status = ${status}`]),
    ...(jobId === undefined ? [] : [sql`run.job_id = ${jobId}::uuid`]),
    ...(type === undefined ? [] : [sql`run.type = ${type}`]),
    ...(cycleId === undefined ? [] : [sql`run.cycle_id = ${cycleId}::uuid`]),
    rowsAfter(order, page.list, page.cursor),
  ];
  const { rows } = await sql<NamedRun>`
    SELECT ${SHOWN} FROM run JOIN job ON job.id = run.job_id
    WHERE ${sql.join(where, sql` AND `)}
    ORDER BY ${inOrder(order)} LIMIT ${page.limit + 1}
  `.execute(db);
  return rows;
}

const SHOWN = sql`run.id, run.job_id, run.type, run.cycle_id, run.status, run.priority, run.trigger, run.started_by,
  run.tick, run.attempts_max, run.attempt, run.timeout_ms, run.due_at, run.created_at, run.started_at,
  run.attempt_started_at, run.finished_at, run.worker, run.cancel_requested_by, run.deadline, run.deadline_state,
  run.percent, run.progress_message, run.error, run.reason, run.cached_from, run.log_lines, job.name AS job_name`;
