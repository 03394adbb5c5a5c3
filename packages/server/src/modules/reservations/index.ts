export { registerReservationsReads } from './reservation.read.routes.ts';
export { ReservationSchema } from './reservation.schema.ts';
