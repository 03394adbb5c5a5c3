import { Type, type Static } from 'typebox';
import {
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

export const TransferModeSchema = Word(['immediate', 'in_transit'], { examples: ['immediate'] });

export const TransferReferenceSchema = Shape(
  {
    type: text(CALLERS_ID_MAX, { description: 'A word of yours.', examples: ['replenishment'] }),
    id: text(CALLERS_ID_MAX, { description: 'An id of yours.', examples: ['RUN-7'] }),
  },
  { title: 'TransferReference', description: 'What it belongs to.' },
);

export const TransferLineSchema = Shape(
  { sku: Sku, quantity: Quantity(1, { examples: [5] }) },
  { title: 'TransferLine' },
);

export const TransferSchema = Shape(
  {
    id: Uuid,
    status: Word(['completed'], { description: 'One at once is completed as it is made.', examples: ['completed'] }),
    from: LocationCode,
    to: LocationCode,
    mode: TransferModeSchema,
    lines: Type.Array(TransferLineSchema),
    reference: Nullable(TransferReferenceSchema),
    createdAt: Timestamp,
    version: Version,
  },
  { title: 'Transfer', description: 'Stock moved between locations.' },
);
export type TransferView = Static<typeof TransferSchema>;

export const TransferPage = PageOf(TransferSchema);

export const TransferPath = Shape({ id: Uuid });

export const TransferQuery = Shape({
  ...PageQuery,
  status: Type.Optional(Word(['completed'], { description: 'Only transfers of this status.' })),
  from: Type.Optional({ ...LocationCode, description: 'Out of this location.' }),
  to: Type.Optional({ ...LocationCode, description: 'Into this location.' }),
  sku: Type.Optional({ ...Sku, description: 'With a line of this product.' }),
  sort: Type.Optional(
    Word(['createdAt', '-createdAt'], { default: '-createdAt', description: '-createdAt: newest first.' }),
  ),
});
export type TransferQuery = Static<typeof TransferQuery>;
