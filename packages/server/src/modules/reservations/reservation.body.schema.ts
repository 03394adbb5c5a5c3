import { Type, type Static } from 'typebox';
import { TTL_MAX_SECONDS } from '../../engine/index.ts';
import {
  Attributes,
  Latitude,
  LocationCode,
  Longitude,
  Nullable,
  Quantity,
  Shape,
  Sku,
  Timestamp,
  Uuid,
  Whole,
  Word,
} from '../../platform/http/schemas.ts';
import { CancelReason, OrderId, ReservationSchema, ReservationTypeSchema, UserId } from './reservation.schema.ts';

export const LINES_MAX = 1_000;
export const BATCH_MAX = 1_000;
/** Lines of all reservations of a batch. */
export const BATCH_LINES_MAX = 10_000;

/** At most one of the two; the service says so where both are given. */
export const expiryFields = {
  expiresAt: Type.Optional({ ...Timestamp, description: 'In the future, at most 30 days away. Not with ttlSeconds.' }),
  ttlSeconds: Type.Optional(
    Whole(1, TTL_MAX_SECONDS, { description: 'How long it holds. Not with expiresAt.', examples: [900] }),
  ),
};

export const LineBody = Shape(
  {
    sku: Sku,
    quantity: Quantity(1, { examples: [2] }),
    location: Type.Optional({ ...LocationCode, description: 'Absent: the server chooses, by sourcing.' }),
    attributes: Type.Optional(Nullable(Attributes)),
  },
  { title: 'NewReservationLine' },
);

const LinesBody = Type.Array(LineBody, { minItems: 1, maxItems: LINES_MAX });

export const SourcingBody = Shape(
  {
    strategy: Type.Optional(
      Word(['priority', 'most_available', 'nearest', 'fewest_locations'], {
        default: 'priority',
        description: 'In which order places are asked. nearest needs near.',
      }),
    ),
    split: Type.Optional(Type.Boolean({ description: 'One line may come from several places.' })),
    near: Type.Optional(Shape({ lat: Latitude, lng: Longitude })),
    locations: Type.Optional(
      Type.Array(LocationCode, { minItems: 1, maxItems: 1_000, description: 'Only these places.' }),
    ),
  },
  { title: 'Sourcing', description: 'How lines without a location find one.' },
);

const partial = Type.Optional(
  Type.Boolean({ description: 'Hold whatever fits; each line says what it got. Nothing at all is 409.' }),
);

export const ReservationBody = Shape(
  {
    orderId: Type.Optional(Nullable(OrderId)),
    userId: Type.Optional(Nullable(UserId)),
    type: Type.Optional({ ...ReservationTypeSchema, default: 'order' }),
    lines: LinesBody,
    ...expiryFields,
    sourcing: Type.Optional(SourcingBody),
    partial,
  },
  {
    title: 'NewReservation',
    examples: [{ orderId: 'ORDER-1001', lines: [{ sku: 'MUG-BLUE', quantity: 2 }], ttlSeconds: 900 }],
  },
);
export type ReservationBody = Static<typeof ReservationBody>;

export const ReservationBatchBody = Shape(
  { reservations: Type.Array(ReservationBody, { minItems: 1, maxItems: BATCH_MAX }) },
  { title: 'ReservationBatch' },
);

/** The slices of a bulk answer; `error` is a problem document. */
const BatchError = Type.Unsafe<object>({ type: 'object', additionalProperties: true, description: 'A problem.' });

export const ReservationBatchAnswer = Shape(
  {
    succeeded: Type.Integer({ minimum: 0, examples: [1] }),
    failed: Type.Integer({ minimum: 0, examples: [0] }),
    results: Type.Array(
      Shape({
        index: Type.Integer({ minimum: 0, examples: [0] }),
        ok: Type.Boolean({ examples: [true] }),
        reservation: Type.Optional(ReservationSchema),
        error: Type.Optional(BatchError),
      }),
    ),
  },
  { title: 'ReservationBatchAnswer' },
);

export const ConfirmBody = Shape(
  { ship: Type.Optional(Type.Boolean({ description: 'The units leave at once.' })) },
  { title: 'Confirmation' },
);

export const ShipBody = Shape(
  {
    lines: Type.Optional(
      Type.Array(Shape({ sku: Sku, location: LocationCode, quantity: Quantity(1, { examples: [1] }) }), {
        minItems: 1,
        maxItems: LINES_MAX,
        description: 'Absent: all that is open.',
      }),
    ),
  },
  { title: 'Shipment' },
);

export const ChangeLinesBody = Shape(
  { lines: LinesBody, sourcing: Type.Optional(SourcingBody), partial },
  { title: 'NewLines' },
);

export const CancelBody = Shape({ reason: Type.Optional(Nullable(CancelReason)) }, { title: 'Cancellation' });

export const ExtendBody = Shape(expiryFields, { title: 'Extension', examples: [{ ttlSeconds: 1800 }] });

/** `POST /inventory/{sku}/reserve` */
export const ReserveOneBody = Shape(
  {
    location: Type.Optional(LocationCode),
    quantity: Quantity(1, { examples: [2] }),
    orderId: Type.Optional(Nullable(OrderId)),
    userId: Type.Optional(Nullable(UserId)),
    type: Type.Optional({ ...ReservationTypeSchema, default: 'order' }),
    attributes: Type.Optional(Nullable(Attributes)),
    ...expiryFields,
  },
  { title: 'NewOneLineReservation', examples: [{ quantity: 2, orderId: 'ORDER-1001', ttlSeconds: 900 }] },
);
export type ReserveOneBody = Static<typeof ReserveOneBody>;

export const ReleaseBody = Shape({ reservationId: Uuid }, { title: 'Release' });
