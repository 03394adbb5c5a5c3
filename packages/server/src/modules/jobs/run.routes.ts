import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { Problem, problems } from '../../kernel/problem.ts';
import type { Clock } from '../../kernel/clock.ts';
import { metaOf, sendAnswer, type HttpServer } from '../../platform/http/index.ts';
import { InvalidBody, Refusal } from '../../platform/http/refusal.schema.ts';
import { jobProblems } from './job.problems.ts';
import { JobPath } from './job.schema.ts';
import { getJob, type JobDeps } from './job.service.ts';
import { readRunFile } from './run.files.ts';
import {
  HistoryQuery,
  LogAnswer,
  LogQuery,
  RedriveAnswer,
  RedriveBody,
  RunFilePath,
  RunNowBody,
  RunPage,
  RunPath,
  RunQuery,
  RunSchema,
  RunSummarySchema,
} from './run.schema.ts';
import {
  cancelRun,
  expectedRun,
  getRun,
  logOf,
  pageOfRuns,
  redriveRun,
  redriveRuns,
  releaseRun,
  runNow,
} from './run.service.ts';
import { findFile } from './run.files.sql.ts';

const tags = ['Jobs'];
const admin = { scope: 'admin' } as const;
const notFound = Refusal(jobProblems.runNotFound);
const FileContent = Type.Unsafe<Readable>({
  type: 'string',
  description: 'The file, of the type that its job gave it.',
  examples: ['sku,quantity\nSKU-1,5\n'],
});

export function startingRunRoutes(app: HttpServer, deps: JobDeps): void {
  app.route({
    method: 'POST',
    url: '/jobs/:id/run',
    // A config may hold a file to import.
    config: { ...admin, bodyLimit: 'bulk' },
    schema: {
      tags,
      operationId: 'runJob',
      summary: 'Run a job',
      description:
        'Now, at an instant or after a delay, also one that is disabled. It waits its turn where as many as `concurrency` are under way.',
      params: JobPath,
      body: RunNowBody,
      response: {
        202: RunSummarySchema,
        400: InvalidBody(problems.forbiddenTarget),
        404: Refusal(jobProblems.jobNotFound),
        409: Refusal(jobProblems.jobIsSystem, jobProblems.tooManyRuns),
      },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await runNow(deps, request.params.id, request.body, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/runs/redrive',
    config: admin,
    schema: {
      tags,
      operationId: 'redriveRuns',
      summary: 'Run failed runs again',
      description:
        'The named ones, or all of a job, up to 1,000 in a call. Named ones that have not failed are passed over.',
      body: RedriveBody,
      response: { 200: RedriveAnswer, 400: InvalidBody() },
    },
    handler: async (request, reply) => sendAnswer(reply, await redriveRuns(deps, request.body, metaOf(request))),
  });
}

export function steeringRunRoutes(app: HttpServer, deps: JobDeps): void {
  app.route({
    method: 'POST',
    url: '/runs/:id/cancel',
    config: admin,
    schema: {
      tags,
      operationId: 'cancelRun',
      summary: 'Cancel a run',
      description: '200: it was waiting, and is cancelled. 202: it is running, and was told to stop.',
      params: RunPath,
      response: { 200: RunSummarySchema, 202: RunSummarySchema, 404: notFound, 409: Refusal(jobProblems.runIsOver) },
    },
    handler: async (request, reply) => sendAnswer(reply, await cancelRun(deps, request.params.id, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/runs/:id/redrive',
    config: admin,
    schema: {
      tags,
      operationId: 'redriveRun',
      summary: 'Run a failed run again',
      description: 'It has all its attempts again. What was skipped because it failed follows when it succeeds.',
      params: RunPath,
      response: { 200: RunSummarySchema, 404: notFound, 409: Refusal(jobProblems.runNotFailed) },
    },
    handler: async (request, reply) => sendAnswer(reply, await redriveRun(deps, request.params.id, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/runs/:id/release',
    config: admin,
    schema: {
      tags,
      operationId: 'releaseRun',
      summary: 'Let a run that is held go',
      params: RunPath,
      response: { 200: RunSummarySchema, 404: notFound, 409: Refusal(jobProblems.runNotHeld) },
    },
    handler: async (request, reply) => sendAnswer(reply, await releaseRun(deps, request.params.id, metaOf(request))),
  });
}

export function readingRunRoutes(app: HttpServer, deps: JobDeps & { clock: Clock }): void {
  app.route({
    method: 'GET',
    url: '/runs',
    config: admin,
    schema: {
      tags,
      operationId: 'listRuns',
      summary: 'List runs',
      description: 'Newest first. `status=failed` are the dead letters.',
      querystring: RunQuery,
      response: { 200: RunPage },
    },
    handler: (request) => pageOfRuns(deps, request.query, deps.clock.now()),
  });
  app.route({
    method: 'GET',
    url: '/jobs/:id/history',
    config: admin,
    schema: {
      tags,
      operationId: 'listJobHistory',
      summary: 'List the runs of a job',
      params: JobPath,
      querystring: HistoryQuery,
      response: { 200: RunPage, 404: Refusal(jobProblems.jobNotFound) },
    },
    handler: async (request) => {
      await getJob(deps, request.params.id);
      return pageOfRuns(deps, { ...request.query, jobId: request.params.id }, deps.clock.now());
    },
  });
  app.route({
    method: 'GET',
    url: '/runs/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'getRun',
      summary: 'Get a run',
      params: RunPath,
      response: { 200: RunSchema, 404: notFound },
    },
    handler: (request) => getRun(deps, request.params.id, deps.clock.now()),
  });
  app.route({
    method: 'GET',
    url: '/runs/:id/log',
    config: admin,
    schema: {
      tags,
      operationId: 'getRunLog',
      summary: 'Read the log of a run',
      description: 'Oldest first. Ask for `after` the `last` line to follow it.',
      params: RunPath,
      querystring: LogQuery,
      response: { 200: LogAnswer, 404: notFound },
    },
    handler: (request) => logOf(deps, request.params.id, request.query),
  });
}

export function runFileRoutes(app: HttpServer, deps: JobDeps): void {
  app.route({
    method: 'GET',
    url: '/runs/:id/files/:name',
    config: admin,
    schema: {
      tags,
      operationId: 'getRunFile',
      summary: 'Fetch a file of a run',
      description: 'A page of HTML is shown, in a sandbox; anything else is to be saved.',
      produces: ['*/*'],
      params: RunFilePath,
      response: { 200: FileContent, 404: Refusal(jobProblems.runNotFound, jobProblems.runFileNotFound) },
    },
    handler: async (request, reply) => {
      const { id, name } = request.params;
      await expectedRun(deps, id);
      const file = await findFile(deps.database.kysely, id, name);
      if (file === undefined)
        throw new Problem(jobProblems.runFileNotFound, `The run has no file ${JSON.stringify(name)}.`);
      const isPage = file.media_type.startsWith('text/html');
      reply.headers({
        'content-type': file.media_type,
        'content-length': file.size,
        // Names are of plain characters (run.files.ts).
        'content-disposition': `${isPage ? 'inline' : 'attachment'}; filename="${file.name}"`,
        // What a job has made is shown as a page and never as one of ours.
        ...(isPage
          ? { 'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:" }
          : {}),
      });
      return reply.send(Readable.from(readRunFile(deps.database, id, file), { objectMode: false }));
    },
  });
}
