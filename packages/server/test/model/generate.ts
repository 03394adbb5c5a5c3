/**
 * Random histories over a small world: few products, few places, small quantities, so that commands meet one another
 * and a third to a half of them is refused. Names are aliases (`P1`, `L1`) and reservations are picks; resolve.ts
 * makes commands of them once the ids are known.
 */
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type {
  AdjustBody,
  ChangeLinesBody,
  CommandOf,
  ExpiryBody,
  LineBody,
  LocationBody,
  ReserveBody,
  SettingsBody,
  SourcingBody,
} from './command.ts';

/** A reservation by what it should be, so that a confirm mostly meets a pending one and deep states are reached. */
export type Pick = { want: 'pending' | 'confirmed' | 'lapsed' | 'done' | 'any' | 'unknown'; nth: number };

export type KeyUse = { kind: 'fresh' } | { kind: 'repeat' | 'clash'; nth: number };

export type Template = {
  command: CommandOf<Pick>;
  /** Becomes `expectedOnHand`: what is there when the group starts, plus this. */
  onHandPlus?: number | undefined;
  expectedVersion?: 'current' | 'stale' | undefined;
  /** Becomes `expiresAt`. */
  expiresInMs?: number | undefined;
  /** Becomes the `lines` of a ship: lines of the reservation, with what is open on them plus this. */
  shipLines?: { nth: number; plus: number }[] | undefined;
  key?: KeyUse | undefined;
};

export type Step =
  | { kind: 'group'; templates: Template[] }
  | { kind: 'clock'; ms: number }
  /** To an instant beside the next expiry (a running clock can only be put after it). */
  | { kind: 'toExpiry'; offsetMs: -1 | 0 | 1 }
  | { kind: 'sweep' };

export type Sequence = { opening: Template; products: SettingsBody[]; steps: Step[] };

/** P5 starts with nothing and is rarely met: it is the one that can be archived. */
export const PRODUCTS = ['P1', 'P2', 'P3', 'P4', 'P5'];
export const LOCATIONS = ['L1', 'L2', 'L3', 'L4'];

/** Two share a priority (ties by code), one has no coordinates. */
export const LOCATION_FIELDS: Record<string, Required<LocationBody>> = {
  L1: { priority: 20, active: true, lat: 52.52, lng: 13.4 },
  L2: { priority: 10, active: true, lat: 48.85, lng: 2.35 },
  L3: { priority: 20, active: true, lat: null, lng: null },
  L4: { priority: 30, active: true, lat: -33.87, lng: 151.2 },
};

/** Shorter holds could lapse while their own group is still on its way. */
const SHORTEST_TTL_SECONDS = 30;

const of = <T>(...pairs: [number, T][]): Arbitrary<T> =>
  fc.oneof(...pairs.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const sku = of([50, 'P1'], [30, 'P2'], [20, 'P3'], [10, 'P4'], [2, 'P5'], [1, 'P9']);
const location = of([40, 'L1'], [30, 'L2'], [20, 'L3'], [15, 'L4'], [1, 'L9']);
const knownLocation = fc.constantFrom(...LOCATIONS);
const quantity = fc.oneof(
  { weight: 60, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 30, arbitrary: fc.integer({ min: 4, max: 8 }) },
  { weight: 8, arbitrary: fc.integer({ min: 9, max: 20 }) },
);

const maybe = <T>(weight: number, value: Arbitrary<T>): Arbitrary<T | undefined> =>
  fc.oneof({ weight: 100 - weight, arbitrary: fc.constant(undefined) }, { weight, arbitrary: value });

/** Leaves out what is undefined, as JSON would. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

const namedLine = fc.record({ sku, quantity, location }) satisfies Arbitrary<LineBody>;
const sourcedLine = fc.record({ sku, quantity }) satisfies Arbitrary<LineBody>;

const place = fc.record({ lat: fc.integer({ min: -80, max: 80 }), lng: fc.integer({ min: -170, max: 170 }) });
const someLocations = fc.uniqueArray(knownLocation, { minLength: 1, maxLength: 4 });
const yes = fc.constant(true);

const sourcing = (strategies: [number, SourcingBody['strategy']][]): Arbitrary<SourcingBody> =>
  fc
    .record({ strategy: of(...strategies), split: maybe(45, yes), near: place, locations: maybe(20, someLocations) })
    .map(({ near, ...rest }) => ({ ...defined(rest), ...(rest.strategy === 'nearest' ? { near } : {}) }));

const bySku = (line: LineBody) => line.sku;

/** What kind of request: the mixes that the specification leaves open (see README of this folder) are not made. */
const lines: Arbitrary<ChangeLinesBody> = fc.oneof(
  // Every place named; repeats are common.
  {
    weight: 45,
    arbitrary: fc
      .record({ lines: fc.array(namedLine, { minLength: 1, maxLength: 5 }), partial: maybe(15, yes) })
      .map((body) => defined(body) as ChangeLinesBody),
  },
  // Any lines, repeated ones too, by priority or distance.
  {
    weight: 25,
    arbitrary: fc
      .record({
        lines: fc.array(sourcedLine, { minLength: 1, maxLength: 4 }),
        sourcing: maybe(
          75,
          sourcing([
            [3, 'priority'],
            [2, 'nearest'],
          ]),
        ),
        partial: maybe(25, yes),
      })
      .map((body) => defined(body) as ChangeLinesBody),
  },
  // One line per product, by what the whole request finds.
  {
    weight: 20,
    arbitrary: fc
      .record({
        lines: fc.uniqueArray(sourcedLine, { minLength: 1, maxLength: 4, selector: bySku }),
        sourcing: sourcing([
          [2, 'most_available'],
          [3, 'fewest_locations'],
        ]),
      })
      .map((body) => defined(body) as ChangeLinesBody),
  },
  // Named and sourced lines of different products.
  {
    weight: 10,
    arbitrary: fc
      .record({
        lines: fc.uniqueArray(fc.oneof(namedLine, sourcedLine), { minLength: 2, maxLength: 4, selector: bySku }),
        sourcing: sourcing([
          [2, 'priority'],
          [1, 'most_available'],
          [1, 'nearest'],
        ]),
        partial: maybe(20, yes),
      })
      .map((body) => defined(body) as ChangeLinesBody),
  },
);

const ttlSeconds = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: SHORTEST_TTL_SECONDS, max: 120 }) },
  { weight: 2, arbitrary: fc.integer({ min: 121, max: 1800 }) },
);
const expiresInMs = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: SHORTEST_TTL_SECONDS * 1000, max: 600_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(-5000, 2_592_000_000 + 60_000) },
);

const reserveBody: Arbitrary<ReserveBody> = fc
  .record({
    request: lines,
    ttl: maybe(65, ttlSeconds),
    type: maybe(20, fc.constantFrom('order', 'cart', 'manual')),
    orderId: maybe(
      20,
      fc.integer({ min: 1, max: 9 }).map((n) => `O-${n}`),
    ),
  })
  .map(({ request, ttl, ...rest }) => defined({ ...request, ttlSeconds: ttl, ...rest }) as ReserveBody);

const nth = fc.integer({ min: 0, max: 1000 });
const pick = (...wants: [number, Pick['want']][]): Arbitrary<Pick> =>
  fc.record({ want: of(...wants, [6, 'any'], [1, 'unknown']), nth });

const anyPick = pick([50, 'pending'], [30, 'confirmed'], [8, 'lapsed'], [10, 'done']);
const pendingPick = pick([75, 'pending'], [8, 'confirmed'], [8, 'lapsed'], [4, 'done']);
const confirmedPick = pick([12, 'pending'], [70, 'confirmed'], [4, 'lapsed'], [14, 'done']);

const movementOf: Record<AdjustBody['type'], NonNullable<AdjustBody['movement']>[]> = {
  add: ['receipt', 'return', 'adjustment'],
  subtract: ['damage', 'theft', 'spoilage', 'adjustment'],
  set: ['count', 'adjustment'],
};

const adjustBody = (withBadShapes: boolean): Arbitrary<AdjustBody> =>
  fc
    .record({
      location,
      type: of<AdjustBody['type']>([50, 'add'], [30, 'subtract'], [25, 'set']),
      small: quantity,
      large: maybe(3, fc.constantFrom(1_000_000_000_000, 999_999_999_990)),
      zero: fc.boolean(),
      movement: maybe(50, nth),
      bad: maybe(withBadShapes ? 1 : 0, yes),
      reference: maybe(10, fc.constant({ type: 'count', id: 'C-1' })),
      force: maybe(20, yes),
    })
    .map(({ small, large, zero, movement, bad, ...body }) => {
      const fitting = movementOf[bad === true ? (body.type === 'add' ? 'set' : 'add') : body.type];
      const free = zero && body.type === 'set' ? 0 : (large ?? small);
      return defined({
        ...body,
        quantity: body.type === 'subtract' ? small : free,
        movement: movement === undefined ? undefined : fitting[movement % fitting.length],
      });
    });

const threshold = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 8 }) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const settings: Arbitrary<SettingsBody> = fc
  .record({
    reorderPoint: maybe(40, threshold),
    reorderQuantity: maybe(10, threshold),
    maxLevel: maybe(25, fc.oneof(fc.integer({ min: 5, max: 25 }), fc.constant(null))),
    safetyStock: maybe(45, fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(null))),
  })
  .filter((body) => Object.values(body).some((value) => value !== undefined))
  .map((body) => defined(body) as SettingsBody);

const locationBody: Arbitrary<LocationBody> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ active: false }) },
  { weight: 4, arbitrary: fc.constant({ active: true }) },
  { weight: 2, arbitrary: fc.record({ priority: fc.constantFrom(5, 10, 20, 30) }) },
  { weight: 1, arbitrary: fc.constantFrom({ lat: null, lng: null }, { lat: 10, lng: 10 }, { lat: 60.2, lng: 24.9 }) },
);

const template = (command: Arbitrary<CommandOf<Pick>>): Arbitrary<Template> =>
  command.map((each) => ({ command: each }));

const confirmBody = maybe(30, fc.boolean()).map((value) => (value === undefined ? {} : { ship: value }));
const strangeShipLines = fc.array(fc.record({ sku, location, quantity: fc.integer({ min: 1, max: 3 }) }), {
  minLength: 1,
  maxLength: 3,
});
const ownShipLines = fc.array(
  fc.record({ nth: fc.integer({ min: 0, max: 5 }), plus: of([1, -3], [2, -2], [4, -1], [3, 0], [1, 1]) }),
  { minLength: 1, maxLength: 3 },
);
const shipTemplate: Arbitrary<Template> = fc
  .record({ id: confirmedPick, strange: maybe(8, strangeShipLines), shipLines: maybe(60, ownShipLines) })
  .map(({ id, strange, shipLines }) =>
    strange === undefined
      ? { command: { op: 'ship', id, body: {} }, shipLines }
      : { command: { op: 'ship', id, body: { lines: strange } } },
  );

const expiring: Arbitrary<{ body: ExpiryBody; expiresInMs?: number }> = fc.oneof(
  { weight: 3, arbitrary: ttlSeconds.map((ttl) => ({ body: { ttlSeconds: ttl } })) },
  { weight: 1, arbitrary: expiresInMs.map((ms) => ({ body: {}, expiresInMs: ms })) },
);

const reserveTemplate: Arbitrary<Template> = fc
  .record({ body: reserveBody, at: maybe(12, expiresInMs) })
  .map(({ body, at }) => {
    if (at === undefined) return { command: { op: 'reserve', body } };
    const { ttlSeconds: _replaced, ...rest } = body;
    return { command: { op: 'reserve', body: rest }, expiresInMs: at };
  });

const reserveOneBody = fc
  .record({ quantity, location: maybe(60, location), ttlSeconds: maybe(65, ttlSeconds) })
  .map((body) => defined(body));

const adjustTemplate: Arbitrary<Template> = fc
  .record({
    sku,
    body: adjustBody(true),
    onHandPlus: maybe(12, fc.constantFrom(0, 0, 0, 1)),
    expectedVersion: maybe(12, of<'current' | 'stale'>([3, 'current'], [1, 'stale'])),
  })
  .map(({ sku: product, body, ...guards }) => ({ command: { op: 'adjust', sku: product, body }, ...guards }));

const bulkItem = fc
  .record({ sku, body: adjustBody(false) })
  .map(({ sku: product, body }) => ({ sku: product, ...body }));

const transferBody = fc.record({
  from: location,
  to: location,
  lines: fc.array(fc.record({ sku, quantity }), { minLength: 1, maxLength: 3 }),
});

const anyTemplate: Arbitrary<Template> = fc.oneof(
  { weight: 25, arbitrary: reserveTemplate },
  { weight: 3, arbitrary: template(fc.record({ op: fc.constant('reserveOne'), sku, body: reserveOneBody })) },
  {
    weight: 4,
    arbitrary: template(
      fc
        .array(reserveBody, { minLength: 1, maxLength: 5 })
        .map((reservations) => ({ op: 'reserveBatch', body: { reservations } })),
    ),
  },
  { weight: 12, arbitrary: template(fc.record({ op: fc.constant('confirm'), id: pendingPick, body: confirmBody })) },
  { weight: 10, arbitrary: shipTemplate },
  {
    weight: 8,
    arbitrary: template(
      fc.record({
        op: fc.constant('cancel'),
        id: anyPick,
        body: of<{ reason?: string }>([3, {}], [1, { reason: 'changed their mind' }]),
      }),
    ),
  },
  {
    weight: 6,
    arbitrary: template(fc.record({ op: fc.constant('release'), sku, body: fc.record({ reservationId: anyPick }) })),
  },
  {
    weight: 4,
    arbitrary: fc.record({ id: pendingPick, expiry: expiring }).map<Template>(({ id, expiry }) => ({
      command: { op: 'extend', id, body: expiry.body },
      expiresInMs: expiry.expiresInMs,
    })),
  },
  { weight: 9, arbitrary: template(fc.record({ op: fc.constant('changeLines'), id: pendingPick, body: lines })) },
  { weight: 14, arbitrary: adjustTemplate },
  {
    weight: 4,
    arbitrary: template(
      fc
        .record({ adjustments: fc.array(bulkItem, { minLength: 1, maxLength: 6 }), atomic: maybe(40, yes) })
        .map((body) => ({ op: 'bulkAdjust', body: defined(body) })),
    ),
  },
  { weight: 6, arbitrary: template(fc.record({ op: fc.constant('transfer'), body: transferBody })) },
  {
    weight: 4,
    arbitrary: template(fc.record({ op: fc.constant('levelSettings'), sku, location, body: settings })),
  },
  { weight: 3, arbitrary: template(fc.record({ op: fc.constant('updateProduct'), sku, body: settings })) },
  {
    weight: 1,
    arbitrary: template(
      fc.record({ op: fc.constant('archiveProduct'), sku: of([1, 'P2'], [1, 'P3'], [1, 'P4'], [3, 'P5']) }),
    ),
  },
  {
    weight: 2,
    arbitrary: template(fc.record({ op: fc.constant('updateLocation'), code: location, body: locationBody })),
  },
);

const keyUse = fc.oneof(
  { weight: 84, arbitrary: fc.constant(undefined) },
  { weight: 8, arbitrary: fc.constant<KeyUse>({ kind: 'fresh' }) },
  { weight: 5, arbitrary: nth.map<KeyUse>((n) => ({ kind: 'repeat', nth: n })) },
  { weight: 3, arbitrary: nth.map<KeyUse>((n) => ({ kind: 'clash', nth: n })) },
);

const keyedTemplate: Arbitrary<Template> = fc
  .record({ each: anyTemplate, key: keyUse })
  .map(({ each, key }) => ({ ...each, key }));

const group: Arbitrary<Step> = fc
  .oneof(
    { weight: 2, arbitrary: fc.array(keyedTemplate, { minLength: 1, maxLength: 4, size: 'max' }) },
    { weight: 3, arbitrary: fc.array(keyedTemplate, { minLength: 3, maxLength: 12, size: 'max' }) },
    { weight: 2, arbitrary: fc.array(keyedTemplate, { minLength: 8, maxLength: 30, size: 'max' }) },
  )
  .map((templates) => ({ kind: 'group', templates }));

/** To one side or the other of the instant at which keys are forgotten. */
const hoursLater = (hours: number): Step => ({ kind: 'clock', ms: hours * 3_600_000 });

const step: Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: group },
  { weight: 2, arbitrary: fc.integer({ min: 1000, max: 240_000 }).map<Step>((ms) => ({ kind: 'clock', ms })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<-1 | 0 | 1>(-1, 0, 0, 1).map<Step>((offsetMs) => ({ kind: 'toExpiry', offsetMs })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'sweep' }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>(...[23, 25].map((hours) => hoursLater(hours))) },
);

/** The first command of every history: something to sell. */
const opening: Arbitrary<Template> = fc
  .array(fc.integer({ min: 1, max: 16 }), { minLength: 16, maxLength: 16 })
  .map((units) => {
    const adjustments = PRODUCTS.slice(0, 4).flatMap((product, row) =>
      LOCATIONS.map((code, column) => ({
        sku: product,
        location: code,
        type: 'add' as const,
        quantity: units[row * LOCATIONS.length + column] ?? 1,
      })),
    );
    // A few levels start untouched.
    return { command: { op: 'bulkAdjust', body: { adjustments: adjustments.filter((_, index) => index % 5 !== 4) } } };
  });

/** `maxSteps`: groups and clock steps; a history of 40 holds about 250 commands. */
export function sequence(maxSteps: number): Arbitrary<Sequence> {
  return fc.record({
    opening,
    products: fc.array(fc.oneof(fc.constant({}), settings), { minLength: PRODUCTS.length, maxLength: PRODUCTS.length }),
    steps: fc.array(step, { minLength: 1, maxLength: maxSteps, size: 'max' }),
  });
}
