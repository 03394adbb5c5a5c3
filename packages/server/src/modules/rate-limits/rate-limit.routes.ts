import { problems } from '../../kernel/problem.ts';
import { etagOf, ifMatchOf, metaOf, sendAnswer, type HttpServer, type Routes } from '../../platform/http/index.ts';
import { NoContent, Refusal } from '../../platform/http/refusal.schema.ts';
import { CheckAnswer, CheckBatchAnswer, CheckBatchBody, CheckBody, StatusAnswer, StatusQuery } from './check.schema.ts';
import { check, checkAll, statusOf } from './check.service.ts';
import { dryRun } from './dry.run.ts';
import { rateLimitProblems } from './rate-limit.problems.ts';
import {
  NewRateLimitBody,
  RateLimitPage,
  RateLimitPatchBody,
  RateLimitPath,
  RateLimitQuery,
  RateLimitSchema,
  TierBody,
  TierList,
  TierPath,
  TierSchema,
} from './rate-limit.schema.ts';
import {
  createRateLimit,
  getRateLimit,
  pageOfRateLimits,
  patchRateLimit,
  removeRateLimit,
  setTier,
  type RateLimitDeps,
} from './rate-limit.service.ts';
import { listTiers } from './rate-limit.sql.ts';
import { DryRunAnswer, DryRunBody, StatsAnswer, StatsQuery } from './stats.schema.ts';
import { statsOf, type StatsDeps } from './stats.service.ts';

const tags = ['Rate limits'];
const admin = { scope: 'admin' } as const;
const limit = { scope: 'limit', idempotent: false, shed: false } as const;
const notFound = Refusal(rateLimitProblems.rateLimitNotFound);
const changed = Refusal(problems.preconditionFailed);

export function rateLimitRoutes(deps: RateLimitDeps & StatsDeps): Routes {
  return (app) => {
    checkingRoutes(app, deps);
    watchingRoutes(app, deps);
    tierRoutes(app, deps);
    readingRoutes(app, deps);
    changingRoutes(app, deps);
  };
}

function checkingRoutes(app: HttpServer, { limits }: RateLimitDeps): void {
  app.route({
    method: 'POST',
    url: '/rate-limits/check',
    config: limit,
    schema: {
      tags,
      operationId: 'checkRateLimit',
      summary: 'Count a request of another service',
      description:
        'By all rules that fit method and path, and the strictest answers. Refused is an answer as well: 200 with `allowed: false`, and nothing is spent. Without a path, rules that name paths do not count it. Each call counts: an Idempotency-Key has no effect here, where a repeat that costs nothing would be a way around the limit.',
      body: CheckBody,
      response: { 200: CheckAnswer, 404: notFound },
    },
    handler: (request) => check(limits, request.body),
  });
  app.route({
    method: 'POST',
    url: '/rate-limits/check/batch',
    config: limit,
    schema: {
      tags,
      operationId: 'checkRateLimits',
      summary: 'Count many requests of other services',
      description: 'Each by itself, in order. Each call counts: an Idempotency-Key has no effect here.',
      body: CheckBatchBody,
      response: { 200: CheckBatchAnswer, 404: notFound },
    },
    handler: async (request) => {
      const results = await checkAll(limits, request.body.checks);
      const allowed = results.filter((result) => result.allowed).length;
      return { allowed, refused: results.length - allowed, results };
    },
  });
}

function watchingRoutes(app: HttpServer, deps: RateLimitDeps & StatsDeps): void {
  app.route({
    method: 'GET',
    url: '/rate-limits/stats',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'getRateLimitStats',
      summary: 'What became of requests',
      description: 'Rule by rule, over time and by subject, of all instances, for the last three hours at most.',
      querystring: StatsQuery,
      response: { 200: StatsAnswer },
    },
    handler: (request) => statsOf(deps, request.query),
  });
  app.route({
    method: 'POST',
    url: '/rate-limits/dry-run',
    config: { scope: 'admin', idempotent: false },
    schema: {
      tags,
      operationId: 'tryRateLimit',
      summary: 'Try a rule against the last hour',
      description:
        'What it would have done with the requests that this instance was sent; nothing is kept. To try it on all instances, and on what comes, make it with `mode: shadow`.',
      body: DryRunBody,
      response: { 200: DryRunAnswer },
    },
    handler: (request) => dryRun(deps.limits, request.body),
  });
  app.route({
    method: 'GET',
    url: '/rate-limits/:id/status',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'getRateLimitStatus',
      summary: 'What a subject has left',
      description: 'Without spending any.',
      params: RateLimitPath,
      querystring: StatusQuery,
      response: { 200: StatusAnswer, 404: notFound },
    },
    handler: (request) => statusOf(deps.limits, request.params.id, request.query.subject),
  });
}

function tierRoutes(app: HttpServer, deps: RateLimitDeps): void {
  app.route({
    method: 'GET',
    url: '/rate-limit-tiers',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'listRateLimitTiers',
      summary: 'List tiers',
      description: 'All of them, by name.',
      response: { 200: TierList },
    },
    handler: async () => ({ items: await listTiers(deps.database.kysely), nextCursor: null }),
  });
  app.route({
    method: 'PUT',
    url: '/rate-limit-tiers/:tier',
    config: admin,
    schema: {
      tags,
      operationId: 'setRateLimitTier',
      summary: 'Say who is of a tier',
      description:
        'These subjects and no others. A rule with this tier counts them alone, in place of the rule with the same subject and match that has no tier.',
      params: TierPath,
      body: TierBody,
      response: { 200: TierSchema },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await setTier(deps, request.params.tier, request.body.subjects, metaOf(request))),
  });
}

function readingRoutes(app: HttpServer, { database }: RateLimitDeps): void {
  app.route({
    method: 'GET',
    url: '/rate-limits',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'listRateLimits',
      summary: 'List rate limits',
      description: 'Newest first.',
      querystring: RateLimitQuery,
      response: { 200: RateLimitPage },
    },
    handler: (request) => pageOfRateLimits(database, request.query),
  });
  app.route({
    method: 'GET',
    url: '/rate-limits/:id',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'getRateLimit',
      summary: 'Get a rate limit',
      description: 'As it is stored; its status says what holds now.',
      params: RateLimitPath,
      response: { 200: RateLimitSchema, 404: notFound },
    },
    handler: async (request, reply) => {
      const rule = await getRateLimit(database, request.params.id);
      reply.header('etag', etagOf(rule.version));
      return rule;
    },
  });
}

function changingRoutes(app: HttpServer, deps: RateLimitDeps): void {
  app.route({
    method: 'POST',
    url: '/rate-limits',
    config: admin,
    schema: {
      tags,
      operationId: 'createRateLimit',
      summary: 'Create a rate limit',
      description:
        'It counts on this instance when this is answered, and on the others within a second. Where several rules count a request, all must let it pass, and one that is refused is charged to none.',
      body: NewRateLimitBody,
      response: { 201: RateLimitSchema, 409: Refusal(rateLimitProblems.tooManyRateLimits) },
    },
    handler: async (request, reply) => sendAnswer(reply, await createRateLimit(deps, request.body, metaOf(request))),
  });
  app.route({
    method: 'PATCH',
    url: '/rate-limits/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'updateRateLimit',
      summary: 'Change a rate limit',
      description:
        'What is not given stays, null clears; `match`, `overrides`, `costs`, `adaptive` and `schedule` are replaced whole. Where nothing changes, neither does the version. Counters go on, unless the algorithm or the window changes; those of other rules always do.',
      params: RateLimitPath,
      body: RateLimitPatchBody,
      response: { 200: RateLimitSchema, 404: notFound, 412: changed },
    },
    handler: async (request, reply) => {
      const target = { id: request.params.id, ifMatch: ifMatchOf(request) };
      return sendAnswer(reply, await patchRateLimit(deps, target, request.body, metaOf(request)));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/rate-limits/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'deleteRateLimit',
      summary: 'Delete a rate limit',
      description: 'With its counters and its statistics.',
      params: RateLimitPath,
      response: { 204: NoContent, 404: notFound, 412: changed },
    },
    handler: async (request, reply) => {
      const target = { id: request.params.id, ifMatch: ifMatchOf(request) };
      return sendAnswer(reply, await removeRateLimit(deps, target, metaOf(request)));
    },
  });
}
