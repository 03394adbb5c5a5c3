import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { OPEN } from '../auth/index.ts';
import { createLogger } from '../log/index.ts';
import { createMetrics } from '../metrics/index.ts';
import {
  createHttpServer,
  etagOf,
  HTTP_DEFAULTS,
  metaOf,
  mount,
  Nullable,
  PageQuery,
  Quantity,
  sendAnswer,
  Shape,
  Sku,
  Word,
  type HttpServer,
} from './index.ts';

const Body = Shape({ quantity: Quantity(1), note: Type.Optional(Nullable(Type.String())), type: Word(['a', 'b']) });

function widgets(app: HttpServer): void {
  app.route({
    method: 'POST',
    url: '/widgets/:sku',
    config: { scope: 'stock' },
    schema: {
      tags: ['W'],
      params: Shape({ sku: Sku }),
      body: Body,
      response: { 201: Shape({ quantity: Type.Integer() }) },
    },
    handler: (request, reply) => {
      const { quantity }: { quantity: number } = request.body;
      const type: 'a' | 'b' = request.body.type;
      const note: string | null | undefined = request.body.note;
      const meta = metaOf(request);
      return sendAnswer(reply, {
        status: 201,
        body: JSON.stringify({ quantity, type, note, meta }),
        headers: { etag: etagOf(3) },
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/widgets',
    config: { scope: 'read' },
    schema: {
      querystring: Shape({ ...PageQuery, search: Type.Optional(Type.String()) }),
      response: { 200: Shape({ limit: Type.Integer() }) },
    },
    handler: async (request) => ({ limit: request.query.limit }),
  });
}

test('smoke', async () => {
  const app = await createHttpServer({
    config: HTTP_DEFAULTS,
    log: createLogger('silent'),
    authenticate: () => OPEN,
    isReady: () => ({ ready: true, reasons: [] }),
    metrics: createMetrics({ runtime: false }),
    version: '1',
  });
  await mount(app, '/api/v1', [widgets]);
  const made = await app.inject({
    method: 'POST',
    url: '/api/v1/widgets/A',
    headers: { 'idempotency-key': 'k' },
    payload: { quantity: 2, type: 'a' },
  });
  console.log(made.statusCode, made.headers, made.json());
  for (const [method, url, payload] of [
    ['POST', '/api/v1/widgets/-A?x=', { quantity: 0.5, type: 'c', z: 1 }],
    ['GET', '/api/v1/widgets?limit=5'],
    ['GET', '/api/v1/widgets?limit=1e1&limit=2&y=2'],
    ['DELETE', '/api/v1/widgets'],
    ['GET', '/nope'],
    ['GET', '/metrics'],
    ['GET', '/health/ready'],
  ] as const) {
    const answer: Awaited<ReturnType<typeof app.inject>> = await app.inject({
      method,
      url,
      ...(payload === undefined ? {} : { payload }),
    });
    console.log(method, url, answer.statusCode, answer.body.slice(0, 600), answer.headers.allow);
  }
  await app.close();
  expect(made.statusCode).toBe(201);
});
