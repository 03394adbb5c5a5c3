import { problems } from '../../kernel/problem.ts';
import { etagOf, ifMatchOf, metaOf, sendAnswer, type HttpServer, type Routes } from '../../platform/http/index.ts';
import { NoContent, Refusal } from '../../platform/http/refusal.schema.ts';
import { changePassword } from './password.service.ts';
import { personProblems } from './person.problems.ts';
import {
  NewPersonBody,
  PersonPage,
  PersonPasswordBody,
  PersonPatchBody,
  PersonPath,
  PersonQuery,
  PersonSchema,
} from './person.schema.ts';
import { createPerson, getPerson, pageOfPeople, patchPerson, removePerson, type PeopleDeps } from './person.service.ts';
import type { Throttle } from './throttle.ts';

const tags = ['People'];
const admin = { scope: 'admin' } as const;
const notFound = Refusal(personProblems.personNotFound);
const changed = Refusal(problems.preconditionFailed);

type CommandRequest = Parameters<typeof metaOf>[0];

type Deps = PeopleDeps & { throttle: Throttle };

export function personRoutes(deps: Deps): Routes {
  return (app) => {
    makingRoutes(app, deps);
    readingRoutes(app, deps);
    changingRoutes(app, deps);
    passwordRoute(app, deps);
  };
}

function makingRoutes(app: HttpServer, deps: Deps): void {
  app.route({
    method: 'POST',
    url: '/people',
    config: admin,
    schema: {
      tags,
      operationId: 'createPerson',
      summary: 'Create a person',
      description:
        'Somebody who signs in by a password. The first one, or the first key, ends the open server, so it must have the scope admin; of two that are made at once one is refused with 401. Passwords of repeated requests with one Idempotency-Key are not compared.',
      body: NewPersonBody,
      response: {
        201: PersonSchema,
        409: Refusal(personProblems.duplicateLogin, personProblems.firstPersonNeedsAdmin),
      },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await createPerson(deps, request.body, metaOf(withoutPasswords(request)))),
  });
}

function readingRoutes(app: HttpServer, { database }: Deps): void {
  app.route({
    method: 'GET',
    url: '/people',
    config: admin,
    schema: {
      tags,
      operationId: 'listPeople',
      summary: 'List people',
      description: 'Newest first, with those who are disabled, without those who were removed.',
      querystring: PersonQuery,
      response: { 200: PersonPage },
    },
    handler: (request) => pageOfPeople(database, request.query),
  });
  app.route({
    method: 'GET',
    url: '/people/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'getPerson',
      summary: 'Get a person',
      description: 'Also one who was removed: ledger and audit show `user:<id>` for ever.',
      params: PersonPath,
      response: { 200: PersonSchema, 404: notFound },
    },
    handler: async (request, reply) => {
      const person = await getPerson(database, request.params.id);
      reply.header('etag', etagOf(person.version));
      return person;
    },
  });
}

function changingRoutes(app: HttpServer, deps: Deps): void {
  app.route({
    method: 'PATCH',
    url: '/people/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'updatePerson',
      summary: 'Change a person',
      description:
        'What is not given stays; where nothing changes, neither does the version. New scopes count in open sessions too, within a second; to disable a person ends them. The last admin, person or key, stays one.',
      params: PersonPath,
      body: PersonPatchBody,
      response: {
        200: PersonSchema,
        404: notFound,
        409: Refusal(personProblems.duplicateLogin, personProblems.lastAdmin),
        412: changed,
      },
    },
    handler: async (request, reply) => {
      const target = { id: request.params.id, ifMatch: ifMatchOf(request) };
      return sendAnswer(reply, await patchPerson(deps, target, request.body, metaOf(request)));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/people/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'removePerson',
      summary: 'Remove a person',
      description:
        'Password and sessions are deleted and the login is free again; the name stays, for ledger and audit. The last admin, person or key, stays.',
      params: PersonPath,
      response: { 204: NoContent, 404: notFound, 409: Refusal(personProblems.lastAdmin), 412: changed },
    },
    handler: async (request, reply) => {
      const target = { id: request.params.id, ifMatch: ifMatchOf(request) };
      return sendAnswer(reply, await removePerson(deps, target, metaOf(request)));
    },
  });
}

function passwordRoute(app: HttpServer, deps: Deps): void {
  app.route({
    method: 'POST',
    url: '/people/:id/password',
    config: { scope: 'known' },
    schema: {
      tags,
      operationId: 'setPassword',
      summary: 'Set a password',
      description:
        "One's own with `currentPassword`, or another's with the scope `admin`. All other sessions of that person end.",
      params: PersonPath,
      body: PersonPasswordBody,
      response: {
        204: NoContent,
        403: Refusal(problems.forbidden, personProblems.wrongPassword),
        404: notFound,
        429: Refusal(personProblems.tooManyAttempts),
      },
    },
    handler: async (request, reply) => {
      const { params, caller, ip: address, body } = request;
      const meta = metaOf(withoutPasswords(request));
      return sendAnswer(reply, await changePassword(deps, { id: params.id, caller, address }, body, meta));
    },
  });
}

/**
 * A request whose digest, which is kept for its Idempotency-Key, does not hold its passwords: it is made by a fast hash,
 * and whoever reads the table could guess them by the thousand million.
 */
function withoutPasswords({ id, method, headers, caller, params, query, body, routeOptions }: CommandRequest) {
  const kept = Object.entries(body ?? {}).filter(([field]) => !/password/i.test(field));
  return { id, method, headers, caller, params, query, body: Object.fromEntries(kept), routeOptions };
}
