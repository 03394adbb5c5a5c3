import { Type } from 'typebox';
import { Problem, type ProblemKind } from '../../kernel/problem.ts';
import type { HttpOptions, HttpServer } from './http.options.ts';
import { ProblemSchema, Shape } from './schemas.ts';

const notReady: ProblemKind = {
  code: 'not_ready',
  status: 503,
  title: 'The server is not ready',
  headers: { 'retry-after': '1' },
};

const Health = Shape(
  { status: Type.Literal('ok'), version: Type.String({ examples: ['0.1.0'] }) },
  { title: 'Health' },
);

/** For load balancers and orchestrators: no key, no load shedding. */
export function healthRoutes(app: HttpServer, { isReady, version, metrics }: HttpOptions): void {
  const ok = { status: 'ok', version } as const;
  const whenReady = () => {
    const { ready, reasons } = isReady();
    if (!ready) throw new Problem(notReady, reasons.join(' ') || 'It is starting.', { reasons });
    return ok;
  };
  const tags = ['Operations'];
  const config = { scope: 'public' } as const;
  const response = { 200: Health };
  const readyResponse = { 200: Health, 503: ProblemSchema };

  app.route({
    method: 'GET',
    url: '/health',
    config,
    schema: { tags, operationId: 'getHealth', summary: 'Whether the server serves', response: readyResponse },
    handler: whenReady,
  });
  app.route({
    method: 'GET',
    url: '/health/ready',
    config,
    schema: { tags, operationId: 'getReadiness', summary: 'Whether to send it requests', response: readyResponse },
    handler: whenReady,
  });
  app.route({
    method: 'GET',
    url: '/health/live',
    config,
    schema: { tags, operationId: 'getLiveness', summary: 'Whether the process answers', response },
    handler: () => ok,
  });
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'getMetrics',
      summary: 'Metrics in the text format of Prometheus',
      produces: ['text/plain'],
      response: { 200: Type.String({ examples: ['inventory_reservations_total{location="WH001"} 1042\n'] }) },
    },
    handler: async (_request, reply) => reply.header('content-type', metrics.contentType).send(await metrics.render()),
  });
}
