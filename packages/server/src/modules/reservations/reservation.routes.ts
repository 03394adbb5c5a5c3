import { stockProblems, type Engine } from '../../engine/index.ts';
import { metaOf, sendAnswer, type HttpServer } from '../../platform/http/index.ts';
import { Refusal } from '../../platform/http/refusal.schema.ts';
import {
  CancelBody,
  ChangeLinesBody,
  ConfirmBody,
  ExtendBody,
  ReleaseBody,
  ReservationBatchAnswer,
  ReservationBatchBody,
  ReservationBody,
  ReserveOneBody,
  ShipBody,
} from './reservation.body.schema.ts';
import { ReservationPath, ReservationSchema, ReservationSkuPath } from './reservation.schema.ts';
import { expiryOf, reserve, reserveMany, reserveOne, sourcingOf } from './reservation.service.ts';

const tags = ['Reservations'];
const reserving = { scope: 'reserve' } as const;
const unknownNames = Refusal(stockProblems.productNotFound, stockProblems.locationNotFound);
const unknownReservation = Refusal(stockProblems.reservationNotFound);
const refusedHold = Refusal(
  stockProblems.insufficientStock,
  stockProblems.productArchived,
  stockProblems.locationInactive,
  stockProblems.locationArchived,
);
const refusedTransition = Refusal(
  stockProblems.invalidTransition,
  stockProblems.reservationExpired,
  stockProblems.insufficientStock,
);

export function reservationRoutes(app: HttpServer, engine: Engine): void {
  createRoutes(app, engine);
  forwardRoutes(app, engine);
  changeRoutes(app, engine);
  productRoutes(app, engine);
}

function createRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'POST',
    url: '/reservations',
    config: reserving,
    schema: {
      tags,
      operationId: 'createReservation',
      summary: 'Reserve stock',
      description:
        'Holds every line, or none; `partial` asks for whatever fits. Lines on one level are judged together. A line without a location is sourced by the server. 409 `insufficient_stock` lists each short level.',
      body: ReservationBody,
      response: { 201: ReservationSchema, 404: unknownNames, 409: refusedHold },
    },
    handler: async (request, reply) => sendAnswer(reply, await reserve(engine, request.body, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/reservations/batch',
    config: { ...reserving, bodyLimit: 'bulk' },
    schema: {
      tags,
      operationId: 'createReservations',
      summary: 'Reserve for many orders',
      description:
        'Up to 1,000 reservations with at most 10,000 lines in all, each on its own: 200 also when some were refused. A repeat under the same Idempotency-Key goes on where it was interrupted.',
      body: ReservationBatchBody,
      response: { 200: ReservationBatchAnswer },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await reserveMany(engine, request.body.reservations, metaOf(request))),
  });
}

function forwardRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'POST',
    url: '/reservations/:id/confirm',
    config: reserving,
    schema: {
      tags,
      operationId: 'confirmReservation',
      summary: 'Confirm a reservation',
      description:
        'Its units are committed and no longer expire. With `ship` they also leave, for shops without a warehouse step. Asked again, it answers the reservation as it is.',
      params: ReservationPath,
      body: ConfirmBody,
      response: { 200: ReservationSchema, 404: unknownReservation, 409: refusedTransition },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const ship = request.body?.ship === true;
      return sendAnswer(reply, await engine.submit({ kind: 'confirm', id, ship }, metaOf(request)));
    },
  });
  app.route({
    method: 'POST',
    url: '/reservations/:id/ship',
    config: reserving,
    schema: {
      tags,
      operationId: 'shipReservation',
      summary: 'Ship a confirmed reservation',
      description: 'All that is open, or the named lines. It stays confirmed while units are open.',
      params: ReservationPath,
      body: ShipBody,
      response: {
        200: ReservationSchema,
        404: Refusal(stockProblems.reservationNotFound, stockProblems.lineNotFound),
        409: Refusal(
          stockProblems.invalidTransition,
          stockProblems.reservationExpired,
          stockProblems.quantityExceedsOpen,
          stockProblems.insufficientStock,
        ),
      },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const lines = request.body?.lines;
      const command = { kind: 'ship', id, ...(lines === undefined ? {} : { lines }) } as const;
      return sendAnswer(reply, await engine.submit(command, metaOf(request)));
    },
  });
}

function changeRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'PUT',
    url: '/reservations/:id/lines',
    config: reserving,
    schema: {
      tags,
      operationId: 'replaceReservationLines',
      summary: 'Replace the lines of a pending reservation',
      description: 'In one command; its own units count as free to it, so a cart never competes with itself.',
      params: ReservationPath,
      body: ChangeLinesBody,
      response: {
        200: ReservationSchema,
        404: Refusal(stockProblems.reservationNotFound, stockProblems.productNotFound, stockProblems.locationNotFound),
        409: Refusal(
          stockProblems.insufficientStock,
          stockProblems.invalidTransition,
          stockProblems.reservationExpired,
          stockProblems.productArchived,
          stockProblems.locationInactive,
          stockProblems.locationArchived,
        ),
      },
    },
    handler: async (request, reply) => {
      const { sourcing, ...rest } = request.body;
      const command = {
        kind: 'changeLines',
        id: request.params.id,
        ...rest,
        ...(sourcing === undefined ? {} : { sourcing: sourcingOf(sourcing) }),
      } as const;
      return sendAnswer(reply, await engine.submit(command, metaOf(request)));
    },
  });
  app.route({
    method: 'POST',
    url: '/reservations/:id/cancel',
    config: reserving,
    schema: {
      tags,
      operationId: 'cancelReservation',
      summary: 'Cancel a reservation',
      description: 'Gives the open units back. Where some were shipped, the rest is cancelled and it is shipped.',
      params: ReservationPath,
      body: CancelBody,
      response: { 200: ReservationSchema, 404: unknownReservation, 409: Refusal(stockProblems.invalidTransition) },
    },
    handler: async (request, reply) => {
      const command = { kind: 'cancel', id: request.params.id, reason: request.body?.reason ?? null } as const;
      return sendAnswer(reply, await engine.submit(command, metaOf(request)));
    },
  });
  app.route({
    method: 'POST',
    url: '/reservations/:id/extend',
    config: reserving,
    schema: {
      tags,
      operationId: 'extendReservation',
      summary: 'Set when a pending reservation expires',
      description: 'Counted from this command; it may be sooner than before. Needs expiresAt or ttlSeconds.',
      params: ReservationPath,
      body: ExtendBody,
      response: {
        200: ReservationSchema,
        404: unknownReservation,
        409: Refusal(stockProblems.invalidTransition, stockProblems.reservationExpired),
      },
    },
    handler: async (request, reply) => {
      const command = { kind: 'extend', id: request.params.id, ...expiryOf(request.body) } as const;
      return sendAnswer(reply, await engine.submit(command, metaOf(request)));
    },
  });
}

function productRoutes(app: HttpServer, engine: Engine): void {
  app.route({
    method: 'POST',
    url: '/inventory/:sku/reserve',
    config: reserving,
    schema: {
      tags,
      operationId: 'reserveProduct',
      summary: 'Reserve one product',
      description: 'A reservation of one line. Without a location the server chooses one, by priority.',
      params: ReservationSkuPath,
      body: ReserveOneBody,
      response: { 201: ReservationSchema, 404: unknownNames, 409: refusedHold },
    },
    handler: async (request, reply) =>
      sendAnswer(reply, await reserveOne(engine, request.params.sku, request.body, metaOf(request))),
  });
  app.route({
    method: 'POST',
    url: '/inventory/:sku/release',
    config: reserving,
    schema: {
      tags,
      operationId: 'releaseProduct',
      summary: "Cancel a product's open units of a reservation",
      description: 'The reservation is cancelled with its last open units.',
      params: ReservationSkuPath,
      body: ReleaseBody,
      response: {
        200: ReservationSchema,
        404: Refusal(stockProblems.productNotFound, stockProblems.reservationNotFound, stockProblems.lineNotFound),
        409: Refusal(stockProblems.invalidTransition),
      },
    },
    handler: async (request, reply) => {
      const command = { kind: 'release', id: request.body.reservationId, sku: request.params.sku } as const;
      return sendAnswer(reply, await engine.submit(command, metaOf(request)));
    },
  });
}
