import { Type } from 'typebox';
import { sendAnswer, type Routes } from '../../platform/http/index.ts';

/** Serves the document of the events: at the root, beside /openapi.json. */
export function asyncApiRoutes(document: () => object): Routes {
  let json: string | null = null;
  return (app) => {
    app.route({
      method: 'GET',
      url: '/asyncapi.json',
      config: { scope: 'public' },
      schema: {
        tags: ['Operations'],
        operationId: 'getAsyncApi',
        summary: 'The events, streams and webhooks, as AsyncAPI 3',
        response: { 200: Type.Object({ asyncapi: Type.Literal('3.0.0') }, { additionalProperties: true }) },
      },
      handler: (_request, reply) => {
        json ??= JSON.stringify(document());
        return sendAnswer(reply, { status: 200, body: json });
      },
    });
  };
}
