import fastify, {
  LogController,
  type FastifyHttpOptions,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify';
import cors from '@fastify/cors';
import { systemClock } from '../../kernel/clock.ts';
import { Problem, problems } from '../../kernel/problem.ts';
import { checkAnswers } from './answer.check.ts';
import { answerClientError } from './client.error.ts';
import { closeGracefully } from './closing.ts';
import { createValidatorCompiler } from './compiler.ts';
import { answerConditionally } from './conditional.ts';
import { documentRoutes } from './documentation.ts';
import { sendError } from './error.mapping.ts';
import { serverResponse } from './header.lines.ts';
import { healthRoutes } from './health.routes.ts';
import type { HttpConfig, HttpOptions, HttpServer, Routes } from './http.options.ts';
import { parseJsonBody } from './json.body.ts';
import { LoadGauge } from './load.gauge.ts';
import { answerUnknownRoutes } from './not.found.ts';
import { parseQuery } from './query.parser.ts';
import { createRequestIds } from './request.id.ts';
import { guardRoutes, stampHeaders } from './route.guard.ts';

/** Longer path parts are refused by the router; shorter ones by their schema, which can say why. */
const PATH_PART_MAX_LENGTH = 2_000;

/**
 * A server with everything but the features: parsing, validation, errors, authentication, limits, docs, health. Routes
 * are added with `mount` before it listens.
 */
export async function createHttpServer(options: HttpOptions): Promise<HttpServer> {
  const { config } = options;
  const load = new LoadGauge(config, systemClock);
  const app = plainServer(options);
  // Before the guard: its one route answers preflights, which carry no key.
  if (config.corsOrigins.length > 0) {
    app.addHook('onRequest', answerOtherOptions);
    await app.register(cors, corsOptions(config));
  }
  guardRoutes(app, options, load);
  options.limit?.observe(load);
  answerConditionally(app);
  answerUnknownRoutes(app, 'look routes up in /openapi.json');
  closeGracefully(app, load, options.lameDuckMs ?? 0);
  if (options.checkAnswers === true) checkAnswers(app);
  await documentRoutes(app, options);
  healthRoutes(app, options);
  options.metrics.collected({ name: 'http_requests_in_flight', help: 'Requests that are under way' }, () => [
    { labels: {}, value: load.inFlight },
  ]);
  load.start();
  return app;
}

/** Health and metrics under the same rules, and nothing else: for a process that serves nothing. It can listen. */
export async function createProbeServer(options: HttpOptions): Promise<HttpServer> {
  const load = new LoadGauge(options.config, systemClock);
  const app = plainServer(options);
  guardRoutes(app, options, load);
  answerUnknownRoutes(app, 'this process has /health, /health/live, /health/ready and /metrics');
  closeGracefully(app, load, 0);
  healthRoutes(app, options);
  load.start();
  await app.ready();
  return app;
}

/** It parses, validates and answers errors. */
function plainServer(options: HttpOptions): HttpServer {
  const app: HttpServer = fastify(serverOptions(options));
  app.setValidatorCompiler(createValidatorCompiler());
  // JSON.stringify writes what it is given; fast-json-stringify would make 0 of a null where the schema says integer.
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, options));
  acceptJsonOnly(app);
  // As one without a body, because no route has it: else Fastify refuses it without a content type before the 405.
  app.addHttpMethod('QUERY', { overrideExisting: true });
  // Node would answer 417 with nothing in it. A server may pass over what it does not know (RFC 9110, section 10.1.1).
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  return app;
}

/** Adds the routes of modules under a prefix. */
export async function mount(app: HttpServer, prefix: string, modules: readonly Routes[]): Promise<void> {
  await app.register(
    async (scope) => {
      for (const routes of modules) await routes(scope);
    },
    { prefix },
  );
}

function serverOptions(options: HttpOptions): FastifyHttpOptions<RawServerDefault> {
  const { config, log } = options;
  const genReqId = createRequestIds();
  return {
    bodyLimit: config.bodyLimitBytes,
    trustProxy: trustOf(config.trustProxy),
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    http: {
      ServerResponse: serverResponse,
      // Offers of h2c, as Java's client makes with every request, are passed over by the parser: to give each back to it
      // (allowWebSockets, which Node before 24.9 needs) leaves listeners on a connection for as long as it is kept.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
      // Ours says why.
      requireHostHeader: false,
      headersTimeout: Math.min(config.headersTimeoutMs, config.requestTimeoutMs),
      connectionsCheckingInterval: Math.min(2_000, config.headersTimeoutMs),
    },
    forceCloseConnections: 'idle',
    // While it closes, requests on open connections are still served, and told to close: nobody need notice.
    return503OnClosing: false,
    // Only what goes wrong: the process says itself where it listens.
    loggerInstance: log.child({}, { level: atLeastWarn(log.level) }),
    // A child logger per request costs more than the request's other bookkeeping; ids are logged where lines are written.
    childLoggerFactory: () => log,
    logController: new QuietLog(),
    genReqId,
    requestIdHeader: false,
    routerOptions: { querystringParser: parse, maxParamLength: PATH_PART_MAX_LENGTH },
    frameworkErrors: (error, request, reply) => {
      stampHeaders(request, reply);
      sendError(error, request, reply, options);
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, genReqId({ headers: {} })),
  };
}

/** Fastify hands a query's values on as they are; the validator of the route takes them apart. */
const parse = parseQuery as unknown as (query: string) => Record<string, unknown>;

/** Requests are logged by the guard, where it is worth it; what Fastify itself finds wrong is logged here. */
class QuietLog extends LogController {
  override isLogDisabled(): boolean {
    return false;
  }
  override incomingRequest(): void {}
  override requestCompleted(): void {}
  override defaultErrorLog(): void {}
  override routeNotFound(): void {}
}

function acceptJsonOnly(app: HttpServer): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, body.length === 0 ? undefined : parseBody(request.headers, body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function parseBody(headers: NodeJS.Dict<string | string[]>, body: Buffer): unknown {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem(problems.unsupportedMediaType, 'Send the body without Content-Encoding.');
  }
  const charset = /charset\s*=\s*"?([^";\s]+)/i.exec(String(headers['content-type']))?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new Problem(problems.unsupportedMediaType, 'JSON is UTF-8.');
  }
  return parseJsonBody(body);
}

/** The plugin takes every OPTIONS for a preflight, and would refuse others with a 400 that is no problem. */
function answerOtherOptions(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const isPreflight = 'origin' in request.headers && 'access-control-request-method' in request.headers;
  if (request.method === 'OPTIONS' && !isPreflight) reply.callNotFound();
  else done();
}

function corsOptions({ corsOrigins }: HttpConfig) {
  return {
    origin: corsOrigins.includes('*') ? '*' : corsOrigins,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'Age',
      'Cache-Status',
      'ETag',
      'Location',
      'Idempotency-Replayed',
      'X-Request-Id',
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
      'X-RateLimit-Limit',
      'X-RateLimit-Remaining',
      'X-RateLimit-Reset',
    ],
    maxAge: 600,
  };
}

function trustOf(trust: HttpConfig['trustProxy']): NonNullable<FastifyHttpOptions<RawServerDefault>['trustProxy']> {
  return typeof trust === 'number' ? (_address, hop) => hop < trust : trust;
}

function atLeastWarn(level: string): string {
  return ['error', 'fatal', 'silent'].includes(level) ? level : 'warn';
}
