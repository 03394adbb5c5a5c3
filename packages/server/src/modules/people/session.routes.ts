import type { FastifyRequest } from 'fastify';
import {
  assertOwnOrigin,
  assertOwnPage,
  crossOriginRequest,
  endedSessionCookies,
  isInTheClear,
  readSessionToken,
  sessionCookie,
} from '../../platform/auth/index.ts';
import { Problem, problems } from '../../kernel/problem.ts';
import { metaOf, sendAnswer, type HttpServer, type Routes } from '../../platform/http/index.ts';
import { NoContent, Refusal } from '../../platform/http/refusal.schema.ts';
import { personProblems } from './person.problems.ts';
import type { PeopleDeps } from './person.service.ts';
import { PersonSessionPage, PersonSessionQuery, SessionPath, SessionSchema, SignInBody } from './session.schema.ts';
import {
  describeSession,
  endOwnSession,
  pageOfSessions,
  signOut,
  viewOfSignedIn,
  type SessionDeps,
} from './session.service.ts';
import { signInAndTell, type SignInListener } from './sign.in.service.ts';
import type { Throttle } from './throttle.ts';

const tags = ['People'];
const open = { scope: 'public' } as const;
const known = { scope: 'known' } as const;

type Deps = PeopleDeps & SessionDeps & { throttle: Throttle; assertServing: () => void; onSignIn: SignInListener };

/** Who am I, signing in, signing out, and one's own sessions. */
export function sessionRoutes(deps: Deps): Routes {
  return (app) => {
    presentSessionRoutes(app, deps);
    ownSessionRoutes(app, deps);
  };
}

function presentSessionRoutes(app: HttpServer, deps: Deps): void {
  app.route({
    method: 'GET',
    url: '/session',
    config: open,
    schema: {
      tags,
      operationId: 'getSession',
      summary: 'Who am I',
      description:
        'What a page shows: how the caller is let in, what it may do, and whether this server still waits for its first admin. Credentials that are not valid answer `authenticated: false`.',
      response: { 200: SessionSchema },
    },
    handler: (request) => describeSession(deps, request.raw),
  });
  app.route({
    method: 'POST',
    url: '/session',
    config: open,
    schema: {
      tags,
      operationId: 'signIn',
      summary: 'Sign in',
      description:
        'Answers a cookie, `__Host-holdfast`, that is the session: 12 hours without use, 14 days at most. A session that the browser still had ends. An unknown login and a wrong password are not told apart. An Idempotency-Key has no effect here.',
      body: SignInBody,
      response: {
        201: SessionSchema,
        401: Refusal(personProblems.wrongCredentials),
        403: Refusal(crossOriginRequest, personProblems.insecureConnection),
        429: Refusal(personProblems.tooManyAttempts),
        503: Refusal(problems.overloaded, personProblems.passwordCheckUnavailable),
      },
    },
    handler: async (request, reply) => {
      deps.assertServing();
      assertPasswordMayBeTyped(request);
      const signedIn = await signInAndTell(deps, request.body, whereFrom(request));
      return reply
        .code(201)
        .header('location', '/api/v1/session')
        .header('set-cookie', sessionCookie(request.raw, signedIn.token))
        .send(viewOfSignedIn(signedIn));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/session',
    config: open,
    schema: {
      tags,
      operationId: 'signOut',
      summary: 'Sign out',
      description: 'Ends the session of the cookie, here at once and on other instances within a second.',
      response: { 204: NoContent, 403: Refusal(problems.forbidden, crossOriginRequest) },
    },
    handler: async (request, reply) => {
      deps.assertServing();
      const token = readSessionToken(request.raw);
      if (token !== null) {
        assertOwnPage(request.raw);
        await signOut(deps, token, request.id);
      }
      reply.header('set-cookie', endedSessionCookies(request.raw));
      return sendAnswer(reply, { status: 204, body: null });
    },
  });
}

function ownSessionRoutes(app: HttpServer, deps: Deps): void {
  app.route({
    method: 'GET',
    url: '/sessions',
    config: known,
    schema: {
      tags,
      operationId: 'listSessions',
      summary: 'List your sessions',
      description: 'Where you are signed in, newest first. Empty for keys and tokens.',
      querystring: PersonSessionQuery,
      response: { 200: PersonSessionPage },
    },
    handler: (request) => pageOfSessions(deps.database, request.caller.session, request.query),
  });
  app.route({
    method: 'DELETE',
    url: '/sessions/:id',
    config: known,
    schema: {
      tags,
      operationId: 'endSession',
      summary: 'End one of your sessions',
      params: SessionPath,
      response: { 204: NoContent, 404: Refusal(personProblems.sessionNotFound) },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const answer = await endOwnSession(deps, { id, caller: request.caller }, metaOf(request));
      if (id === request.caller.session?.id) reply.header('set-cookie', endedSessionCookies(request.raw));
      return sendAnswer(reply, answer);
    },
  });
}

/** @throws Problem `cross_origin_request`, `insecure_connection` */
function assertPasswordMayBeTyped(request: Pick<FastifyRequest, 'raw'>): void {
  assertOwnOrigin(request.raw);
  if (!isInTheClear(request.raw.headers.origin)) return;
  throw new Problem(
    personProblems.insecureConnection,
    'This page came over plain HTTP from another machine: the password could be read on the way, and the browser would not keep the session. Open the dashboard over HTTPS.',
  );
}

function whereFrom(request: Pick<FastifyRequest, 'raw' | 'ip' | 'id'>) {
  const token = readSessionToken(request.raw);
  const userAgent = request.raw.headers['user-agent'] ?? null;
  return { address: request.ip, userAgent, token, requestId: request.id };
}
