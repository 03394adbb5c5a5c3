import { Type } from 'typebox';
import { startTestApp, type TestApp, type TestAppOptions } from '../../../test/app.ts';
import { Shape } from '../../platform/http/schemas.ts';
import { defineJobType, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import type { JobView } from './job.schema.ts';
import type { RunSummary, RunView } from './run.schema.ts';

/** What a test lets a run do: the work of the type `work`, by the config's `name`. */
export type Work = (context: RunContext<{ name: string }>) => Promise<unknown>;

export interface JobsApp extends TestApp {
  /** Work by name; a name without one succeeds at once with its own name. */
  works: Map<string, Work>;
  create(body: Record<string, unknown>): Promise<JobView>;
  run(jobId: string, body?: Record<string, unknown>): Promise<RunSummary>;
  read(runId: string): Promise<RunView>;
  history(jobId: string): Promise<RunSummary[]>;
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what it asks for
  request<Body>(method: string, url: string, body?: object): Promise<{ status: number; body: Body }>;
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
    const answer = await request<Body>(method, url, body);
    if (answer.status !== status) throw new Error(`${method} ${url}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return {
    ...base,
    works,
    request,
    create: (body) => expecting(201, 'POST', '/jobs', { type: 'work', ...body }),
    run: (jobId, body = {}) => expecting(202, 'POST', `/jobs/${jobId}/run`, body),
    read: (runId) => expecting(200, 'GET', `/runs/${runId}`),
    history: async (jobId) =>
      (await expecting<{ items: RunSummary[] }>(200, 'GET', `/jobs/${jobId}/history?sort=createdAt`)).items,
    work: async () => {
      // A ticket that somebody looks at just then is passed over: two looks in a row must find nothing.
      for (let empty = 0; empty < 2;) empty = (await base.server.jobs.worker.runOnce()) > 0 ? 0 : empty + 1;
    },
  };
}
