import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Type } from 'typebox';
import { OPEN, type Authenticate } from '../auth/index.ts';
import { createLogger } from '../log/index.ts';
import { createMetrics } from '../metrics/index.ts';
import {
  Attributes,
  createHttpServer,
  etagOf,
  HTTP_DEFAULTS,
  ifMatchOf,
  LocationCode,
  metaOf,
  mount,
  Nullable,
  PageQuery,
  Quantity,
  sendAnswer,
  Shape,
  Sku,
  text,
  Timestamp,
  UnitCost,
  Uuid,
  Word,
  type HttpConfig,
  type HttpServer,
  type Routes,
} from './index.ts';

const Line = Shape({ sku: Sku, quantity: Quantity(1), attributes: Type.Optional(Attributes) });

const Order = Shape({
  lines: Type.Array(Line, { minItems: 1, maxItems: 1_000 }),
  reason: Type.Optional(Nullable(text(500))),
  unitCost: Type.Optional(UnitCost),
  at: Type.Optional(Timestamp),
  type: Type.Optional(Word(['order', 'cart'])),
});

/** Echoes what it understood. */
export const echoRoutes: Routes = (app) => {
  app.route({
    method: 'POST',
    url: '/orders/:location',
    config: { scope: 'reserve' },
    schema: {
      operationId: 'createOrder',
      params: Shape({ location: LocationCode }),
      querystring: Shape({ dry: Type.Optional(Type.Boolean()) }),
      body: Order,
      response: { 201: Type.Object({}, { additionalProperties: true }) },
    },
    handler: (request, reply) => {
      const { body, query, params } = request;
      return sendAnswer(reply, {
        status: 201,
        body: JSON.stringify({ body, query, params, meta: metaOf(request) }),
        headers: { location: '/orders/1', etag: etagOf(1) },
        replayed: request.headers['x-replay'] !== undefined,
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/orders',
    config: { scope: 'read' },
    schema: {
      operationId: 'listOrders',
      querystring: Shape({
        ...PageQuery,
        search: Type.Optional(text(200)),
        from: Type.Optional(Timestamp),
        ratio: Type.Optional(Type.Number({ minimum: 0 })),
        archived: Type.Optional(Type.Boolean()),
        status: Type.Optional(Word(['open', 'done'])),
      }),
      response: { 200: Type.Object({}, { additionalProperties: true }) },
    },
    handler: (request) => ({ query: request.query }),
  });
  app.route({
    method: 'POST',
    url: '/orders/:id/confirm',
    config: { scope: 'reserve' },
    schema: {
      operationId: 'confirmOrder',
      params: Shape({ id: Uuid }),
      body: Shape({ ship: Type.Optional(Type.Boolean()) }),
      response: { 200: Type.Object({}, { additionalProperties: true }) },
    },
    handler: (request) => ({ ship: request.body.ship ?? false, ifMatch: ifMatchOf(request) }),
  });
  app.route({
    method: 'DELETE',
    url: '/orders/:id',
    config: { scope: 'admin' },
    schema: { operationId: 'deleteOrder', params: Shape({ id: Uuid }), response: { 204: Type.Null() } },
    handler: (_request, reply) => sendAnswer(reply, { status: 204, body: null }),
  });
  app.route({
    method: 'GET',
    url: '/broken',
    config: { scope: 'read' },
    schema: { operationId: 'broken', response: { 200: Type.Null() } },
    handler: () => {
      throw new Error('relation "secret_table" does not exist');
    },
  });
};

export interface EchoOptions {
  authenticate?: Authenticate;
  config?: Partial<HttpConfig>;
  routes?: Routes;
  isReady?: () => { ready: boolean; reasons: string[] };
}

export async function echoServer({ authenticate = () => OPEN, config = {}, routes, isReady }: EchoOptions = {}) {
  const metrics = createMetrics({ runtime: false });
  const app = await createHttpServer({
    config: { ...HTTP_DEFAULTS, ...config },
    log: createLogger('silent'),
    authenticate,
    isReady: isReady ?? (() => ({ ready: true, reasons: [] })),
    metrics,
    version: '1.2.3',
    checkAnswers: true,
  });
  await mount(app, '/api/v1', [routes ?? echoRoutes]);
  await app.ready();
  return app;
}

/** Listens on a free loopback port, which it answers. */
export async function listen(app: HttpServer): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return (app.server.address() as AddressInfo).port;
}

/** Sends bytes as they are, and answers all that came back when the server closed the connection. */
export function exchange(port: number, request: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}
