import { Type, type Static } from 'typebox';
import { LEDGER_TYPES } from '../../engine/index.ts';
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
  UnitCost,
  Word,
} from '../../platform/http/schemas.ts';

/** Ids of the caller's: orders, lots, references. */
const CALLERS_ID_MAX = 255;

const delta = Type.Integer({ description: 'By how much it changed.', examples: [-2] });

export const ReferenceSchema = Shape(
  {
    type: text(CALLERS_ID_MAX, {
      description: '`reservation`, `transfer`, or a word of your own.',
      examples: ['purchase_order'],
    }),
    id: text(CALLERS_ID_MAX, { description: 'Its id, or yours.', examples: ['PO-1001'] }),
  },
  { title: 'Reference', description: 'What the movement belongs to.' },
);

export const LedgerTypeSchema = Word(LEDGER_TYPES, { examples: ['receipt'] });

export const LedgerEntrySchema = Shape(
  {
    seq: Type.Integer({ description: 'Rises per level in the order of effect.', examples: [4097] }),
    at: { ...Timestamp, description: "When, by the database's clock. Within a level it never runs backwards." },
    type: { ...LedgerTypeSchema, description: 'What happened.' },
    sku: Sku,
    location: LocationCode,
    deltaOnHand: delta,
    deltaReserved: delta,
    deltaCommitted: delta,
    onHand: Quantity(0, { description: 'On hand after it.', examples: [118] }),
    reserved: Quantity(0, { description: 'Reserved after it.', examples: [8] }),
    committed: Quantity(0, { description: 'Committed after it.', examples: [5] }),
    reference: Nullable(ReferenceSchema),
    reason: Nullable(Type.String({ description: 'As whoever did it gave it.', examples: ['stocktaking'] })),
    notes: Nullable(Type.String({ description: 'As whoever did it gave them.', examples: ['found behind the shelf'] })),
    unitCost: Nullable({ ...UnitCost, description: 'What a unit cost, where the adjustment said so.' }),
    lot: Nullable(
      text(CALLERS_ID_MAX, { description: 'The lot, where the adjustment named one.', examples: ['LOT-2026-11'] }),
    ),
    actor: Type.String({ description: 'Who did it.', examples: ['user:ada'] }),
  },
  {
    title: 'LedgerEntry',
    description: 'What changed at a level, by how much, the balances after it, why, and who did it.',
  },
);

export const LedgerPage = PageOf(LedgerEntrySchema);

export const LedgerQuery = Shape({
  ...PageQuery,
  location: Type.Optional(LocationCode),
  type: Type.Optional({ ...LedgerTypeSchema, description: 'Only movements of this type.' }),
  referenceType: Type.Optional(
    text(CALLERS_ID_MAX, {
      description: '`reservation`, `transfer`, or a type of your own.',
      examples: ['reservation'],
    }),
  ),
  referenceId: Type.Optional(
    text(CALLERS_ID_MAX, { description: 'Only what belongs to this.', examples: ['PO-1001'] }),
  ),
  lot: Type.Optional(text(CALLERS_ID_MAX, { description: 'Only of this lot.', examples: ['LOT-2026-11'] })),
  actor: Type.Optional(text(CALLERS_ID_MAX + 5, { description: 'Only what this actor did.', examples: ['user:ada'] })),
  from: Type.Optional({ ...Timestamp, description: 'At this time or later.' }),
  to: Type.Optional({ ...Timestamp, description: 'Before this time.' }),
  sort: Type.Optional(
    Word(['seq', '-seq'], { default: '-seq', description: 'seq: oldest first; -seq: newest first.' }),
  ),
});
export type LedgerQuery = Static<typeof LedgerQuery>;

export const ProductLedgerPath = Shape({ sku: Sku });
