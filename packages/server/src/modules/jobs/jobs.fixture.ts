import pg from 'pg';
import { Type } from 'typebox';
import { startTestApp, type TestApp, type TestAppOptions } from '../../../test/app.ts';
import { Shape } from '../../platform/http/schemas.ts';
import { defineJobType, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import type { JobSummary, JobView } from './job.schema.ts';
import type { claim } from './run.claiming.ts';
import type { RunSummary, RunView } from './run.schema.ts';
import { RunWorker, type RunWorkerOptions } from './run.worker.ts';
import { TypeBook } from './type.book.ts';

/** What a test lets a run do: the work of the type `work`, by the config's `name`. */
export type Work = (context: WorkContext) => Promise<unknown>;
export type WorkContext = RunContext<{ name: string }>;

/** An id of no job and no run. */
export const NOWHERE = '01a1f895-b94a-73bf-a838-d54907425664';

/** What a request is refused with. */
export interface Refused {
  code: string;
  errors?: { path: string; message: string }[];
  [member: string]: unknown;
}

export interface JobsApp extends TestApp {
  /** Work by name; a name without one succeeds at once with its own name. */
  works: Map<string, Work>;
  create(body: Record<string, unknown>): Promise<JobView>;
  show(jobId: string): Promise<JobView>;
  list(query: string): Promise<JobSummary[]>;
  run(jobId: string, body?: Record<string, unknown>): Promise<RunSummary>;
  read(runId: string): Promise<RunView>;
  history(jobId: string): Promise<RunSummary[]>;
  /** What the journal says of a run, in the order of time. */
  eventsOf(runId: string): Promise<string[]>;
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what it asks for
  request<Body>(method: string, url: string, body?: object): Promise<{ status: number; body: Body }>;
  /** What a request is refused with, as `400 validation_failed /name`: its status, its code and the fields. */
  refused(method: string, url: string, body?: object): Promise<string>;
  /** Does all that can be done now. */
  work(): Promise<void>;
}

export function workType(works: ReadonlyMap<string, Work>, more: Partial<JobType> = {}): JobType {
  const type = defineJobType({
    name: 'work',
    title: 'Work',
    description: 'What a test says.',
    config: Shape({
      name: Type.String({ default: 'nothing' }),
      secret: Type.Optional(Type.String({ writeOnly: true })),
    }),
    run: (context) => works.get(context.config.name)?.(context) ?? Promise.resolve({ name: context.config.name }),
  });
  return { ...type, ...more };
}

/** A server whose duties do nothing by themselves. */
export async function startJobsApp(options: TestAppOptions = {}): Promise<JobsApp> {
  const works = new Map<string, Work>();
  const base = await startTestApp({ jobTypes: [workType(works)], ...options });
  await base.server.jobs.queue.open();
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
  const request = async <Body>(method: string, url: string, body?: object): Promise<{ status: number; body: Body }> => {
    const answer = await base.app.inject({
      method: method as 'GET',
      url: `/api/v1${url}`,
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: answer.statusCode, body: (answer.body === '' ? null : answer.json()) as Body };
  };
  const expecting = async <Body>(status: number, method: string, url: string, body?: object): Promise<Body> => {
    let answer = await request<Body>(method, url, body);
    // Many at once on a machine with much else to do: nothing was changed, as for any client.
    for (let tries = 0; answer.status === 503 && tries < 5; tries += 1) answer = await request<Body>(method, url, body);
    if (answer.status !== status) throw new Error(`${method} ${url}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return {
    ...base,
    works,
    request,
    create: (body) => expecting(201, 'POST', '/jobs', { type: 'work', ...body }),
    show: (jobId) => expecting(200, 'GET', `/jobs/${jobId}`),
    list: async (query) => (await expecting<{ items: JobSummary[] }>(200, 'GET', `/jobs?limit=200&${query}`)).items,
    run: (jobId, body = {}) => expecting(202, 'POST', `/jobs/${jobId}/run`, body),
    read: (runId) => expecting(200, 'GET', `/runs/${runId}`),
    history: async (jobId) =>
      (await expecting<{ items: RunSummary[] }>(200, 'GET', `/jobs/${jobId}/history?sort=createdAt&limit=200`)).items,
    eventsOf: async (runId) => {
      const entries = await base.database.pool.query<{ kind: string }>(
        'SELECT kind FROM journal_entry WHERE subject = $1 ORDER BY id',
        [runId],
      );
      return entries.rows.map(({ kind }) => kind);
    },
    refused: async (method, url, body) => {
      const answer = await request<Refused>(method, url, body);
      const fields = (answer.body.errors ?? []).map(({ path }) => path);
      return [answer.status, answer.body.code, ...fields].join(' ');
    },
    work: async () => {
      // A ticket that somebody looks at just then is passed over: two looks in a row must find nothing.
      for (let empty = 0; empty < 2;) empty = (await base.server.jobs.worker.runOnce()) > 0 ? 0 : empty + 1;
    },
  };
}

/** Runs at once of the type `narrow`. */
export const NARROW = 4;
const AT_ONCE = { kind: 'fixed', delayMs: 0, maxDelayMs: 0 };

/** A server that takes no runs by itself, for tests that make workers of their own. */
export interface WorkersApp extends JobsApp {
  /** As the owner of the schema. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  deps(): Parameters<typeof claim>[0];
  workerOf(more?: Partial<RunWorkerOptions>): RunWorker;
  /** A job whose runs do this. */
  jobOf(work: Work, more?: Record<string, unknown>): Promise<string>;
  runOf(work: Work, more?: Record<string, unknown>): Promise<string>;
  outcomes(runId: string): Promise<unknown[]>;
  /** Nobody has said for long that it is alive; the queue looks, and looks now. */
  missHolders(): Promise<void>;
  lookForDead(): Promise<void>;
  /** Between tests: no worker is left, and nothing waits. */
  clear(): Promise<void>;
}

export async function startWorkersApp(): Promise<WorkersApp> {
  const works = new Map<string, Work>();
  const types = [workType(works), workType(works, { name: 'narrow', concurrency: NARROW })];
  const jobs = await startJobsApp({ jobTypes: types });
  const { engine, jobs: own } = jobs.server;
  const workers: RunWorker[] = [];
  let count = 0;
  const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
    asOwner(jobs.connection, async (client) => {
      const { rows } = await client.query<Row>(values.length === 0 ? text : { text, values });
      return rows;
    });
  const deps = () => ({ engine, queue: own.queue, types: new TypeBook(types) });
  const workerOf = (more: Partial<RunWorkerOptions> = {}): RunWorker => {
    const name = `test:${(count += 1)}:aa`;
    const quick = { slots: 10, graceMs: 30, drainMs: 0, pollMs: 10 };
    const worker = new RunWorker({ ...deps(), database: jobs.database, name, ...quick, ...more });
    workers.push(worker);
    return worker;
  };
  const jobOf = async (work: Work, more: Record<string, unknown> = {}): Promise<string> => {
    const name = `job ${(count += 1)}`;
    works.set(name, work);
    const { id } = await jobs.create({ name, config: { name }, backoff: AT_ONCE, ...more });
    return id;
  };
  const lookForDead = async (): Promise<void> => {
    await sql('UPDATE holdfast_queue.queue SET monitor_on = NULL, monitor_claim_on = NULL');
    await own.queue.supervise();
  };
  return {
    ...jobs,
    works,
    sql,
    deps,
    workerOf,
    jobOf,
    runOf: async (work, more) => (await jobs.run(await jobOf(work, more))).id,
    outcomes: async (id) => (await jobs.read(id)).attempts.map(({ outcome }) => outcome),
    missHolders: async () => {
      await sql(
        `UPDATE holdfast_queue.job_common SET heartbeat_on = heartbeat_on - interval '11 s' WHERE state = 'active'`,
      );
      await lookForDead();
    },
    lookForDead,
    clear: async () => {
      await Promise.all(workers.splice(0).map((worker) => worker.stop()));
      await sql('DELETE FROM holdfast_queue.job_common');
    },
  };
}

async function asOwner<Result>(
  connection: pg.ClientConfig,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Work that begins, and goes on until it is let. */
export interface Gate {
  work: Work;
  begun: Promise<WorkContext>;
  contexts: WorkContext[];
  open: (result?: unknown) => void;
}

export function gate(): Gate {
  let open: (result?: unknown) => void = () => undefined;
  let begin: (context: WorkContext) => void = () => undefined;
  const opened = new Promise<unknown>((resolve) => (open = resolve));
  const begun = new Promise<WorkContext>((resolve) => (begin = resolve));
  const contexts: WorkContext[] = [];
  const work: Work = (context) => {
    contexts.push(context);
    begin(context);
    return opened;
  };
  return { work, begun, contexts, open };
}
