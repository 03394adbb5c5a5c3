import { problems } from '../../kernel/problem.ts';
import { etagOf, ifMatchOf, metaOf, sendAnswer, type HttpServer } from '../../platform/http/index.ts';
import { InvalidBody, NoContent, Refusal } from '../../platform/http/refusal.schema.ts';
import { webhookProblems } from './webhook.problems.ts';
import {
  CreatedWebhookSchema,
  EnableBody,
  NewWebhookBody,
  RotatedSecretSchema,
  WebhookPage,
  WebhookPatchBody,
  WebhookPath,
  WebhookQuery,
  WebhookSchema,
} from './webhook.schema.ts';
import {
  createWebhook,
  enableWebhook,
  getWebhook,
  pageOfWebhooks,
  patchWebhook,
  removeWebhook,
  rotateSecret,
  type WebhookDeps,
} from './webhook.service.ts';

const tags = ['Webhooks'];
const admin = { scope: 'admin' } as const;
const notFound = Refusal(webhookProblems.webhookNotFound);
const changed = Refusal(problems.preconditionFailed);
const forbiddenTarget = InvalidBody(problems.forbiddenTarget);

export function makingRoutes(app: HttpServer, deps: WebhookDeps): void {
  app.route({
    method: 'POST',
    url: '/webhooks',
    config: admin,
    schema: {
      tags,
      operationId: 'createWebhook',
      summary: 'Create a webhook',
      description:
        'It is sent what happens from now on. The answer is the only place that ever shows `secret`; the replay of an Idempotency-Key shows null.',
      body: NewWebhookBody,
      response: { 201: CreatedWebhookSchema, 400: forbiddenTarget, 409: Refusal(webhookProblems.tooManyWebhooks) },
    },
    handler: async (request, reply) => sendAnswer(reply, await createWebhook(deps, request.body, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/webhooks/:id/rotate-secret',
    config: admin,
    schema: {
      tags,
      operationId: 'rotateWebhookSecret',
      summary: 'Replace the secret of a webhook',
      description:
        'The answer is the only place that ever shows the new `secret`. For 24 hours both sign: a message then carries two signatures, and a receiver may check either. Replaced again within that time, the newest four sign; of more, the oldest ends at once.',
      params: WebhookPath,
      response: { 200: RotatedSecretSchema, 404: notFound, 412: changed },
    },
    handler: async (request, reply) => sendAnswer(reply, await rotateSecret(deps, targetOf(request), metaOf(request))),
  });
}

export function readingRoutes(app: HttpServer, { database }: WebhookDeps): void {
  app.route({
    method: 'GET',
    url: '/webhooks',
    config: admin,
    schema: {
      tags,
      operationId: 'listWebhooks',
      summary: 'List webhooks',
      description: 'Newest first. Their secrets are not shown.',
      querystring: WebhookQuery,
      response: { 200: WebhookPage },
    },
    handler: (request) => pageOfWebhooks(database, request.query),
  });
  app.route({
    method: 'GET',
    url: '/webhooks/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'getWebhook',
      summary: 'Get a webhook',
      params: WebhookPath,
      response: { 200: WebhookSchema, 404: notFound },
    },
    handler: async (request, reply) => {
      const webhook = await getWebhook(database, request.params.id);
      reply.header('etag', etagOf(webhook.version));
      return webhook;
    },
  });
}

export function changingRoutes(app: HttpServer, deps: WebhookDeps): void {
  app.route({
    method: 'PATCH',
    url: '/webhooks/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'updateWebhook',
      summary: 'Change a webhook',
      description:
        'What is not given stays, null clears; where nothing changes, neither does the version. `enabled: false` pauses it; `enabled: true` goes on where it stopped, as far as the stream is kept.',
      params: WebhookPath,
      body: WebhookPatchBody,
      response: { 200: WebhookSchema, 400: forbiddenTarget, 404: notFound, 412: changed },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await patchWebhook(deps, targetOf(request), request.body, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/webhooks/:id/enable',
    config: admin,
    schema: {
      tags,
      operationId: 'enableWebhook',
      summary: 'Enable a webhook, or have it skip what it missed',
      description: 'Its failures are forgotten and it is tried at once. Works on an enabled one, too.',
      params: WebhookPath,
      body: EnableBody,
      response: { 200: WebhookSchema, 404: notFound, 412: changed },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await enableWebhook(deps, targetOf(request), request.body, metaOf(request))),
  });
  app.route({
    method: 'DELETE',
    url: '/webhooks/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'deleteWebhook',
      summary: 'Delete a webhook',
      description: 'Its secret, its log and what waits for it go with it.',
      params: WebhookPath,
      response: { 204: NoContent, 404: notFound, 412: changed },
    },
    handler: async (request, reply) => sendAnswer(reply, await removeWebhook(deps, targetOf(request), metaOf(request))),
  });
}

function targetOf(request: { params: { id: string }; headers: Parameters<typeof ifMatchOf>[0]['headers'] }) {
  return { id: request.params.id, ifMatch: ifMatchOf(request) };
}
