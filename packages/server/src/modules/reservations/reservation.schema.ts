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

export const OrderId = text(CALLERS_ID_MAX, { examples: ['ORDER-1001'] });
export const UserId = text(CALLERS_ID_MAX, { examples: ['user-42'] });

export const RESERVATION_STATUSES = ['pending', 'confirmed', 'shipped', 'cancelled', 'expired'] as const;
export const RESERVATION_TYPES = ['order', 'cart', 'manual'] as const;

export const ReservationStatusSchema = Word(RESERVATION_STATUSES, { examples: ['pending'] });
export const ReservationTypeSchema = Word(RESERVATION_TYPES, { examples: ['order'] });

export const ReservationLineSchema = Shape(
  {
    sku: Sku,
    location: Nullable({ ...LocationCode, description: 'Where it was placed; null where nothing was.' }),
    quantity: Quantity(0, { description: 'What it got.', examples: [2] }),
    requested: Quantity(0, {
      description: 'What was asked for. On the pieces of a split line it stands on the first.',
      examples: [2],
    }),
    shipped: Quantity(0, { examples: [0] }),
    cancelled: Quantity(0, { examples: [0] }),
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
    status: ReservationStatusSchema,
    type: ReservationTypeSchema,
    orderId: Nullable(OrderId),
    userId: Nullable(UserId),
    lines: Type.Array(ReservationLineSchema),
    expiresAt: Timestamp,
    createdAt: Timestamp,
    confirmedAt: Nullable(Timestamp),
    shippedAt: Nullable(Timestamp),
    cancelledAt: Nullable(Timestamp),
    expiredAt: Nullable({ ...Timestamp, description: 'The instant of expiry.' }),
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
    Word(['createdAt', '-createdAt'], { default: '-createdAt', description: '-createdAt: newest first.' }),
  ),
});
export type ReservationQuery = Static<typeof ReservationQuery>;
