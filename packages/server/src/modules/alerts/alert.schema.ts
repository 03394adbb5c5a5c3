import { Type, type Static } from 'typebox';
import {
  LocationCode,
  Nullable,
  PageOf,
  PageQuery,
  Quantity,
  Shape,
  Sku,
  Timestamp,
  Uuid,
  Word,
} from '../../platform/http/schemas.ts';

const ACKNOWLEDGE_MAX = 1_000;

const AlertType = Word(['low_stock', 'out_of_stock', 'overstock', 'shortage'], {
  description:
    'available at or below reorderPoint, nothing available, more on hand than maxLevel, or promised units missing.',
  examples: ['low_stock'],
});
const AlertStatusWord = Word(['active', 'acknowledged', 'resolved'], {
  description: 'It resolves by itself when its condition has gone.',
  examples: ['active'],
});

export const AlertSchema = Shape(
  {
    id: Uuid,
    type: AlertType,
    status: AlertStatusWord,
    sku: Sku,
    location: LocationCode,
    threshold: Nullable(
      Quantity(0, { description: 'The setting that was crossed; null where there is none.', examples: [10] }),
    ),
    value: Type.Integer({ description: 'The number that crossed it, when it did.', examples: [7] }),
    openedAt: Timestamp,
    acknowledgedAt: Nullable({ ...Timestamp, description: 'null where nobody has.', examples: [null] }),
    acknowledgedBy: Nullable(Type.String({ description: 'The actor; null where nobody has.', examples: [null] })),
    resolvedAt: Nullable({ ...Timestamp, description: 'null while its condition lasts.', examples: [null] }),
  },
  { title: 'Alert' },
);

export const AlertPage = PageOf(AlertSchema);

export const AlertQuery = Shape({
  ...PageQuery,
  status: Type.Optional({ ...AlertStatusWord, description: 'Only alerts of this status.' }),
  type: Type.Optional({ ...AlertType, description: 'Only alerts of this type.' }),
  location: Type.Optional(LocationCode),
  sku: Type.Optional(Sku),
  sort: Type.Optional(
    Word(['openedAt', '-openedAt'], { default: '-openedAt', description: 'The order; with `-` in front, descending.' }),
  ),
});
export type AlertQuery = Static<typeof AlertQuery>;

export const AlertPath = Shape({ id: Uuid });

export const AcknowledgeBody = Shape({
  ids: Type.Array(Uuid, { minItems: 1, maxItems: ACKNOWLEDGE_MAX }),
});

export const AcknowledgeAnswer = Shape({
  acknowledged: Type.Integer({
    minimum: 0,
    description: 'How many of them this made acknowledged: the resolved and the already acknowledged stay as they are.',
    examples: [2],
  }),
});
