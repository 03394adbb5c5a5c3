import type { Engine } from '../../engine/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { metaOf, sendAnswer, type Routes } from '../../platform/http/index.ts';
import { NoContent, Refusal } from '../../platform/http/refusal.schema.ts';
import { apiKeyProblems } from './api-key.problems.ts';
import { ApiKeyPage, ApiKeyPath, ApiKeyQuery, CreatedApiKeySchema, NewApiKeyBody } from './api-key.schema.ts';
import { createApiKey, pageOfApiKeys, removeApiKey, type KeyListener } from './api-key.service.ts';

const tags = ['Operations'];
const admin = { scope: 'admin' } as const;

export function apiKeyRoutes(deps: { engine: Engine; database: Database; keys: KeyListener }): Routes {
  return (app) => {
    app.route({
      method: 'POST',
      url: '/api-keys',
      config: admin,
      schema: {
        tags,
        operationId: 'createApiKey',
        summary: 'Create an API key',
        description:
          'The answer is the only place that ever shows `key`; the replay of an Idempotency-Key shows null. The first key ends the open server, so it must have the scope admin.',
        body: NewApiKeyBody,
        response: { 201: CreatedApiKeySchema, 409: Refusal(apiKeyProblems.firstKeyNeedsAdmin) },
      },
      handler: async (request, reply) => sendAnswer(reply, await createApiKey(deps, request.body, metaOf(request))),
    });
    app.route({
      method: 'GET',
      url: '/api-keys',
      config: admin,
      schema: {
        tags,
        operationId: 'listApiKeys',
        summary: 'List API keys',
        description: 'Newest first, without those that were revoked.',
        querystring: ApiKeyQuery,
        response: { 200: ApiKeyPage },
      },
      handler: (request) => pageOfApiKeys(deps.database, request.query),
    });
    app.route({
      method: 'DELETE',
      url: '/api-keys/:id',
      config: admin,
      schema: {
        tags,
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key',
        description:
          'This instance refuses it from now on, the others within a second. The last one with the scope admin, key or person, stays, unless somebody with a token asks.',
        params: ApiKeyPath,
        response: {
          204: NoContent,
          404: Refusal(apiKeyProblems.apiKeyNotFound),
          409: Refusal(apiKeyProblems.lastAdminKey),
        },
      },
      handler: async (request, reply) =>
        sendAnswer(reply, await removeApiKey(deps, request.params.id, metaOf(request))),
    });
  };
}
