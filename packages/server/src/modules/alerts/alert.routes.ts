import type { Engine } from '../../engine/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { metaOf, sendAnswer, type HttpServer, type Routes } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { alertProblems } from './alert.problems.ts';
import { AcknowledgeAnswer, AcknowledgeBody, AlertPage, AlertPath, AlertQuery, AlertSchema } from './alert.schema.ts';
import { acknowledgeAlert, acknowledgeMany, getAlert, pageOfAlerts } from './alert.service.ts';

const tags = ['Alerts'];
const read = { scope: 'read' } as const;
const stock = { scope: 'stock' } as const;
const notFound = Refusal(alertProblems.alertNotFound);

export function alertRoutes({ engine, database }: { engine: Engine; database: Database }): Routes {
  return (app) => {
    readingRoutes(app, database);
    acknowledgingRoutes(app, engine);
  };
}

function readingRoutes(app: HttpServer, database: Database): void {
  app.route({
    method: 'GET',
    url: '/alerts',
    config: read,
    schema: {
      tags,
      operationId: 'listAlerts',
      summary: 'List alerts',
      description: 'Newest first.',
      querystring: AlertQuery,
      response: { 200: AlertPage },
    },
    handler: (request) => pageOfAlerts(database, request.query),
  });
  app.route({
    method: 'GET',
    url: '/alerts/:id',
    config: read,
    schema: {
      tags,
      operationId: 'getAlert',
      summary: 'Get an alert',
      params: AlertPath,
      response: { 200: AlertSchema, 404: notFound },
    },
    handler: (request) => getAlert(database, request.params.id),
  });
}

function acknowledgingRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'POST',
    url: '/alerts/:id/acknowledge',
    config: stock,
    schema: {
      tags,
      operationId: 'acknowledgeAlert',
      summary: 'Acknowledge an alert',
      description: 'Says that somebody has seen it. An acknowledged one answers as it is.',
      params: AlertPath,
      response: { 200: AlertSchema, 404: notFound, 409: Refusal(alertProblems.invalidTransition) },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await acknowledgeAlert(engine, request.params.id, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/alerts/acknowledge',
    config: stock,
    schema: {
      tags,
      operationId: 'acknowledgeAlerts',
      summary: 'Acknowledge up to 1,000 alerts',
      description: 'Those that are acknowledged or resolved stay as they are. An unknown id refuses them all.',
      body: AcknowledgeBody,
      response: { 200: AcknowledgeAnswer, 404: notFound },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await acknowledgeMany(engine, request.body.ids, metaOf(request))),
  });
}
