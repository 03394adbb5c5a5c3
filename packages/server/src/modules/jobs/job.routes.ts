import { problems } from '../../kernel/problem.ts';
import type { Clock } from '../../kernel/clock.ts';
import { etagOf, ifMatchOf, metaOf, sendAnswer, type HttpServer } from '../../platform/http/index.ts';
import { InvalidBody, NoContent, Refusal } from '../../platform/http/refusal.schema.ts';
import { jobProblems } from './job.problems.ts';
import {
  GraphAnswer,
  JobPage,
  JobPatchBody,
  JobPath,
  JobQuery,
  JobSchema,
  JobStatsAnswer,
  JobTypesAnswer,
  NewJobBody,
  PreviewAnswer,
  PreviewBody,
  StatsQuery,
  UpcomingAnswer,
  UpcomingQuery,
} from './job.schema.ts';
import {
  createJob,
  getJob,
  graphOfJobs,
  pageOfJobs,
  patchJob,
  previewSchedule,
  removeJob,
  upcomingRuns,
  type JobDeps,
} from './job.service.ts';
import { jobStats } from './stats.service.ts';

const tags = ['Jobs'];
const admin = { scope: 'admin' } as const;
/** A config may hold a file to import. */
const large = { ...admin, bodyLimit: 'bulk' } as const;
const invalid = InvalidBody(problems.forbiddenTarget);
const notFound = Refusal(jobProblems.jobNotFound);
const changed = Refusal(problems.preconditionFailed);

export function changingJobRoutes(app: HttpServer, deps: JobDeps): void {
  app.route({
    method: 'POST',
    url: '/jobs',
    config: large,
    schema: {
      tags,
      operationId: 'createJob',
      summary: 'Create a job',
      description:
        'What is not given has a default, which the answer shows; those of the time-out, retries and keeping are the type’s. A schedule that is not cron, or that never fires, is refused.',
      body: NewJobBody,
      response: {
        201: JobSchema,
        400: invalid,
        409: Refusal(jobProblems.jobNameTaken, jobProblems.tooManyJobs, jobProblems.dependencyCycle),
      },
    },
    handler: async (request, reply) => sendAnswer(reply, await createJob(deps, request.body, metaOf(request))),
  });
  app.route({
    method: 'PATCH',
    url: '/jobs/:id',
    config: large,
    schema: {
      tags,
      operationId: 'updateJob',
      summary: 'Change a job',
      description:
        'What is not given stays; `config` is replaced as a whole, except for members that are never shown, which `null` takes away. Where nothing changes, neither does the version. Runs that are under way or wait go on as they were made.',
      params: JobPath,
      body: JobPatchBody,
      response: {
        200: JobSchema,
        400: invalid,
        404: notFound,
        409: Refusal(jobProblems.jobNameTaken, jobProblems.dependencyCycle, jobProblems.jobIsSystem),
        412: changed,
      },
    },
    handler: async (request, reply) => {
      const target = { id: request.params.id, ifMatch: ifMatchOf(request) };
      return sendAnswer(reply, await patchJob(deps, target, request.body, metaOf(request)));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/jobs/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'deleteJob',
      summary: 'Delete a job',
      description: 'Its runs go with it, those that are under way are stopped. The audit keeps what it was.',
      params: JobPath,
      response: {
        204: NoContent,
        404: notFound,
        409: Refusal(jobProblems.jobIsSystem, jobProblems.jobHasDependents),
        412: changed,
      },
    },
    handler: async (request, reply) => {
      const target = { id: request.params.id, ifMatch: ifMatchOf(request) };
      return sendAnswer(reply, await removeJob(deps, target, metaOf(request)));
    },
  });
}

export function readingJobRoutes(app: HttpServer, deps: JobDeps & { clock: Clock }): void {
  app.route({
    method: 'GET',
    url: '/jobs',
    config: admin,
    schema: {
      tags,
      operationId: 'listJobs',
      summary: 'List jobs',
      description: "Holdfast's own among them. A config of more than 16 KiB is left out: `GET /jobs/{id}` has it.",
      querystring: JobQuery,
      response: { 200: JobPage },
    },
    handler: (request) => pageOfJobs(deps, request.query),
  });
  app.route({
    method: 'GET',
    url: '/jobs/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'getJob',
      summary: 'Get a job',
      params: JobPath,
      response: { 200: JobSchema, 404: notFound },
    },
    handler: async (request, reply) => {
      const job = await getJob(deps, request.params.id);
      reply.header('etag', etagOf(job.version));
      return job;
    },
  });
  app.route({
    method: 'GET',
    url: '/jobs/types',
    config: admin,
    schema: {
      tags,
      operationId: 'listJobTypes',
      summary: 'List the types of jobs',
      description: 'What a job can do, and the JSON Schema of the config that each type needs.',
      response: { 200: JobTypesAnswer },
    },
    handler: () => ({
      items: deps.types.all.map(({ name, title, description, config, concurrency = null, system }) => ({
        name,
        title,
        description,
        config,
        concurrency,
        system: system !== undefined,
        defaults: deps.types.defaultsOf(name),
      })),
    }),
  });
}

export function lookingJobRoutes(app: HttpServer, deps: JobDeps & { clock: Clock }): void {
  app.route({
    method: 'GET',
    url: '/jobs/stats',
    config: admin,
    schema: {
      tags,
      operationId: 'getJobStats',
      summary: 'How jobs are doing',
      description: 'Success, durations and lateness of the runs that finished in the last hours, and what waits now.',
      querystring: StatsQuery,
      response: { 200: JobStatsAnswer },
    },
    handler: (request) => jobStats(deps.database, request.query.hours ?? 24, deps.clock.now()),
  });
  app.route({
    method: 'GET',
    url: '/jobs/graph',
    config: admin,
    schema: {
      tags,
      operationId: 'getJobGraph',
      summary: 'Which job waits for which',
      description: 'Jobs with dependencies, and those they wait for, with how their last runs stand.',
      response: { 200: GraphAnswer },
    },
    handler: () => graphOfJobs(deps),
  });
  app.route({
    method: 'GET',
    url: '/jobs/upcoming',
    config: admin,
    schema: {
      tags,
      operationId: 'listUpcomingRuns',
      summary: 'What is due next',
      description: 'By the schedules as they are now, soonest first.',
      querystring: UpcomingQuery,
      response: { 200: UpcomingAnswer },
    },
    handler: (request) => upcomingRuns(deps, request.query, deps.clock.now()),
  });
  app.route({
    method: 'POST',
    url: '/jobs/schedule-preview',
    config: { scope: 'admin', idempotent: false },
    schema: {
      tags,
      operationId: 'previewSchedule',
      summary: 'A schedule in words, and when it would fire',
      body: PreviewBody,
      response: { 200: PreviewAnswer, 400: InvalidBody() },
    },
    handler: (request) => previewSchedule(request.body, deps.clock.now()),
  });
}
