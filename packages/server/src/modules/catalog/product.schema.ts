import { Type, type Static } from 'typebox';
import {
  Attributes,
  Flag,
  Nullable,
  PageOf,
  PageQuery,
  Quantity,
  Shape,
  Sku,
  text,
  label,
  Timestamp,
  UnitCost,
  Version,
  Word,
} from '../../platform/http/schemas.ts';
import { ItemProblem } from '../../platform/http/refusal.schema.ts';

/** How many products one request may make. */
export const PRODUCT_BATCH_MAX = 10_000;

const Name = label(200, { description: 'For people.', examples: ['Mug, blue'] });
const Category = label(200, { description: 'A word of yours: lists filter by it.', examples: ['kitchen'] });
const Description = Type.String({ maxLength: 5_000, description: 'For people.', examples: ['Stoneware, 300 ml'] });

const ProductCost = {
  ...UnitCost,
  description:
    "What a unit costs, in the installation's one currency, with at most four decimals: values stock in GET /summary. null counts as nothing.",
};

const reorderPoint = Nullable(
  Quantity(0, { description: 'At this many available units or fewer, the level is low.', examples: [10] }),
);
const reorderQuantity = Nullable(Quantity(0, { description: 'How many to order then.', examples: [50] }));
const maxLevel = Nullable(
  Quantity(0, { description: 'With more on hand than this, the level is over.', examples: [500] }),
);
const safetyStockOrNone = Nullable(
  Quantity(0, { description: 'Units withheld from sale. null means 0.', examples: [2] }),
);

/** What may be left out. The stock settings are defaults that levels follow until they set their own. */
const optionalFields = {
  description: Type.Optional(Nullable(Description)),
  category: Type.Optional(Nullable(Category)),
  attributes: Type.Optional(Nullable(Attributes)),
  unitCost: Type.Optional(Nullable(ProductCost)),
  reorderPoint: Type.Optional(reorderPoint),
  reorderQuantity: Type.Optional(reorderQuantity),
  maxLevel: Type.Optional(maxLevel),
  safetyStock: Type.Optional(safetyStockOrNone),
};

export const NewProductBody = Shape({ sku: Sku, name: Name, ...optionalFields }, { title: 'NewProduct' });
export type NewProductBody = Static<typeof NewProductBody>;

export const ProductPatchBody = Shape(
  { sku: Type.Optional(Sku), name: Type.Optional(Name), ...optionalFields },
  { title: 'ProductPatch', description: 'What is not given stays; null clears.' },
);

export const ProductSchema = Shape(
  {
    sku: Sku,
    name: Name,
    description: Nullable(Description),
    category: Nullable(Category),
    attributes: Nullable(Attributes),
    unitCost: Nullable(ProductCost),
    reorderPoint,
    reorderQuantity,
    maxLevel,
    safetyStock: Quantity(0, { description: 'Units withheld from sale.', examples: [2] }),
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
    archivedAt: Nullable({ ...Timestamp, description: 'null while it is in service.', examples: [null] }),
  },
  { title: 'Product' },
);

export const ProductPage = PageOf(ProductSchema);

export const ProductBatchBody = Shape({
  products: Type.Array(NewProductBody, { minItems: 1, maxItems: PRODUCT_BATCH_MAX }),
});

export const ProductBatchResult = Shape(
  {
    index: Type.Integer({ minimum: 0, description: 'Its place in the request.' }),
    ok: Type.Boolean({ description: 'Whether it was made: then `product`, else `error`.' }),
    product: Type.Optional(ProductSchema),
    error: Type.Optional(ItemProblem),
  },
  { title: 'ProductBatchResult' },
);

export const ProductBatchAnswer = Shape(
  {
    succeeded: Type.Integer({ minimum: 0, description: 'How many were made.' }),
    failed: Type.Integer({ minimum: 0, description: 'How many were refused.' }),
    results: Type.Array(ProductBatchResult, { description: 'One for each, in the order of the request.' }),
  },
  { title: 'ProductBatchAnswer' },
);

export const ProductQuery = Shape({
  ...PageQuery,
  search: Type.Optional(text(200, { description: 'Part of the sku or the name, in either case of letters.' })),
  category: Type.Optional({ ...Category, description: 'Only products of this category.' }),
  archived: Type.Optional({ ...Flag, default: false, description: 'The archived ones instead of the others.' }),
  sort: Type.Optional(
    Word(['sku', '-sku', 'name', '-name', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'], {
      default: 'sku',
      description: 'The order; with `-` in front, descending.',
    }),
  ),
});
export type ProductQuery = Static<typeof ProductQuery>;

export const ProductPath = Shape({ sku: Sku });
