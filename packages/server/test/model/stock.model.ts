/** The commands on stock, settings and catalog, one function each: refusals first, then the writes. */
import { refuse } from './command.ts';
import type {
  AdjustBody,
  AdjustItem,
  EntryView,
  LocationBody,
  Outcome,
  Refusal,
  SettingsBody,
  TransferBody,
} from './command.ts';
import {
  QUANTITY_MAX,
  availableOf,
  freeOf,
  lapsedUnitsOf,
  levelOf,
  levelView,
  post,
  refreshAlerts,
  releaseAsNeeded,
} from './world.ts';
import type { Level, World } from './world.ts';

/** "receipt and return go with add, damage, theft and spoilage with subtract, count with set". */
export const TYPE_OF_MOVEMENT: Record<string, AdjustBody['type'] | undefined> = {
  receipt: 'add',
  return: 'add',
  damage: 'subtract',
  theft: 'subtract',
  spoilage: 'subtract',
  count: 'set',
};

export function adjust(world: World, sku: string, body: AdjustBody): Outcome {
  const movement = body.movement ?? 'adjustment';
  if ((TYPE_OF_MOVEMENT[movement] ?? body.type) !== body.type) return refuse('validation_failed');
  const problem = nameProblem(world, [sku], [body.location]);
  if (problem !== null) return problem;
  const level = levelOf(world, sku, body.location);
  const target = targetOf(level, body);
  const codes = adjustProblems(world, level, body, target);
  if (codes.length > 0) return refuse(...codes);

  if (takesPromised(level, target, level.reserved + level.committed) && body.force !== true) {
    releaseAsNeeded(world, level, level.reserved + level.committed - target);
  }
  const entry: EntryView = post(level, movement, { onHand: target - level.onHand }, body.reference ?? null);
  return {
    ok: true,
    status: 200,
    changed: true,
    body: { kind: 'movement', movement: entry, level: levelView(world, level) },
  };
}

function targetOf(level: Level, { type, quantity }: AdjustBody): number {
  if (type === 'set') return quantity;
  return type === 'add' ? level.onHand + quantity : level.onHand - quantity;
}

/** Only what takes units goes "below what is promised"; a count that finds more of a shortage does not. */
const takesPromised = (level: Level, target: number, promised: number): boolean =>
  target < level.onHand && target < promised;

function adjustProblems(world: World, level: Level, body: AdjustBody, target: number): string[] {
  const codes: string[] = [];
  const promised = level.reserved + level.committed - lapsedUnitsOf(world, level);
  if (body.expectedOnHand !== undefined && body.expectedOnHand !== level.onHand) codes.push('version_conflict');
  if (body.expectedVersion !== undefined && body.expectedVersion !== level.version) codes.push('version_conflict');
  if (target < 0) codes.push('insufficient_stock');
  if (target > QUANTITY_MAX) codes.push('quantity_out_of_range');
  if (target >= 0 && takesPromised(level, target, promised) && body.force !== true) codes.push('stock_below_promised');
  return codes;
}

/** In order; `atomic` is judged on a copy, so that a refusal leaves nothing behind. */
export function bulkAdjust(
  world: World,
  body: { adjustments: AdjustItem[]; atomic?: boolean },
  copyOf: (world: World) => World,
): Outcome {
  const each = (on: World) =>
    body.adjustments.map((item) => {
      const result = adjust(on, item.sku, item);
      refreshAlerts(on, levelOf(on, item.sku, item.location));
      return result;
    });
  if (body.atomic === true) {
    const tried = each(copyOf(world));
    const index = tried.findIndex((result) => !result.ok);
    const first = tried[index];
    if (first?.ok === false) return { ...first, status: 409, index };
  }
  const results = each(world);
  return { ok: true, status: 200, changed: results.some((result) => result.ok), body: { kind: 'results', results } };
}

export function transfer(world: World, body: TransferBody): Outcome {
  if (body.from === body.to) return refuse('validation_failed');
  const sums = new Map<string, number>();
  for (const { sku, quantity } of body.lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  const problem = nameProblem(world, [...sums.keys()], [body.from, body.to]);
  const inactive = world.locations.get(body.from)?.active === false;
  if (problem !== null) return refuse(...problem.codes, ...(inactive ? ['location_inactive'] : []));
  const codes = transferProblems(world, body, sums);
  if (codes.length > 0) return refuse(...codes);

  // The transfer's own id is not known to the model: a reference is compared by its type alone.
  const reference = { type: 'transfer', id: '' };
  for (const [sku, quantity] of sums) {
    const from = levelOf(world, sku, body.from);
    releaseAsNeeded(world, from, quantity - availableOf(world, from));
    post(from, 'transfer_out', { onHand: -quantity }, reference);
    post(levelOf(world, sku, body.to), 'transfer_in', { onHand: quantity }, reference);
  }
  return { ok: true, status: 201, changed: true, body: { kind: 'none' } };
}

/** "Takes available units only", and "an inactive location's units are not available". */
function transferProblems(world: World, body: TransferBody, sums: Map<string, number>): string[] {
  const codes = new Set<string>();
  if (world.locations.get(body.from)?.active === false) codes.add('location_inactive').add('insufficient_stock');
  for (const [sku, quantity] of sums) {
    if (freeOf(world, levelOf(world, sku, body.from)) < quantity) codes.add('insufficient_stock');
    if (levelOf(world, sku, body.to).onHand + quantity > QUANTITY_MAX) codes.add('quantity_out_of_range');
  }
  return [...codes];
}

export function levelSettings(world: World, sku: string, location: string, body: SettingsBody): Outcome {
  const problem = nameProblem(world, [sku], [location]);
  if (problem !== null) return problem;
  const level = levelOf(world, sku, location);
  Object.assign(level.own, body);
  level.version += 1;
  return { ok: true, status: 200, changed: true, body: { kind: 'level', level: levelView(world, level) } };
}

/** "It takes the levels that follow them, rewrites theirs": levels read the product's settings through. */
export function updateProduct(world: World, sku: string, body: SettingsBody): Outcome {
  const problem = nameProblem(world, [sku], []);
  if (problem !== null) return problem;
  Object.assign(world.products.get(sku)?.settings ?? {}, body);
  for (const level of levelsOf(world, sku)) level.version += 1;
  return { ok: true, status: 200, changed: true, body: { kind: 'none' } };
}

/** "`product_in_use` while it has stock or open reservations"; a lapsed hold is none. */
export function archiveProduct(world: World, sku: string): Outcome {
  const product = world.products.get(sku);
  if (product === undefined) return refuse('product_not_found');
  if (product.archived) return { ...refuse('product_archived'), orUnchanged: true };
  const levels = levelsOf(world, sku);
  const inUse = levels.some((level) => level.onHand + level.committed + level.reserved > lapsedUnitsOf(world, level));
  if (inUse) return refuse('product_in_use');
  for (const level of levels) releaseAsNeeded(world, level, level.reserved);
  product.archived = true;
  return { ok: true, status: 204, changed: true, body: { kind: 'none' } };
}

export function updateLocation(world: World, code: string, body: LocationBody): Outcome {
  const location = world.locations.get(code);
  if (location === undefined) return refuse('location_not_found');
  Object.assign(location, body);
  return { ok: true, status: 200, changed: true, body: { kind: 'none' } };
}

const levelsOf = (world: World, sku: string): Level[] =>
  [...world.levels.values()].filter((level) => level.sku === sku);

function nameProblem(world: World, skus: string[], locations: string[]): Refusal | null {
  const codes = new Set<string>();
  for (const sku of skus) {
    const product = world.products.get(sku);
    if (product === undefined) codes.add('product_not_found');
    if (product?.archived === true) codes.add('product_archived');
  }
  for (const code of locations) if (!world.locations.has(code)) codes.add('location_not_found');
  return codes.size > 0 ? refuse(...codes) : null;
}
