import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { rfc3339OrNull, toRfc3339 } from '../../kernel/clock.ts';
import type { JobTable, Tables } from '../../platform/database/index.ts';
import { inOrder, rowsAfter, type ListOrder } from '../../platform/database/keyset.ts';
import type { Edge } from './cycle.rules.ts';
import type { Backoff, JobFields } from './job.rules.ts';
import { LISTED_CONFIG_MAX_BYTES, type RunStatus } from './job.schema.ts';

export type Job = Omit<Selectable<JobTable>, 'config' | 'backoff'> & {
  config: Record<string, unknown>;
  backoff: Backoff;
};

/** What a job did last and will do next, and all that is said of it but its config, which may be large. */
export type JobState = Omit<Job, 'config'> & {
  next_at: number | null;
  run_count: number;
  success_count: number;
  failure_count: number;
  last_at: number | null;
  last_result: unknown;
  last_run_id: string | null;
  last_status: RunStatus | null;
  last_started_at: number | null;
  last_finished_at: number | null;
  last_percent: number | null;
  last_cycle_id: string | null;
  running: number;
  waiting: number;
};

export type JobWithState = JobState & Pick<Job, 'config'>;

/** With its config where that is small. */
export type ListedJob = JobState & { config: Job['config'] | null };

export async function insertJob(
  tx: Transaction<Tables>,
  id: string,
  fields: JobFields,
  state: { isSystem: boolean; nextAtMs: number | null },
  nowMs: number,
): Promise<void> {
  const now = toRfc3339(nowMs);
  await tx
    .insertInto('job')
    .values({ id, ...toColumns(fields), is_system: state.isSystem, created_at: now, updated_at: now })
    .execute();
  await tx
    .insertInto('job_state')
    .values({ job_id: id, next_at: rfc3339OrNull(state.nextAtMs) })
    .execute();
  await insertDependencies(tx, id, fields.dependencies);
}

export async function updateJob(
  tx: Transaction<Tables>,
  id: string,
  fields: JobFields,
  nextAtMs: number | null,
  nowMs: number,
): Promise<void> {
  await tx
    .updateTable('job')
    .set({ ...toColumns(fields), version: sql<number>`version + 1`, updated_at: toRfc3339(nowMs) })
    .where('id', '=', id)
    .execute();
  await tx
    .updateTable('job_state')
    .set({ next_at: rfc3339OrNull(nextAtMs) })
    .where('job_id', '=', id)
    .execute();
  await tx.deleteFrom('job_dependency').where('job_id', '=', id).execute();
  await insertDependencies(tx, id, fields.dependencies);
}

async function insertDependencies(tx: Transaction<Tables>, id: string, dependencies: readonly string[]): Promise<void> {
  if (dependencies.length === 0) return;
  const rows = dependencies.map((dependsOn) => ({ job_id: id, depends_on: dependsOn }));
  await tx.insertInto('job_dependency').values(rows).execute();
}

/** Its runs go with it. */
export async function deleteJob(tx: Transaction<Tables>, id: string): Promise<void> {
  await tx.deleteFrom('job').where('id', '=', id).execute();
}

/** Held against others who change it; runs of it can be made meanwhile. */
export async function lockJob(tx: Transaction<Tables>, id: string): Promise<Job | undefined> {
  const row = await tx.selectFrom('job').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst();
  return row as Job | undefined;
}

export async function findJobs(db: Kysely<Tables>, ids: readonly string[]): Promise<Job[]> {
  if (ids.length === 0) return [];
  return (await db.selectFrom('job').selectAll().where('id', 'in', ids).execute()) as Job[];
}

export async function idOfName(db: Kysely<Tables>, name: string): Promise<string | undefined> {
  return (await db.selectFrom('job').select('id').where('name', '=', name).executeTakeFirst())?.id;
}

/** The types of Holdfast's own jobs that are there. */
export async function systemTypes(db: Kysely<Tables>): Promise<Set<string>> {
  const rows = await db.selectFrom('job').select('type').where('is_system', '=', true).execute();
  return new Set(rows.map(({ type }) => type));
}

/** Makers of jobs, and changers of what waits for what, follow one another: together they could close a circle. */
export async function lockAndCountJobs(tx: Transaction<Tables>): Promise<number> {
  await lockGraph(tx);
  const { count } = await tx
    .selectFrom('job')
    .select((row) => row.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Whoever gives a run its cycle, or looks whether a cycle goes on, is alone: two that finish at once must see it. */
export async function lockGraph(tx: Transaction<Tables>): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('holdfast job graph', 0))`.execute(tx);
}

export async function edgesOf(db: Kysely<Tables>): Promise<Edge[]> {
  return db.selectFrom('job_dependency').select(['job_id as job', 'depends_on as dependsOn']).execute();
}

export async function dependenciesOf(db: Kysely<Tables>, ids: readonly string[]): Promise<Edge[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom('job_dependency')
    .select(['job_id as job', 'depends_on as dependsOn'])
    .where('job_id', 'in', ids)
    .orderBy('depends_on')
    .execute();
}

export function jobOrder(sort: 'name' | '-name' | 'createdAt' | '-createdAt'): ListOrder {
  const descending = sort.startsWith('-');
  return sort.endsWith('name')
    ? { columns: [{ ref: 'job.name', kind: 'text' }], descending }
    : { columns: [{ ref: 'job.id', kind: 'uuid' }], descending };
}

export interface JobFilter {
  type?: string | undefined;
  search?: string | undefined;
  enabled?: boolean | undefined;
  system?: boolean | undefined;
}

export async function findJob(db: Kysely<Tables>, id: string): Promise<JobWithState | undefined> {
  const query = withState(db).select('job.config').where('job.id', '=', id);
  return (await query.executeTakeFirst()) as JobWithState | undefined;
}

export async function statesOfJobs(db: Kysely<Tables>, ids: readonly string[]): Promise<JobState[]> {
  if (ids.length === 0) return [];
  return (await withState(db).where('job.id', 'in', ids).execute()) as JobState[];
}

/** One page of jobs and one row more. */
export async function listJobs(
  db: Kysely<Tables>,
  filter: JobFilter,
  order: ListOrder,
  page: { list: object; cursor?: string | undefined; limit: number },
): Promise<ListedJob[]> {
  const { type, search, enabled, system } = filter;
  let query = withState(db).select(smallConfig.as('config'));
  if (type !== undefined) query = query.where('job.type', '=', type);
  if (enabled !== undefined) query = query.where('job.enabled', '=', enabled);
  if (system !== undefined) query = query.where('job.is_system', '=', system);
  if (search !== undefined) {
    const pattern = `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    query = query.where(sql<boolean>`job.name ILIKE ${pattern}`);
  }
  if (page.cursor !== undefined) query = query.where(rowsAfter(order, page.list, page.cursor));
  const rows = await query
    .orderBy(inOrder(order))
    .limit(page.limit + 1)
    .execute();
  return rows as ListedJob[];
}

/** What is large even as it is stored need not be unpacked to be measured; what is small there may be large all the same. */
const smallConfig = sql<Job['config'] | null>`CASE
  WHEN pg_column_size(job.config) > ${sql.lit(LISTED_CONFIG_MAX_BYTES)} THEN NULL
  WHEN octet_length(job.config::text) <= ${sql.lit(LISTED_CONFIG_MAX_BYTES)} THEN job.config END`;

const ALL_BUT_CONFIG = [
  'job.id',
  'job.name',
  'job.description',
  'job.type',
  'job.schedule',
  'job.time_zone',
  'job.priority',
  'job.retries',
  'job.backoff',
  'job.timeout_ms',
  'job.concurrency',
  'job.overlap',
  'job.catch_up',
  'job.catch_up_max',
  'job.after_failure',
  'job.cache_for_ms',
  'job.must_finish_by',
  'job.keep_days',
  'job.enabled',
  'job.is_system',
  'job.version',
  'job.created_at',
  'job.updated_at',
] as const;

/** The count of open runs is by an index of open runs alone. */
function withState(db: Kysely<Tables>) {
  return db
    .selectFrom('job')
    .innerJoin('job_state', 'job_state.job_id', 'job.id')
    .leftJoinLateral(
      (row) =>
        row
          .selectFrom('run')
          .select(['id', 'status', 'started_at', 'finished_at', 'percent', 'cycle_id'])
          .whereRef('run.job_id', '=', 'job.id')
          .orderBy('run.id', 'desc')
          .limit(1)
          .as('run'),
      (join) => join.onTrue(),
    )
    .select([
      ...ALL_BUT_CONFIG,
      'job_state.next_at',
      'job_state.run_count',
      'job_state.success_count',
      'job_state.failure_count',
      'job_state.last_at',
      'job_state.last_result',
      'run.id as last_run_id',
      'run.status as last_status',
      'run.started_at as last_started_at',
      'run.finished_at as last_finished_at',
      'run.percent as last_percent',
      'run.cycle_id as last_cycle_id',
      openRuns('running').as('running'),
      openRuns('queued').as('waiting'),
    ]);
}

function openRuns(status: 'running' | 'queued') {
  return sql<number>`(
    SELECT count(*) FROM run AS open
    WHERE open.job_id = job.id AND open.status = ${sql.lit(status)} AND open.finished_at IS NULL
  )`;
}

/** Enabled jobs with a schedule, for those who look ahead. */
export async function scheduledJobs(
  db: Kysely<Tables>,
  max: number,
): Promise<Pick<Job, 'id' | 'name' | 'type' | 'schedule' | 'time_zone' | 'priority'>[]> {
  return db
    .selectFrom('job')
    .innerJoin('job_state', 'job_state.job_id', 'job.id')
    .select(['job.id', 'job.name', 'job.type', 'job.schedule', 'job.time_zone', 'job.priority'])
    .where('job_state.next_at', 'is not', null)
    .where('job.enabled', '=', true)
    .orderBy('job_state.next_at')
    .limit(max)
    .execute();
}

/** What a duty that runs all the time has done since it was last told. */
export async function reportDuty(
  db: Kysely<Tables>,
  type: string,
  { runs, failures, result }: { runs: number; failures: number; result: unknown },
): Promise<void> {
  await sql`
    UPDATE job_state SET run_count = run_count + ${runs}, success_count = success_count + ${runs - failures},
      failure_count = failure_count + ${failures}, last_at = clock_timestamp(),
      last_result = ${JSON.stringify(result ?? null)}::jsonb
    FROM job WHERE job.id = job_state.job_id AND job.type = ${type} AND job.is_system
  `.execute(db);
}

function toColumns(fields: JobFields) {
  return {
    name: fields.name,
    description: fields.description,
    type: fields.type,
    config: JSON.stringify(fields.config),
    schedule: fields.schedule,
    time_zone: fields.timeZone,
    priority: fields.priority,
    retries: fields.retries,
    backoff: JSON.stringify(fields.backoff),
    timeout_ms: fields.timeoutMs,
    concurrency: fields.concurrency,
    overlap: fields.overlap,
    catch_up: fields.catchUp,
    catch_up_max: fields.catchUpMax,
    after_failure: fields.afterFailure,
    cache_for_ms: fields.cacheForMs,
    must_finish_by: fields.mustFinishBy,
    keep_days: fields.keepDays,
    enabled: fields.enabled,
  };
}

export function fieldsOf(job: Job, dependencies: readonly string[]): JobFields {
  return {
    name: job.name,
    description: job.description,
    type: job.type,
    config: job.config,
    schedule: job.schedule,
    timeZone: job.time_zone,
    priority: job.priority,
    retries: job.retries,
    backoff: job.backoff,
    timeoutMs: job.timeout_ms,
    concurrency: job.concurrency,
    overlap: job.overlap,
    catchUp: job.catch_up,
    catchUpMax: job.catch_up_max,
    afterFailure: job.after_failure,
    cacheForMs: job.cache_for_ms,
    mustFinishBy: job.must_finish_by,
    keepDays: job.keep_days,
    enabled: job.enabled,
    dependencies,
  };
}
