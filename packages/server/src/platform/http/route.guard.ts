import { Socket } from 'node:net';
import type {
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  onResponseHookHandler,
  onSendHookHandler,
  preValidationHookHandler,
  RouteOptions,
} from 'fastify';
import { Type } from 'typebox';
import { Problem, problems, validationFailed } from '../../kernel/problem.ts';
import { ANONYMOUS, countOf, type Caller, type Scope } from '../auth/index.ts';
import { bodyDefault } from './body.default.ts';
import { checkIdempotencyKey } from './command.meta.ts';
import type { HttpConfig, HttpOptions, HttpServer } from './http.options.ts';
import type { LoadGauge } from './load.gauge.ts';
import { chargeRefused, chargesOf, type RouteCharges } from './request.limit.ts';
import { COMMAND_METHODS } from './route.config.ts';
import { API_HEADERS } from './security.headers.ts';

/** Of bytes, or of characters. */
const LARGE_ANSWER = 16_384;
const SLOW_MS = 1_000;
const NO_PARAMETERS = Type.Object({}, { additionalProperties: false });

/** Instances whose routes are a plugin's own and need no key: it cannot name a scope. */
const openInstances = new WeakSet<object>();

/** Opens all routes that are declared on this instance, or below it, to everybody. */
export function openToAll(app: object): void {
  openInstances.add(app);
}

/** A route and what its hooks need of its settings. */
interface Guarded {
  route: RouteOptions;
  scope: Scope | 'known' | 'public';
  stream: boolean;
  shed: boolean;
  charges: RouteCharges | null;
}

/**
 * Gives every route its guard: who may call, what a key must look like, when load is shed, how long it took. Hooks are
 * added per route, with all that they need in their closure, because looking a route's settings up costs more per
 * request than the checks themselves.
 */
export function guardRoutes(app: HttpServer, options: HttpOptions, load: LoadGauge): void {
  app.decorateRequest('caller', null, []);
  app.decorateRequest('inFlight', false);
  app.addHook('onRoute', function guardRoute(route) {
    const { scope = scopeOfInstance(this), bodyLimit, stream = false, shed = true } = route.config ?? {};
    if (scope === undefined) throw new Error(`${String(route.method)} ${route.url} has no config.scope`);
    if (bodyLimit !== undefined) {
      route.bodyLimit = bodyLimit === 'bulk' ? options.config.bulkBodyLimitBytes : bodyLimit;
    }
    // What a plugin serves, such as the files of a page, may be asked for with any query.
    if (route.config?.scope !== undefined) route.schema = { querystring: NO_PARAMETERS, ...route.schema };
    const guarded = { route, scope, stream, shed, charges: chargesOf(options.limit, route) };
    route.onRequest = [enter(options, load, guarded), ...listOf(route.onRequest)];
    route.onSend = [leave(options.config, load), ...listOf(route.onSend)] as onSendHookHandler[];
    route.onResponse = [observe(options, guarded), ...listOf(route.onResponse)] as onResponseHookHandler[];
    const emptyBody = bodyDefault(route);
    if (emptyBody !== null) {
      route.preValidation = [emptyBody, ...listOf(route.preValidation)] as preValidationHookHandler[];
    }
  });
}

/** On every answer, whatever becomes of it. */
export function stampHeaders(request: FastifyRequest, reply: FastifyReply): void {
  for (const [name, value] of API_HEADERS) reply.header(name, value);
  reply.header('x-request-id', request.id);
}

function enter({ authenticate }: HttpOptions, load: LoadGauge, guarded: Guarded): onRequestHookHandler {
  const { scope, stream, shed, charges } = guarded;
  return (request, reply, done) => {
    const { raw } = request;
    let charging: void | Promise<void>;
    stampHeaders(request, reply);
    if (!stream) {
      load.enter();
      request.inFlight = true;
    }
    try {
      checkHost(raw);
      if (scope === 'public') {
        if (COMMAND_METHODS.has(request.method)) checkIdempotencyKey(raw.headers['idempotency-key']);
        request.caller = ANONYMOUS;
        charging = charges?.enter(request, reply);
      } else {
        if (shed) load.refuseWhenOverloaded();
        const caller = authenticate(raw);
        charging =
          caller instanceof Promise
            ? caller.then((known) => letIn(request, reply, known, guarded))
            : letIn(request, reply, caller, guarded);
      }
    } catch (error) {
      return chargeRefused(charges, request, reply, error, done);
    }
    if (charging === undefined) return done();
    charging.then(
      () => done(),
      (error: unknown) => chargeRefused(charges, request, reply, error, done),
    );
  };
}

/**
 * RFC 9112, section 3.2: a 400 "to any HTTP/1.1 request message that lacks a Host header field and to any request message
 * that contains more than one Host header field line".
 */
function checkHost({ rawHeaders, httpVersionMinor }: FastifyRequest['raw']): void {
  const hosts = countOf('host', rawHeaders);
  if (hosts > 1) throw validationFailed([{ path: 'Host', message: 'must be given once' }]);
  if (hosts === 0 && httpVersionMinor > 0) throw validationFailed([{ path: 'Host', message: 'is required' }]);
}

/**
 * The charge comes first: what is refused for its scope is work, too.
 *
 * @throws Problem `rate_limited`, `forbidden`; `validation_failed` for an Idempotency-Key that is none
 */
function letIn(
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Caller,
  { scope, charges }: Guarded,
): void | Promise<void> {
  request.caller = caller;
  const charging = charges?.enter(request, reply);
  if (charging !== undefined) return charging.then(() => checkScope(request, scope));
  checkScope(request, scope);
}

function checkScope({ caller, method, raw }: FastifyRequest, scope: Guarded['scope']): void {
  if (scope !== 'known' && scope !== 'public' && !caller.scopes.has(scope)) throw scopeMissing(caller, scope);
  if (COMMAND_METHODS.has(method)) checkIdempotencyKey(raw.headers['idempotency-key']);
}

function scopeMissing(caller: Caller, scope: Scope): Problem {
  const has = [...caller.scopes].join(', ') || 'none';
  const challenge = `Bearer realm="holdfast", error="insufficient_scope", scope="${scope}"`;
  const detail = `This needs the scope ${scope}; yours: ${has}.`;
  return new Problem(problems.forbidden, detail, {}, { 'www-authenticate': challenge });
}

/**
 * A request is under way until its answer was made. Not until the client has it: of a client that hangs up Fastify says
 * nothing more, and the count would never come down.
 */
function leave({ stalledTimeoutMs }: HttpConfig, load: LoadGauge): onSendHookHandler {
  return (request, _reply, payload, done) => {
    if (request.inFlight) load.leave();
    request.inFlight = false;
    const { socket } = request.raw;
    if (isLarge(payload) && socket instanceof Socket) socket.setTimeout(stalledTimeoutMs);
    done(null, payload);
  };
}

/**
 * A client that reads no more leaves it here: who takes nothing of it for long is cut. Small answers fit into what kernels
 * hold, and a timer for each connection and request (Node's `server.timeout`) is a tenth of what a read costs.
 */
function isLarge(payload: unknown): boolean {
  const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload);
  return isWhole ? payload.length > LARGE_ANSWER : payload !== null && payload !== undefined;
}

function observe({ metrics, log }: HttpOptions, { route, stream }: Guarded): onResponseHookHandler {
  const method = String(route.method);
  const count = metrics.requests.forRoute(method, route.url);
  return (request, reply, done) => {
    const durationMs = reply.elapsedTime;
    const about = { requestId: request.id, method, route: route.url, status: reply.statusCode, durationMs };
    if (!stream) count(reply.statusCode, durationMs);
    // A 503 has waited for what is away, as thousands have, and the log has told of that.
    if (!stream && durationMs >= SLOW_MS && reply.statusCode !== 503) log.warn(about, 'slow request');
    else log.debug(about, 'request');
    done();
  };
}

function scopeOfInstance(instance: object): 'public' | undefined {
  for (let at: object | null = instance; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (openInstances.has(at)) return 'public';
  }
  return undefined;
}

function listOf<Hook>(hooks: Hook | Hook[] | undefined): Hook[] {
  return hooks === undefined ? [] : Array.isArray(hooks) ? hooks : [hooks];
}
