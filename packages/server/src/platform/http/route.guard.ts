import type { onRequestHookHandler, onResponseHookHandler, preValidationHookHandler, RouteOptions } from 'fastify';
import { Type } from 'typebox';
import { Problem, problems, validationFailed } from '../../kernel/problem.ts';
import { ANONYMOUS, type Caller, type Scope } from '../auth/index.ts';
import { checkIdempotencyKey } from './command.meta.ts';
import type { HttpOptions, HttpServer } from './http.options.ts';
import type { LoadGauge } from './load.gauge.ts';
import './route.config.ts';
import { API_HEADERS } from './security.headers.ts';

const SLOW_MS = 1_000;
const COMMANDS = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const NO_PARAMETERS = Type.Object({}, { additionalProperties: false });

/** Instances whose routes are a plugin's own and need no key: it cannot name a scope. */
const openInstances = new WeakSet<object>();

/** Opens all routes that are declared on this instance, or below it, to everybody. */
export function openToAll(app: object): void {
  openInstances.add(app);
}

/**
 * Gives every route its guard: who may call, what a key must look like, when load is shed, how long it took. Hooks are
 * added per route, with all that they need in their closure, because looking a route's settings up costs more per
 * request than the checks themselves.
 */
export function guardRoutes(app: HttpServer, options: HttpOptions, load: LoadGauge): void {
  app.addHook('onRoute', function guardRoute(route) {
    const { scope = scopeOfInstance(this), bodyLimit, stream = false } = route.config ?? {};
    if (scope === undefined) throw new Error(`${String(route.method)} ${route.url} has no config.scope`);
    if (bodyLimit !== undefined) {
      route.bodyLimit = bodyLimit === 'bulk' ? options.config.bulkBodyLimitBytes : bodyLimit;
    }
    // What a plugin serves, such as the files of a page, may be asked for with any query.
    if (route.config?.scope !== undefined) route.schema = { querystring: NO_PARAMETERS, ...route.schema };
    const guards = [enter(options, load, route, scope), ...listOf(route.onRequest)];
    route.onRequest = guards;
    route.onResponse = [leave(options, load, route, stream), ...listOf(route.onResponse)] as onResponseHookHandler[];
    const emptyBody = bodyDefault(route);
    if (emptyBody !== null)
      route.preValidation = [emptyBody, ...listOf(route.preValidation)] as preValidationHookHandler[];
  });
}

function enter(
  { authenticate }: HttpOptions,
  load: LoadGauge,
  route: RouteOptions,
  scope: Scope | 'public',
): onRequestHookHandler {
  const isCommand = COMMANDS.has(String(route.method));
  return (request, reply, done) => {
    const { raw } = request;
    for (const [name, value] of API_HEADERS) reply.header(name, value);
    reply.header('x-request-id', request.id);
    load.enter();
    if (scope === 'public') {
      request.caller = ANONYMOUS;
      done();
      return;
    }
    try {
      load.refuseWhenOverloaded();
      if (isCommand) checkIdempotencyKey(raw.headers['idempotency-key']);
      const caller = authenticate(raw);
      if (caller instanceof Promise) {
        caller.then((known) => (request.caller = admit(known, scope))).then(() => done(), done);
        return;
      }
      request.caller = admit(caller, scope);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
}

/** @throws Problem `forbidden` */
function admit(caller: Caller, scope: Scope): Caller {
  if (caller.scopes.has(scope)) return caller;
  const has = [...caller.scopes].join(', ') || 'none';
  throw new Problem(
    problems.forbidden,
    `This needs the scope ${scope}; yours: ${has}.`,
    {},
    {
      'www-authenticate': `Bearer realm="holdfast", error="insufficient_scope", scope="${scope}"`,
    },
  );
}

function leave(
  { metrics, log }: HttpOptions,
  load: LoadGauge,
  route: RouteOptions,
  stream: boolean,
): onResponseHookHandler {
  const method = String(route.method);
  const observe = metrics.requests.forRoute(method, route.url);
  return (request, reply, done) => {
    const durationMs = reply.elapsedTime;
    load.leave();
    if (!stream) {
      observe(reply.statusCode, durationMs);
      if (durationMs >= SLOW_MS)
        log.warn({ requestId: request.id, method, route: route.url, durationMs }, 'slow request');
    }
    if (log.isLevelEnabled('debug')) {
      log.debug({ requestId: request.id, method, route: route.url, status: reply.statusCode, durationMs }, 'request');
    }
    done();
  };
}

/**
 * A command whose body has no required field may come without one, and one that takes no body may come with an empty
 * object. A route with `consumes` reads its body itself.
 */
function bodyDefault({ method, schema }: RouteOptions): preValidationHookHandler | null {
  const { body, consumes } = (schema ?? {}) as { body?: { type?: unknown; required?: unknown[] }; consumes?: unknown };
  if (!COMMANDS.has(String(method)) || consumes !== undefined) return null;
  if (body === undefined) {
    return (request, _reply, done) => {
      const given: unknown = request.body ?? {};
      const isEmpty =
        typeof given === 'object' && given !== null && !Array.isArray(given) && Object.keys(given).length === 0;
      done(
        isEmpty ? undefined : validationFailed([{ path: '', message: 'must be empty: this route takes no fields' }]),
      );
    };
  }
  if (body.type !== 'object' || (body.required ?? []).length > 0) return null;
  return (request, _reply, done) => {
    if (request.body === undefined) request.body = {};
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
