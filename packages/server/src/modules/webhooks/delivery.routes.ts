import { metaOf, sendAnswer, type HttpServer } from '../../platform/http/index.ts';
import { InvalidBody, Refusal } from '../../platform/http/refusal.schema.ts';
import { eventProblems } from '../events/index.ts';
import {
  DeliveryPage,
  DeliveryQuery,
  ReplayBody,
  ReplaySchema,
  StatusSchema,
  TestResultSchema,
} from './delivery.schema.ts';
import { pageOfDeliveries, replayEvents, statusOf, testWebhook, type DeliveryDeps } from './delivery.service.ts';
import { webhookProblems } from './webhook.problems.ts';
import { WebhookPath } from './webhook.schema.ts';

const tags = ['Webhooks'];
const admin = { scope: 'admin' } as const;
const notFound = Refusal(webhookProblems.webhookNotFound);

export function deliveryRoutes(app: HttpServer, deps: DeliveryDeps): void {
  app.route({
    method: 'GET',
    url: '/webhooks/:id/deliveries',
    config: admin,
    schema: {
      tags,
      operationId: 'listWebhookDeliveries',
      summary: 'List deliveries of a webhook',
      description:
        'Newest first. Delivered ones are kept for three days, the last 10,000 at most; those that were set aside or given up for 30 days.',
      params: WebhookPath,
      querystring: DeliveryQuery,
      response: { 200: DeliveryPage, 404: notFound },
    },
    handler: (request) => pageOfDeliveries(deps.database, request.params.id, request.query),
  });
  app.route({
    method: 'GET',
    url: '/webhooks/:id/status',
    config: admin,
    schema: {
      tags,
      operationId: 'getWebhookStatus',
      summary: 'How a webhook is doing',
      description: 'How far it has come in the stream, what waits, and whether it seems dead.',
      params: WebhookPath,
      response: { 200: StatusSchema, 404: notFound },
    },
    handler: (request) => statusOf(deps, request.params.id),
  });
  app.route({
    method: 'POST',
    url: '/webhooks/:id/test',
    config: admin,
    schema: {
      tags,
      operationId: 'testWebhook',
      summary: 'Send a test event',
      description:
        'Sends an event of type `webhook.test` at once, also to a disabled webhook, and answers with the result. It is not retried and not logged.',
      params: WebhookPath,
      response: { 200: TestResultSchema, 404: notFound },
    },
    handler: async (request, reply) => sendAnswer(reply, await testWebhook(deps, request.params.id, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/webhooks/:id/replay',
    config: admin,
    schema: {
      tags,
      operationId: 'replayWebhookEvents',
      summary: 'Send events again',
      description:
        'Those of a range that pass the filters of the webhook as it is now, under the same `webhook-id` as before. At most 10,000 at once, which carry 32 MB at most.',
      params: WebhookPath,
      body: ReplayBody,
      response: {
        202: ReplaySchema,
        400: InvalidBody(),
        404: notFound,
        409: Refusal(webhookProblems.webhookDisabled, webhookProblems.tooManyDeliveries),
        410: Refusal(eventProblems.positionGone),
      },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await replayEvents(deps, request.params.id, request.body, metaOf(request))),
  });
}
