import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from 'kysely';
import type { Engine } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { newId } from '../../kernel/ids.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { refuseOtherVersion, type IfMatch } from '../../kernel/if.match.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database, Tables } from '../../platform/database/index.ts';
import { etagOf } from '../../platform/http/index.ts';
import type { TicketQueue } from '../../platform/jobs/index.ts';
import { JobGraph } from './cycle.rules.ts';
import { jobProblems } from './job.problems.ts';
import {
  checkFields,
  checkSchedule,
  fieldsAfterPatch,
  fieldsOfNew,
  priorityWord,
  scheduleOf,
  type JobFields,
} from './job.rules.ts';
import type {
  JobPatchBody,
  JobQuery,
  JobSummary,
  JobView,
  NewJobBody,
  PreviewBody,
  UpcomingQuery,
} from './job.schema.ts';
import {
  deleteJob,
  dependenciesOf,
  edgesOf,
  fieldsOf,
  findJob,
  findJobs,
  idOfName,
  insertJob,
  jobOrder,
  listJobs,
  lockAndCountJobs,
  lockGraph,
  lockJob,
  scheduledJobs,
  statesOfJobs,
  updateJob,
  type Job,
  type JobState,
  type ListedJob,
} from './job.sql.ts';
import { jobSummary, jobView, lastRunOf } from './job.view.ts';
import { deleteRunsOf, hasIdleRuns, ticketsOf } from './run.deleting.sql.ts';
import { lockStates } from './run.sql.ts';
import { ScheduleError } from './schedule.error.ts';
import { readStored } from './schedule.rules.ts';
import { invalid, type TypeBook } from './type.book.ts';

export interface JobDeps {
  engine: Engine;
  database: Database;
  queue: TicketQueue;
  types: TypeBook;
  /** Tells schedulers and workers, here and elsewhere, that there may be something to do. */
  changed: () => void;
}

/** What one names, and the version that it must still have. */
export interface Target {
  id: string;
  ifMatch: IfMatch;
}

export const JOBS_MAX = 10_000;
const RUNS_AT_ONCE = 1_000;
/** Looking further ahead than this many jobs would take long. */
const UPCOMING_JOBS_MAX = 5_000;

/** @throws Problem `validation_failed`, `forbidden_target`, `job_name_taken`, `dependency_cycle`, `too_many_jobs` */
export async function createJob(deps: JobDeps, body: NewJobBody, meta: CommandMeta): Promise<Answer> {
  const { types } = deps;
  const draft = fieldsOfNew(body, types.defaultsOf(body.type));
  const fields = { ...draft, config: types.withDefaults(draft.type, draft.config) };
  await types.check(fields.type, fields.config);
  if (types.isSystem(fields.type)) throw invalid([{ path: '/type', message: "is of Holdfast's own jobs alone" }]);
  checkFields(fields);
  checkSchedule(fields);
  return changing(deps, () =>
    deps.engine.transact(meta, async (tx, nowMs) => {
      if ((await lockAndCountJobs(tx)) >= JOBS_MAX) {
        throw new Problem(jobProblems.tooManyJobs, `There may be ${JOBS_MAX}. Delete one first.`);
      }
      const id = newId(nowMs);
      await refuseTakenName(tx, fields.name, id);
      await refuseUnknown(tx, fields.dependencies, types);
      await insertJob(tx, id, fields, { isSystem: false, nextAtMs: nextOf(fields, nowMs) }, nowMs);
      const job = await viewIn(tx, id, types);
      return {
        status: 201,
        body: job,
        headers: { location: `/api/v1/jobs/${id}`, etag: etagOf(job.version) },
        journal: [{ kind: 'job.created', subject: id, data: job }],
      };
    }),
  );
}

/**
 * A patch that changes nothing is answered with the job as it is, and leaves no trace.
 *
 * @throws Problem `job_not_found`, `precondition_failed`, `job_is_system` and those of making one
 */
export async function patchJob(deps: JobDeps, target: Target, patch: JobPatchBody, meta: CommandMeta): Promise<Answer> {
  const { types } = deps;
  const found = expected(await findJob(deps.database.kysely, target.id), target);
  if (patch.config !== undefined) await types.check(found.type, configAfter(found, patch.config, types));
  return changing(deps, () =>
    deps.engine.transact(meta, async (tx, nowMs) => {
      await lockGraph(tx);
      // Before the next tick is read: a scheduler may be at it.
      await lockStates(tx, [target.id]);
      const before = expected(await lockJob(tx, target.id), target);
      const own = (await dependenciesOf(tx, [before.id])).map(({ dependsOn }) => dependsOn);
      // With what is hidden now: somebody may have changed it since it was looked at above.
      const config = patch.config === undefined ? before.config : configAfter(before, patch.config, types);
      const fieldsBefore = fieldsOf(before, own);
      const fields = { ...fieldsAfterPatch(fieldsBefore, patch), config };
      checkFields(fields);
      if (before.is_system) refuseSystemChange(patch, types.isContinuous(before.type));
      if (fields.name !== before.name) await refuseTakenName(tx, fields.name, before.id);
      await refuseUnknown(tx, fields.dependencies, types);
      await refuseCircle(tx, before.id, fields.dependencies);
      // A change of anything else leaves the next tick as it is: what was missed stays to be caught up with.
      const isRescheduled = fields.schedule !== before.schedule || fields.timeZone !== before.time_zone;
      if (isRescheduled) checkSchedule(fields);
      const isWoken = fields.enabled && !before.enabled;
      const kept = (await findJob(tx, before.id))?.next_at ?? null;
      const nextAtMs = isRescheduled || isWoken || !fields.enabled ? nextOf(fields, nowMs) : kept;
      // Those that it waits for have no order; they were read in that of their ids.
      const inOrder = { ...fields, dependencies: fields.dependencies.toSorted() };
      const isChanged = !isDeepStrictEqual(inOrder, fieldsBefore);
      if (isChanged) await updateJob(tx, before.id, fields, nextAtMs, nowMs);
      const job = await viewIn(tx, before.id, types);
      return {
        status: 200,
        body: job,
        headers: { etag: etagOf(job.version) },
        journal: isChanged ? [{ kind: 'job.updated', subject: job.id, data: job }] : [],
      };
    }),
  );
}

/**
 * Its runs go first, a few at a time: after months there may be hundreds of thousands, more than go in one transaction.
 *
 * @throws Problem `job_not_found`, `precondition_failed`, `job_is_system`, `job_has_dependents`
 */
export async function removeJob(deps: JobDeps, target: Target, meta: CommandMeta): Promise<Answer> {
  const { engine, database, queue, types } = deps;
  const before = await findJob(database.kysely, target.id);
  const remove = (): Promise<Answer> =>
    engine.transact(meta, async (tx) => {
      const { id, type } = await lockRemovable(tx, target, types);
      if (await hasIdleRuns(tx, id)) throw new HasRuns();
      const shown = await viewIn(tx, id, types);
      const job = { ...shown, lastRun: before === undefined ? null : lastRunOf(before) };
      await queue.withdraw(tx, type, await ticketsOf(tx, id));
      await deleteJob(tx, id);
      return { status: 204, body: null, journal: [{ kind: 'job.deleted', subject: job.id, data: job }] };
    });
  return changing(deps, async () => {
    for (;;) {
      try {
        return await remove();
      } catch (error) {
        // Only what would be done otherwise, and under a key that is not another request's.
        if (!(error instanceof HasRuns)) throw error;
      }
      await engine.transact({ ...meta, idempotency: null }, async (tx) => {
        const { id, type } = await lockRemovable(tx, target, types);
        // They would be in the way of those of other jobs.
        await queue.withdraw(tx, type, await deleteRunsOf(tx, id, RUNS_AT_ONCE));
        return { status: 204, body: null, journal: [] };
      });
    }
  });
}

/** Of a job that is to be deleted, and cannot be yet. */
class HasRuns extends Error {}

async function lockRemovable(tx: Transaction<Tables>, target: Target, types: TypeBook): Promise<Job> {
  await lockGraph(tx);
  await lockStates(tx, [target.id]);
  const job = expected(await lockJob(tx, target.id), target);
  // One of a version that had other duties is of no use.
  if (job.is_system && types.isSystem(job.type))
    throw new Problem(jobProblems.jobIsSystem, 'It cannot be deleted. Disable it instead.');
  const dependents = new JobGraph(await edgesOf(tx)).dependentsOf(job.id);
  if (dependents.length > 0) {
    const detail = `${dependents.length} jobs run after it: take it out of their dependencies first.`;
    throw new Problem(jobProblems.jobHasDependents, detail, { dependents: dependents.slice(0, 20) });
  }
  return job;
}

/** @throws Problem `job_not_found` */
export async function getJob({ database, types }: JobDeps, id: string): Promise<JobView> {
  const job = expected(await findJob(database.kysely, id), { id, ifMatch: null });
  const dependencies = (await dependenciesOf(database.kysely, [id])).map(({ dependsOn }) => dependsOn);
  return jobView(job, dependencies, types);
}

/** @throws Problem `invalid_cursor` */
export async function pageOfJobs({ database, types }: JobDeps, query: JobQuery): Promise<Page<JobSummary>> {
  const { limit, cursor, sort = 'name', type, search, enabled, system } = query;
  const filter = { type, search, enabled, system };
  const list = { route: 'jobs', sort, ...filter };
  const rows = await listJobs(database.kysely, filter, jobOrder(sort), { list, cursor, limit });
  const dependencies = new Map<string, string[]>(rows.map(({ id }) => [id, []]));
  for (const edge of await dependenciesOf(database.kysely, [...dependencies.keys()])) {
    dependencies.get(edge.job)?.push(edge.dependsOn);
  }
  const position = sort.endsWith('name') ? (job: ListedJob) => [job.name] : (job: ListedJob) => [job.id];
  return toPage(list, limit, rows, position, (job) => jobSummary(job, dependencies.get(job.id) ?? [], types));
}

/** A new config with what is hidden of the old one, and with defaults. */
function configAfter(job: Pick<Job, 'type' | 'config'>, config: Job['config'], types: TypeBook): Job['config'] {
  return types.withDefaults(job.type, types.keepHidden(job.type, config, job.config));
}

/** A schedule in words, and when it would fire. @throws Problem `validation_failed` */
export function previewSchedule({ schedule, timeZone = 'UTC', count = 10 }: PreviewBody, nowMs: number) {
  const parsed = scheduleOf(schedule, timeZone);
  const next: string[] = [];
  for (let at = parsed.next(nowMs); at !== null && next.length < count; at = parsed.next(at)) next.push(toRfc3339(at));
  return { text: parsed.describe(), next };
}

/** What will be due within some hours, soonest first. */
export async function upcomingRuns({ database }: JobDeps, query: UpcomingQuery, nowMs: number) {
  const { hours = 24, limit = 200, perJob = limit } = query;
  const untilMs = nowMs + hours * 3_600_000;
  const jobs = await scheduledJobs(database.kysely, UPCOMING_JOBS_MAX);
  let hasMore = false;
  const ticks = jobs.flatMap((job) => {
    // One more than is shown, of each: then the first `limit` of all are among them.
    const schedule = readStored(job.schedule ?? '', job.time_zone);
    const times = schedule instanceof ScheduleError ? [] : schedule.between(nowMs, untilMs, perJob + 1);
    hasMore ||= times.length > perJob;
    return times.slice(0, perJob).map((atMs) => ({ atMs, job }));
  });
  ticks.sort((one, other) => one.atMs - other.atMs);
  const items = ticks.slice(0, limit).map(({ atMs, job }) => ({
    at: toRfc3339(atMs),
    jobId: job.id,
    name: job.name,
    type: job.type,
    priority: priorityWord(job.priority),
  }));
  return { items, more: hasMore || ticks.length > limit };
}

/** Jobs that wait for one another, and those they wait for. */
export async function graphOfJobs({ database }: JobDeps) {
  const edges = await edgesOf(database.kysely);
  const ids = [...new Set(edges.flatMap(({ job, dependsOn }) => [job, dependsOn]))];
  const jobs = new Map((await statesOfJobs(database.kysely, ids)).map((job) => [job.id, job]));
  const nodes = ids.flatMap((id) => jobs.get(id) ?? []).map(graphNode);
  return { nodes, edges: edges.map(({ job, dependsOn }) => ({ from: dependsOn, to: job })) };
}

function graphNode(job: JobState) {
  return {
    id: job.id,
    name: job.name,
    type: job.type,
    enabled: job.enabled,
    schedule: job.schedule,
    afterFailure: job.after_failure,
    lastRun: lastRunOf(job),
    cycleId: job.last_cycle_id,
  };
}

/** When a job with these fields is due next. */
export function nextOf(fields: Pick<JobFields, 'schedule' | 'timeZone' | 'enabled'>, nowMs: number): number | null {
  if (!fields.enabled || fields.schedule === null) return null;
  return scheduleOf(fields.schedule, fields.timeZone).next(nowMs);
}

async function viewIn(tx: Transaction<Tables>, id: string, types: TypeBook): Promise<JobView> {
  const job = expected(await findJob(tx, id), { id, ifMatch: null });
  const dependencies = (await dependenciesOf(tx, [id])).map(({ dependsOn }) => dependsOn);
  return jobView(job, dependencies, types);
}

export function expected<Row extends { version: number }>(row: Row | undefined, { id, ifMatch }: Target): Row {
  if (row === undefined) throw new Problem(jobProblems.jobNotFound, `No job has the id ${id}.`);
  refuseOtherVersion(row.version, ifMatch);
  return row;
}

async function refuseTakenName(tx: Transaction<Tables>, name: string, id: string): Promise<void> {
  const other = await idOfName(tx, name);
  if (other !== undefined && other !== id) {
    throw new Problem(jobProblems.jobNameTaken, `The job ${other} is named ${JSON.stringify(name)}.`, { jobId: other });
  }
}

async function refuseUnknown(tx: Transaction<Tables>, dependencies: readonly string[], types: TypeBook): Promise<void> {
  const typeOf = new Map((await findJobs(tx, dependencies)).map(({ id, type }) => [id, type]));
  const errors = dependencies.flatMap((id, index) => {
    const path = `/dependencies/${index}`;
    const type = typeOf.get(id);
    if (type === undefined) return [{ path, message: 'is the id of no job' }];
    return types.isContinuous(type) ? [{ path, message: 'is a duty that goes on all the time, and never ends' }] : [];
  });
  if (errors.length > 0) throw invalid(errors);
}

async function refuseCircle(tx: Transaction<Tables>, id: string, dependencies: readonly string[]): Promise<void> {
  const others = (await edgesOf(tx)).filter(({ job }) => job !== id);
  const own = dependencies.map((dependsOn) => ({ job: id, dependsOn }));
  const circle = new JobGraph([...others, ...own]).circleThrough(id);
  if (circle === null) return;
  const names = new Map((await findJobs(tx, circle)).map((job) => [job.id, job.name]));
  const named = circle.map((one) => JSON.stringify(names.get(one) ?? one));
  const detail = `Each of these would wait for the one before it: ${named.join(' → ')}.`;
  throw new Problem(jobProblems.dependencyCycle, detail, { circle });
}

/** Of Holdfast's own jobs only when they run, and how, is for others to say; of those that go on all the time nothing. */
function refuseSystemChange(patch: JobPatchBody, isContinuous: boolean): void {
  const given = Object.entries(patch).flatMap(([member, value]) => (value === undefined ? [] : [member]));
  const fixed = isContinuous ? given : given.filter((member) => OWN_AND_FIXED.has(member));
  if (fixed.length === 0) return;
  const rest = isContinuous ? 'it goes on all the time' : 'its schedule and settings can';
  throw new Problem(jobProblems.jobIsSystem, `${fixed.join(', ')} cannot be changed; ${rest}.`);
}

const OWN_AND_FIXED = new Set(['name', 'config', 'dependencies', 'description']);

/** Told also when nobody knows whether it was committed. */
async function changing(deps: JobDeps, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } finally {
    deps.changed();
  }
}
