import type { ClientConfig } from 'pg';
import { ReservationBody } from '../packages/server/src/modules/reservations/reservation.body.schema.ts';
import { ReservationSchema } from '../packages/server/src/modules/reservations/reservation.schema.ts';
import { etagOf, type HttpServer, type Routes, sendAnswer } from '../packages/server/src/platform/http/index.ts';
import type { Answer } from '../packages/server/src/kernel/command.ts';
import { SAMPLE_RESERVATION } from './sample.ts';
import { POOL_SIZES } from './scenarios.ts';
import { UsualWay } from './usual.ts';

/** The routes that Holdfast is measured against, in the same app: same hooks, validation, headers and size of answer. */
export function benchRoutes(connection: ClientConfig): Routes {
  return (app) => {
    reserveRoute(app, 'noop', () => Promise.resolve(SAMPLE_RESERVATION));
    for (const size of POOL_SIZES) {
      const usual = new UsualWay(connection, size);
      reserveRoute(app, `usual/${size}`, (body) => usual.reserve(body));
      app.addHook('onClose', () => usual.close());
    }
  };
}

type Reserve = (body: ReservationBody) => Promise<{ id: string; version: number }>;

function reserveRoute(app: HttpServer, name: string, reserve: Reserve): void {
  app.route({
    method: 'POST',
    url: `/bench/${name}`,
    config: { scope: 'reserve' },
    schema: {
      tags: ['Benchmark'],
      operationId: `bench_${name}`,
      summary: `Benchmark: ${name}`,
      body: ReservationBody,
      response: { 201: ReservationSchema },
    },
    handler: async (request, reply) => sendAnswer(reply, answerOf(await reserve(request.body))),
  });
}

function answerOf(reservation: { id: string; version: number }): Answer {
  const { id, version } = reservation;
  const headers = { location: `/api/v1/reservations/${id}`, etag: etagOf(version) };
  return { status: 201, body: JSON.stringify(reservation), headers };
}
