import { stockProblems } from '../../engine/index.ts';
import { Problem } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { etagOfBody, sendAnswer, type HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import { pageOfReservations } from './reservation.reads.ts';
import { createReservationReader } from './reservation.reads.sql.ts';
import { ReservationPage, ReservationPath, ReservationQuery, ReservationSchema } from './reservation.schema.ts';

const tags = ['Reservations'];
const read = { scope: 'read' } as const;

export function registerReservationsReads(app: HttpServer, { database }: { database: Database }): void {
  const readReservation = createReservationReader(database);
  app.route({
    method: 'GET',
    url: '/reservations',
    config: read,
    schema: {
      tags,
      operationId: 'listReservations',
      summary: 'List reservations',
      description:
        'Newest first. A filter that names an unknown sku or location matches nothing. A page may hold fewer items than `limit`, or none, and still have a `nextCursor`: where a filter matches next to nothing among very many, each request looks through a part of them.',
      querystring: ReservationQuery,
      response: { 200: ReservationPage },
    },
    handler: (request) => pageOfReservations(database, request.query),
  });
  app.route({
    method: 'GET',
    url: '/reservations/:id',
    config: { ...read, conditional: true },
    schema: {
      tags,
      operationId: 'getReservation',
      summary: 'Get a reservation',
      description: 'From its expiresAt on, a hold that was not confirmed says `expired`.',
      params: ReservationPath,
      response: { 200: ReservationSchema, 404: Refusal(stockProblems.reservationNotFound) },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const reservation = await readReservation(id);
      if (reservation === null) {
        throw new Problem(stockProblems.reservationNotFound, `No reservation has the id ${id}.`);
      }
      // It shows names, which change without it.
      const body = JSON.stringify(reservation);
      return sendAnswer(reply, { status: 200, body, headers: { etag: etagOfBody(body, reservation.version) } });
    },
  });
}
