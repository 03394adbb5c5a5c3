import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import { instantMs } from '../../kernel/instant.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { Problem } from '../../kernel/problem.ts';
import { endForsaken } from './claim.sql.ts';
import { jobProblems } from './job.problems.ts';
import { priorityNumber } from './job.rules.ts';
import type { JobDeps } from './job.service.ts';
import { findJobs } from './job.sql.ts';
import { deltasOf, RunMaker, REQUESTED_MAX, wantedBy } from './run.making.ts';
import type { LogQuery, RedriveBody, RunNowBody, RunQuery, RunSummary, RunView } from './run.schema.ts';
import { filesOf } from './run.files.sql.ts';
import { readLog } from './run.notes.sql.ts';
import {
  askToStop,
  attemptsOf,
  countRuns,
  endUntaken,
  findRun,
  listRuns,
  lockFailed,
  lockRun,
  lockStates,
  RUN_ORDER,
  waitMany,
  type NamedRun,
  type RunFilter,
} from './run.sql.ts';
import { runEntry, runSummary, runView } from './run.view.ts';
import { isOver } from './cycle.rules.ts';
import { invalid } from './type.book.ts';

const REDRIVEN_AT_ONCE = 1_000;
const PAST_MS = 1_000;
const AHEAD_MAX_MS = 366 * 86_400_000;

/** @throws Problem `job_not_found`, `job_is_system`, `validation_failed`, `too_many_runs` */
export async function runNow(deps: JobDeps, jobId: string, body: RunNowBody, meta: CommandMeta): Promise<Answer> {
  const { types, database } = deps;
  const [found] = await findJobs(database.kysely, [jobId]);
  if (found === undefined) throw new Problem(jobProblems.jobNotFound, `No job has the id ${jobId}.`);
  if (types.isContinuous(found.type)) throw new Problem(jobProblems.jobIsSystem, 'It runs all the time by itself.');
  if (body.at !== undefined && body.delayMs !== undefined) {
    throw invalid([{ path: '/delayMs', message: 'does not go with at' }]);
  }
  if (body.config !== undefined) await types.check(found.type, { ...found.config, ...body.config });
  return waking(deps, () =>
    deps.engine.transact(meta, async (tx, nowMs) => {
      const dueAtMs = dueOf(body, nowMs);
      const maker = new RunMaker(tx, deps.queue, nowMs);
      await maker.lockGraphOf([jobId]);
      const [job] = await findJobs(tx, [jobId]);
      if (job === undefined) throw new Problem(jobProblems.jobNotFound, `No job has the id ${jobId}.`);
      if (await waitMany(tx, jobId, REQUESTED_MAX)) {
        throw new Problem(jobProblems.tooManyRuns, `${REQUESTED_MAX} runs of it wait.`);
      }
      const priority = body.priority === undefined ? job.priority : priorityNumber(body.priority);
      const config = { ...job.config, ...body.config };
      const asked = { trigger: 'request', startedBy: meta.actor, dueAtMs, priority, config } as const;
      const [run] = await maker.make([wantedBy(job, { ...asked, fresh: body.fresh ?? false })]);
      if (run === undefined) throw new Error('no run was made');
      return {
        status: 202,
        body: runSummary(run),
        headers: { location: `/api/v1/runs/${run.id}` },
        journal: [runEntryOf('run.requested', run), ...maker.entries],
      };
    }),
  );
}

function dueOf({ at, delayMs }: RunNowBody, nowMs: number): number {
  if (at === undefined) return nowMs + (delayMs ?? 0);
  const atMs = instantMs(at);
  if (atMs < nowMs - PAST_MS) throw invalid([{ path: '/at', message: `is past; it is ${toRfc3339(nowMs)} now` }]);
  if (atMs > nowMs + AHEAD_MAX_MS) throw invalid([{ path: '/at', message: 'is more than a year ahead' }]);
  return Math.max(atMs, nowMs);
}

/** @throws Problem `run_not_found`, `run_is_over` */
export async function cancelRun(deps: JobDeps, id: string, meta: CommandMeta): Promise<Answer> {
  const jobId = (await expectedRun(deps, id)).job_id;
  return waking(deps, () =>
    deps.engine.transact(meta, async (tx, nowMs) => {
      const maker = new RunMaker(tx, deps.queue, nowMs);
      await maker.lockGraphOf([jobId]);
      await lockStates(tx, [jobId]);
      const run = await lockRun(tx, id);
      if (run === undefined) throw runNotFound(id);
      if (isOver(run.status))
        throw new Problem(jobProblems.runIsOver, `It has ${run.status} already.`, { runStatus: run.status });
      const stopping = { ...run, cancel_requested_by: run.cancel_requested_by ?? meta.actor };
      const requested = runEntry('run.cancel_requested', stopping);
      // Of a type that no worker has any more, nobody would take it up to stop it.
      const isForsaken = run.status === 'running' && (await deps.queue.isFree(tx, run.type, run.ticket_id ?? ''));
      if (run.status === 'running' && !isForsaken) {
        await askToStop(tx, [id], meta.actor);
        return { status: 202, body: runSummary(stopping, nowMs), journal: [requested] };
      }
      const over = isForsaken
        ? await endForsaken(tx, id, meta.actor, nowMs)
        : await endUntaken(tx, [id], meta.actor, nowMs);
      const ended = over.map((row) => ({ ...row, job_name: run.job_name }));
      if (run.ticket_id !== null) await deps.queue.withdraw(tx, run.type, [run.ticket_id]);
      await countRuns(tx, deltasOf(ended));
      await maker.passOn(ended);
      const journal = [requested, ...ended.map((row) => runEntry('run.cancelled', row)), ...maker.entries];
      return { status: 200, body: runSummary(ended[0] as NamedRun), journal };
    }),
  );
}

/** @throws Problem `run_not_found`, `run_not_failed` */
export async function redriveRun(deps: JobDeps, id: string, meta: CommandMeta): Promise<Answer> {
  const before = await expectedRun(deps, id);
  return waking(deps, () =>
    deps.engine.transact(meta, async (tx, nowMs) => {
      const maker = new RunMaker(tx, deps.queue, nowMs);
      await maker.lockGraphOf([before.job_id]);
      const run = await lockRun(tx, id);
      if (run === undefined) throw runNotFound(id);
      if (run.status !== 'failed') {
        throw new Problem(jobProblems.runNotFailed, `It is ${run.status}.`, { runStatus: run.status });
      }
      const [waiting] = await maker.requeue([run]);
      return {
        status: 200,
        body: runSummary(waiting as NamedRun),
        journal: [runEntryOf('run.redriven', run), ...maker.entries],
      };
    }),
  );
}

/** Failed runs, up to a thousand in a call. @throws Problem `validation_failed` */
export async function redriveRuns(deps: JobDeps, { ids, jobId }: RedriveBody, meta: CommandMeta): Promise<Answer> {
  if (ids === undefined && jobId === undefined) throw invalid([{ path: '/ids', message: 'or jobId must be given' }]);
  return waking(deps, () =>
    deps.engine.transact(meta, async (tx, nowMs) => {
      const maker = new RunMaker(tx, deps.queue, nowMs);
      const failed = await lockFailed(tx, { ids, jobId }, REDRIVEN_AT_ONCE);
      const some = failed.slice(0, REDRIVEN_AT_ONCE);
      await maker.requeue(some);
      return {
        status: 200,
        body: { redriven: some.length, more: failed.length > some.length },
        journal: [...some.map((run) => runEntryOf('run.redriven', run)), ...maker.entries],
      };
    }),
  );
}

/** Lets a run that is held go. @throws Problem `run_not_found`, `run_not_held` */
export async function releaseRun(deps: JobDeps, id: string, meta: CommandMeta): Promise<Answer> {
  await expectedRun(deps, id);
  return waking(deps, () =>
    deps.engine.transact(meta, async (tx, nowMs) => {
      const maker = new RunMaker(tx, deps.queue, nowMs);
      const run = await lockRun(tx, id);
      if (run === undefined) throw runNotFound(id);
      if (run.status !== 'held')
        throw new Problem(jobProblems.runNotHeld, `It is ${run.status}.`, { runStatus: run.status });
      const [waiting] = await maker.requeue([run]);
      return {
        status: 200,
        body: runSummary(waiting as NamedRun),
        journal: [runEntryOf('run.released', run), ...maker.entries],
      };
    }),
  );
}

/** @throws Problem `run_not_found` */
export async function getRun(deps: JobDeps, id: string, nowMs: number): Promise<RunView> {
  const { kysely } = deps.database;
  const [run, attempts, files] = await Promise.all([
    expectedRun(deps, id),
    attemptsOf(kysely, id),
    filesOf(kysely, id),
  ]);
  return runView(run, { attempts, files, config: deps.types.shown(run.type, run.config) }, nowMs);
}

/** @throws Problem `invalid_cursor` */
export async function pageOfRuns(
  { database }: JobDeps,
  query: Pick<RunQuery, 'limit' | 'cursor' | 'sort'> & RunFilter,
  nowMs: number,
): Promise<Page<RunSummary>> {
  const { limit, cursor, sort = '-createdAt', status, jobId, type, cycleId } = query;
  const filter = { status, jobId, type, cycleId };
  const list = { route: 'runs', sort, ...filter };
  const rows = await listRuns(database.kysely, filter, RUN_ORDER(sort === '-createdAt'), { list, cursor, limit });
  return toPage(
    list,
    limit,
    rows,
    (run) => [run.id],
    (run) => runSummary(run, nowMs),
  );
}

/** @throws Problem `run_not_found` */
export async function logOf(deps: JobDeps, id: string, { after = 0, limit = 200 }: LogQuery) {
  await expectedRun(deps, id);
  const rows = await readLog(deps.database.kysely, id, after, limit);
  return { items: rows.map((row) => ({ ...row, at: toRfc3339(row.at) })), last: rows.at(-1)?.line ?? after };
}

export async function expectedRun({ database }: Pick<JobDeps, 'database'>, id: string): Promise<NamedRun> {
  const run = await findRun(database.kysely, id);
  if (run === undefined) throw runNotFound(id);
  return run;
}

function runNotFound(id: string): Problem {
  return new Problem(jobProblems.runNotFound, `No run has the id ${id}; it may be older than what is kept.`);
}

/** What somebody did to a run, for the audit. */
function runEntryOf(kind: 'run.requested' | 'run.redriven' | 'run.released', run: NamedRun) {
  return { kind, subject: run.id, data: { id: run.id, job: { id: run.job_id, name: run.job_name } } };
}

async function waking(deps: JobDeps, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } finally {
    deps.changed();
  }
}
