import { stockProblems, type Engine } from '../../engine/index.ts';
import { problems } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { etagOf, ifMatchOf, metaOf, sendAnswer, type HttpServer, type Routes } from '../../platform/http/index.ts';
import { NoContent, Refusal } from '../../platform/http/refusal.schema.ts';
import { locationProblems } from './location.problems.ts';
import {
  LocationPage,
  LocationPatchBody,
  LocationPath,
  LocationQuery,
  LocationSchema,
  NewLocationBody,
} from './location.schema.ts';
import { createLocation, getLocation, pageOfLocations, patchLocation, removeLocation } from './location.service.ts';

const tags = ['Locations'];
const admin = { scope: 'admin' } as const;
const read = { scope: 'read' } as const;
const notFound = Refusal(stockProblems.locationNotFound);
const changed = Refusal(problems.preconditionFailed);

interface LocationDeps {
  engine: Engine;
  database: Database;
}

export function locationRoutes(deps: LocationDeps): Routes {
  return (app) => {
    makingRoutes(app, deps);
    readingRoutes(app, deps);
    changingRoutes(app, deps);
  };
}

function makingRoutes(app: HttpServer, { engine }: LocationDeps): void {
  app.route({
    method: 'POST',
    url: '/locations',
    config: admin,
    schema: {
      tags,
      operationId: 'createLocation',
      summary: 'Create a location',
      body: NewLocationBody,
      response: { 201: LocationSchema, 409: Refusal(locationProblems.duplicateLocation) },
    },
    handler: async (request, reply) => sendAnswer(reply, await createLocation(engine, request.body, metaOf(request))),
  });
}

function readingRoutes(app: HttpServer, { database }: LocationDeps): void {
  app.route({
    method: 'GET',
    url: '/locations',
    config: read,
    schema: {
      tags,
      operationId: 'listLocations',
      summary: 'List locations',
      description:
        'In the order in which sourcing takes them: by priority, then code. Archived ones only with `archived=true`.',
      querystring: LocationQuery,
      response: { 200: LocationPage },
    },
    handler: (request) => pageOfLocations(database, request.query),
  });
  app.route({
    method: 'GET',
    url: '/locations/:code',
    config: { ...read, conditional: true },
    schema: {
      tags,
      operationId: 'getLocation',
      summary: 'Get a location',
      description: 'An archived one answers too, with `archivedAt`.',
      params: LocationPath,
      response: { 200: LocationSchema, 404: notFound },
    },
    handler: async (request, reply) => {
      const location = await getLocation(database, request.params.code);
      reply.header('etag', etagOf(location.version));
      return location;
    },
  });
}

function changingRoutes(app: HttpServer, deps: LocationDeps): void {
  app.route({
    method: 'PATCH',
    url: '/locations/:code',
    config: admin,
    schema: {
      tags,
      operationId: 'updateLocation',
      summary: 'Change a location',
      description:
        'What is not given stays, null clears; where nothing changes, neither does the version. A new `code` frees the old one; the ledger shows the new one. An inactive location keeps its stock and takes no new reservations.',
      params: LocationPath,
      body: LocationPatchBody,
      response: {
        200: LocationSchema,
        404: notFound,
        409: Refusal(stockProblems.locationArchived, locationProblems.duplicateLocation),
        412: changed,
      },
    },
    handler: async (request, reply) => {
      const target = { code: request.params.code, ifMatch: ifMatchOf(request) };
      return sendAnswer(reply, await patchLocation(deps, target, request.body, metaOf(request)));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/locations/:code',
    config: admin,
    schema: {
      tags,
      operationId: 'archiveLocation',
      summary: 'Archive a location',
      description:
        'It leaves the lists, its name stays taken and its alerts are resolved; the ledger keeps it. Refused while it holds stock. An archived one answers 204 again.',
      params: LocationPath,
      response: {
        204: NoContent,
        404: notFound,
        409: Refusal(locationProblems.locationInUse),
        412: changed,
      },
    },
    handler: async (request, reply) => {
      const target = { code: request.params.code, ifMatch: ifMatchOf(request) };
      return sendAnswer(reply, await removeLocation(deps, target, metaOf(request)));
    },
  });
}
