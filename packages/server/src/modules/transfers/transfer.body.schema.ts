import { Type, type Static } from 'typebox';
import { LocationCode, Nullable, Shape } from '../../platform/http/schemas.ts';
import { TransferLineSchema, TransferModeSchema, TransferReferenceSchema } from './transfer.schema.ts';

export const TRANSFER_LINES_MAX = 500;

export const TransferBody = Shape(
  {
    from: LocationCode,
    to: LocationCode,
    lines: Type.Array(TransferLineSchema, { minItems: 1, maxItems: TRANSFER_LINES_MAX }),
    mode: Type.Optional({ ...TransferModeSchema, default: 'immediate' }),
    reference: Type.Optional(Nullable(TransferReferenceSchema)),
  },
  {
    title: 'NewTransfer',
    examples: [{ from: 'WH001', to: 'WH002', lines: [{ sku: 'SKU-1', quantity: 5 }], mode: 'immediate' }],
  },
);
export type TransferBody = Static<typeof TransferBody>;
