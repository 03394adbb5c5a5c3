import { Type, type Static } from 'typebox';
import {
  Attributes,
  LocationCode,
  Nullable,
  PageOf,
  PageQuery,
  Quantity,
  Shape,
  Sku,
  text,
  Timestamp,
  Uuid,
  Version,
  Word,
} from '../../platform/http/schemas.ts';

/** Ids of the caller's. */
const CALLERS_ID_MAX = 255;

export const OrderId = text(CALLERS_ID_MAX, {
  description: 'Your order: several reservations may have the same.',
  examples: ['ORDER-1001'],
});
export const CancelReason = text(500, {
  description: 'Why its units were given back.',
  examples: ['changed their mind'],
});
export const UserId = text(CALLERS_ID_MAX, { description: 'A user of yours.', examples: ['user-42'] });

export const RESERVATION_STATUSES = ['pending', 'confirmed', 'shipped', 'cancelled', 'expired'] as const;
export const RESERVATION_TYPES = ['order', 'cart', 'manual'] as const;

export const ReservationStatusSchema = Word(RESERVATION_STATUSES, { examples: ['pending'] });
export const ReservationTypeSchema = Word(RESERVATION_TYPES, {
  description: 'A word for you: it changes no rule.',
  examples: ['order'],
});

export const ReservationLineSchema = Shape(
  {
    sku: Sku,
    location: Nullable({ ...LocationCode, description: 'Where it was placed; null where nothing was.' }),
    quantity: Quantity(0, { description: 'What it got.', examples: [2] }),
    requested: Quantity(0, {
      description: 'What was asked for. On the pieces of a split line it stands on the first.',
      examples: [2],
    }),
    shipped: Quantity(0, { description: 'Units of it that have left.', examples: [0] }),
    cancelled: Quantity(0, { description: 'Units of it that were given back before they left.', examples: [0] }),
    attributes: Nullable(Attributes),
    line: Type.Integer({
      minimum: 0,
      description: "Index of the request's line: the pieces of a split line share it.",
      examples: [0],
    }),
  },
  { title: 'ReservationLine' },
);

export const ReservationSchema = Shape(
  {
    id: Uuid,
    status: {
      ...ReservationStatusSchema,
      description: '`expired` from `expiresAt` on, whether or not its units have been given back already.',
    },
    type: ReservationTypeSchema,
    orderId: Nullable(OrderId),
    userId: Nullable(UserId),
    lines: Type.Array(ReservationLineSchema, { description: 'As they were placed.' }),
    expiresAt: {
      ...Timestamp,
      description: 'Until when it holds while it is pending. Once confirmed it does not end.',
    },
    createdAt: Timestamp,
    confirmedAt: Nullable({ ...Timestamp, description: 'null until it was confirmed.', examples: [null] }),
    shippedAt: Nullable({
      ...Timestamp,
      description: 'When its last open unit had left or was cancelled; null until then.',
      examples: [null],
    }),
    cancelledAt: Nullable({
      ...Timestamp,
      description: 'null unless it was cancelled before any unit had left.',
      examples: [null],
    }),
    cancelReason: Nullable({ ...CancelReason, examples: [null] }),
    expiredAt: Nullable({
      ...Timestamp,
      description: 'The instant of expiry; null unless it expired.',
      examples: [null],
    }),
    version: Version,
  },
  { title: 'Reservation', description: "One order's (or cart's) claim on one or more lines." },
);

export const ReservationPage = PageOf(ReservationSchema);

export const ReservationPath = Shape({ id: Uuid });
export const ReservationSkuPath = Shape({ sku: Sku });

export const ReservationQuery = Shape({
  ...PageQuery,
  status: Type.Optional({
    ...ReservationStatusSchema,
    description: "By the database's clock: a hold whose time has come is expired, whether or not a sweep has run.",
  }),
  orderId: Type.Optional({ ...OrderId, description: 'Only reservations of this order.' }),
  userId: Type.Optional({ ...UserId, description: 'Only reservations of this user of yours.' }),
  sku: Type.Optional({ ...Sku, description: 'With a line of this product.' }),
  location: Type.Optional({ ...LocationCode, description: 'With a line placed there.' }),
  expiringBefore: Type.Optional({ ...Timestamp, description: 'Pending ones that expire before this time.' }),
  sort: Type.Optional(
    Word(['createdAt', '-createdAt', 'expiresAt', '-expiresAt'], {
      default: '-createdAt',
      description: '-createdAt: newest first. expiresAt: what lapses next, with `status=pending`.',
    }),
  ),
});
export type ReservationQuery = Static<typeof ReservationQuery>;
