import { Type, type Static } from 'typebox';
import {
  Flag,
  LocationCode,
  Nullable,
  PageOf,
  PageQuery,
  Quantity,
  Shape,
  Sku,
  text,
  Timestamp,
  Version,
  Word,
} from '../../platform/http/schemas.ts';

/** How many lines one question for availability may have. */
export const AVAILABILITY_LINES_MAX = 500;

const BIN_PART_MAX = 50;

const onHand = Quantity(0, { description: 'Units physically there.', examples: [120] });
const reserved = Quantity(0, { description: 'Units held for pending reservations.', examples: [8] });
const committed = Quantity(0, { description: 'Units of confirmed reservations, not shipped yet.', examples: [5] });
const safetyStock = Quantity(0, { description: 'Units withheld from sale.', examples: [2] });
const available = Quantity(0, {
  description: 'What a new reservation may take: onHand - reserved - committed - safetyStock, never below 0.',
  examples: [105],
});
const incoming = Quantity(0, { description: 'Units on their way here. Never sellable.', examples: [0] });
const shortage = Type.Integer({
  minimum: 0,
  description: 'What was promised and is not there: reserved + committed - onHand, never below 0.',
  examples: [0],
});

const BinPart = Nullable(text(BIN_PART_MAX, { examples: ['A'] }));

export const BinSchema = Shape(
  { zone: BinPart, aisle: BinPart, shelf: BinPart },
  { title: 'Bin', description: 'Where in the building it lies, in words of your own.' },
);

const settings = {
  reorderPoint: Nullable(
    Quantity(0, {
      description: 'At this many available units or fewer, the level is low. null: it never is.',
      examples: [10],
    }),
  ),
  reorderQuantity: Nullable(
    Quantity(0, { description: 'How many to order then; null where nobody said.', examples: [50] }),
  ),
  maxLevel: Nullable(
    Quantity(0, { description: 'With more on hand than this, the level is over. null: it never is.', examples: [500] }),
  ),
};

const lastMovementAt = Nullable({
  ...Timestamp,
  description:
    'When its units last changed, holds included: the time of its newest ledger entry. null before the first.',
});
const lastCountAt = Nullable({ ...Timestamp, description: 'When it was last counted; null where nobody has.' });

export const LevelSchema = Shape(
  {
    sku: Sku,
    location: LocationCode,
    onHand,
    reserved,
    committed,
    safetyStock,
    available,
    incoming,
    shortage,
    ...settings,
    bin: BinSchema,
    version: Version,
    lastMovementAt,
    lastCountAt,
  },
  { title: 'Level', description: 'The stock of one product at one location.' },
);

export const LevelPage = PageOf(LevelSchema);

/** A level as it is, or as it was: of the past, the ledger knows the balances and nothing else. */
const LevelThenSchema = Shape(
  {
    sku: Sku,
    location: LocationCode,
    onHand,
    reserved,
    committed,
    safetyStock: Nullable(safetyStock),
    available: Nullable(available),
    incoming: Nullable(incoming),
    shortage,
    ...settings,
    bin: BinSchema,
    version: Nullable(Version),
    lastMovementAt,
    lastCountAt,
  },
  { title: 'LevelThen', description: 'A level; with `at`, its settings, available, incoming and version are null.' },
);

/** Sums over levels may be larger than the largest level. */
const sum = (description: string, example: number) => Type.Integer({ minimum: 0, description, examples: [example] });

export const ProductStockSchema = Shape(
  {
    sku: Sku,
    name: text(200, { description: "The product's name, for people.", examples: ['Mug, blue'] }),
    totals: Shape(
      {
        onHand: sum('Units physically there, at all locations.', 120),
        reserved: sum('Units held for pending reservations.', 8),
        committed: sum('Units of confirmed reservations.', 5),
        available: Nullable(sum('What new reservations may take, at active locations.', 105)),
        incoming: Nullable(sum('Units on their way.', 0)),
        shortage: sum('What was promised and is not there, level by level.', 0),
      },
      { title: 'StockTotals' },
    ),
    levels: Type.Array(LevelThenSchema, { description: 'By priority of the location, then code.' }),
  },
  { title: 'ProductStock' },
);
export type ProductStock = Static<typeof ProductStockSchema>;

/** For who cannot set a header. */
const fresh = Type.Optional({
  ...Flag,
  description: '`true`: from the database, not from the cache of answers. `Cache-Control: no-cache` does the same.',
});

export const LevelReadQuery = Shape({ fresh });

export const StockPath = Shape({ sku: Sku });
export const LevelPath = Shape({ sku: Sku, code: LocationCode });

export const StockQuery = Shape({
  at: Type.Optional({
    ...Timestamp,
    description: 'As it was then, from the ledger. Not in the future.',
  }),
  fresh,
});

export const LEVEL_STATUSES = ['in_stock', 'low', 'out', 'over', 'short'] as const;

export const LevelQuery = Shape({
  ...PageQuery,
  location: Type.Optional(LocationCode),
  category: Type.Optional(text(200, { description: 'Only products of this category.', examples: ['kitchen'] })),
  search: Type.Optional(text(200, { description: 'Part of the sku or the name, in either case of letters.' })),
  status: Type.Optional(
    Word(LEVEL_STATUSES, {
      description:
        'in_stock: available > 0; low: 0 < available ≤ reorderPoint; out: available is 0 or less; over: onHand > maxLevel; short: promised units are missing.',
    }),
  ),
  sort: Type.Optional(
    Word(['sku', '-sku', 'onHand', '-onHand', 'available', '-available'], {
      default: 'sku',
      description: 'Levels of one sku, or with one number, follow by sku and location.',
    }),
  ),
});
export type LevelQuery = Static<typeof LevelQuery>;

export const AvailabilityBody = Shape(
  {
    lines: Type.Array(
      Shape({ sku: Sku, quantity: Quantity(1, { examples: [5] }), location: Type.Optional(Nullable(LocationCode)) }),
      { minItems: 1, maxItems: AVAILABILITY_LINES_MAX },
    ),
  },
  { title: 'AvailabilityQuestion' },
);

export const AvailabilityAnswer = Shape(
  {
    lines: Type.Array(
      Shape({
        sku: Sku,
        quantity: Quantity(1, { description: 'As it was asked for.', examples: [5] }),
        location: Nullable({ ...LocationCode, description: 'As it was asked for; null: any.' }),
        available: sum('What a reservation could take now, at the location or at all active ones together.', 12),
        fulfillable: Type.Boolean({
          description: 'Whether this line and those of the same sku can all be had at once.',
          examples: [true],
        }),
        byLocation: Type.Array(Shape({ location: LocationCode, available: sum('What it could give.', 12) }), {
          description: 'Active locations with something to give, by priority, then code.',
        }),
      }),
    ),
  },
  { title: 'AvailabilityAnswer' },
);
export type AvailabilityAnswer = Static<typeof AvailabilityAnswer>;

const money = Type.String({
  pattern: '^[0-9]+(\\.[0-9]+)?$',
  description: "onHand × the product's unitCost, exact. Products without one count as nothing.",
  examples: ['1250.5'],
});

const units = Shape(
  {
    onHand: sum('Units physically there.', 1200),
    reserved: sum('Units held for pending reservations.', 80),
    committed: sum('Units of confirmed reservations.', 50),
    available: sum('What new reservations may take, at active locations.', 1050),
    shortage: sum('What was promised and is not there, level by level.', 0),
  },
  { title: 'Units' },
);

const lowStock = sum('Levels with 0 < available ≤ reorderPoint.', 3);
const outOfStock = sum('Levels with nothing available.', 1);
const openReservations = sum('Pending ones that have not lapsed, and confirmed ones with units to ship.', 42);

export const SummarySchema = Shape(
  {
    products: sum('Products that are not archived.', 30),
    levels: sum('Levels that stock ever moved at.', 60),
    units,
    value: money,
    currency: Type.String({ description: 'Of all values: HOLDFAST_CURRENCY.', examples: ['EUR'] }),
    lowStock,
    outOfStock,
    short: sum('Levels where promised units are missing.', 0),
    openReservations,
    expiringSoon: sum('Pending reservations that expire within 5 minutes.', 2),
    locations: Type.Array(
      Shape({
        location: LocationCode,
        active: Type.Boolean({ description: 'false: nothing is available here.', examples: [true] }),
        levels: sum('Levels here.', 30),
        units,
        value: money,
        lowStock,
        outOfStock,
        openReservations,
      }),
      { description: 'By priority, then code.' },
    ),
    asOf: { ...Timestamp, description: 'When these numbers were taken.' },
  },
  { title: 'Summary' },
);
export type Summary = Static<typeof SummarySchema>;
