import { Type, type Static } from 'typebox';
import { LedgerEntrySchema } from '../ledger/index.ts';
import {
  LocationCode,
  Nullable,
  Quantity,
  Shape,
  Sku,
  text,
  UnitCost,
  Version,
  Word,
} from '../../platform/http/schemas.ts';
import { LevelSchema } from './level.schema.ts';

export const ADJUSTMENTS_MAX = 10_000;
export const ATOMIC_MAX = 1_000;

const Reference = Shape(
  {
    type: text(255, { description: 'A word of yours, or `reservation`.', examples: ['purchase_order'] }),
    id: text(255, { description: 'Yours, or that of the reservation.', examples: ['PO-7'] }),
  },
  { title: 'NewReference', description: 'What it belongs to: the ledger is filtered by it.' },
);

const adjustment = {
  location: LocationCode,
  type: Word(['add', 'subtract', 'set'], { description: 'What quantity means.', examples: ['add'] }),
  quantity: Quantity(0, { description: 'add and subtract take 1 or more, set 0 or more.', examples: [10] }),
  movement: Type.Optional(
    Word(['adjustment', 'receipt', 'return', 'damage', 'theft', 'spoilage', 'count'], {
      default: 'adjustment',
      description: 'receipt and return go with add; damage, theft and spoilage with subtract; count with set.',
    }),
  ),
  reason: Type.Optional(Nullable(text(500, { description: 'Why, for the ledger.', examples: ['weekly delivery'] }))),
  notes: Type.Optional(Nullable(text(5_000, { description: 'What else to know, for the ledger.' }))),
  reference: Type.Optional(Nullable(Reference)),
  unitCost: Type.Optional(
    Nullable({ ...UnitCost, description: "What a unit cost, for the ledger. The product's own unitCost stays." }),
  ),
  lot: Type.Optional(
    Nullable(text(255, { description: 'For the ledger: stock is not kept by lot.', examples: ['LOT-2026-11'] })),
  ),
  expectedOnHand: Type.Optional(Quantity(0, { description: 'Refused where so many are not on hand.' })),
  expectedVersion: Type.Optional({ ...Version, description: 'Refused where the level has another version.' }),
  force: Type.Optional(Type.Boolean({ description: 'Go below what is promised: the level is then short.' })),
};

const EXAMPLE = { location: 'WH001', type: 'add', quantity: 10, movement: 'receipt', reason: 'weekly delivery' };

export const AdjustBody = Shape(adjustment, { title: 'Adjustment', examples: [EXAMPLE] });
export type AdjustBody = Static<typeof AdjustBody>;

export const AdjustAnswer = Shape({ movement: LedgerEntrySchema, level: LevelSchema }, { title: 'Adjusted' });

export const AdjustmentsBody = Shape(
  {
    adjustments: Type.Array(
      Shape({ sku: Sku, ...adjustment }, { title: 'BulkAdjustment', examples: [{ sku: 'SKU-1', ...EXAMPLE }] }),
      { minItems: 1, maxItems: ADJUSTMENTS_MAX },
    ),
    atomic: Type.Optional(Type.Boolean({ description: 'All or none; at most 1,000.' })),
  },
  { title: 'Adjustments' },
);
export type AdjustmentsBody = Static<typeof AdjustmentsBody>;

export const AdjustmentsAnswer = Shape(
  {
    succeeded: Type.Integer({ minimum: 0, description: 'How many were done.', examples: [1] }),
    failed: Type.Integer({ minimum: 0, description: 'How many were refused.', examples: [0] }),
    results: Type.Array(
      Shape({
        index: Type.Integer({ minimum: 0, description: 'Its place in the request.', examples: [0] }),
        ok: Type.Boolean({
          description: 'Whether it was done: then `movement` and `level`, else `error`.',
          examples: [true],
        }),
        movement: Type.Optional(LedgerEntrySchema),
        level: Type.Optional(LevelSchema),
        error: Type.Optional(
          Type.Unsafe<object>({ type: 'object', additionalProperties: true, description: 'A problem.' }),
        ),
      }),
    ),
  },
  { title: 'AdjustmentsAnswer' },
);

const Setting = Type.Optional(Nullable(Quantity(0, { examples: [10] })));
const BinPart = Type.Optional(Nullable(text(50, { examples: ['A'] })));

export const LevelSettingsBody = Shape(
  {
    reorderPoint: Setting,
    reorderQuantity: Setting,
    maxLevel: Setting,
    safetyStock: Setting,
    bin: Type.Optional(Nullable(Shape({ zone: BinPart, aisle: BinPart, shelf: BinPart }, { title: 'NewBin' }))),
  },
  { title: 'LevelSettings' },
);
