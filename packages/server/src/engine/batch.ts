import { toRfc3339 } from '../kernel/clock.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { Problem } from '../kernel/problem.ts';
import type { LaneClient } from '../platform/database/index.ts';
import { decide, type Decision, type Outcome } from './decide.ts';
import { footprintOf, weightOf, type Footprint } from './footprint.ts';
import { buildState, levelKey, type LapsedTuple, type Loaded } from './loaded.ts';
import type { LedgerType } from './ledger.view.ts';
import type { NameCache } from './names.ts';
import { BlockNumbers, BLOCK_SIZE, NumbersExhausted } from './numbers.ts';
import type { ProductRow } from './product.view.ts';
import * as read from './read.sql.ts';
import type { Asked } from './stock.command.ts';
import type { Level, Writes } from './stock.state.ts';
import { deleteOldAnswers, writeStatements } from './write.sql.ts';

/** What a batch needs besides its connection. */
export interface BatchContext {
  products: NameCache;
  locations: NameCache;
  /** Levels that another transaction was seen to hold for too long, by `product:location`. */
  stuck: ReadonlySet<string>;
  ids: IdSource;
  role: string | null;
  lockTimeoutMs: number;
  idleTimeoutMs: number;
  defaultTtlMs: number;
  /** Added to the database's clock; 0 but in tests that travel in time. */
  timeShiftMs: () => number;
  /** Told before COMMIT is sent: from here on a lost connection leaves the outcome open. */
  onCommit: (sent: Sent) => void;
}

/** A COMMIT on its way, and what its commands are answered once it is known to have arrived. */
export interface Sent {
  transactionId: string;
  outcome: BatchOutcome;
}

/** What a committed batch did. */
export interface BatchOutcome {
  /** One per command, in their order. */
  outcomes: Outcome[];
  /** Its ledger entries, as metrics count them. */
  entries: { type: LedgerType; location: string }[];
}

/** Something moved between the look and the lock: the same batch is tried again. */
export class StaleFootprint extends Error {}

/** COMMIT was answered with ROLLBACK: nothing of the batch was done. */
export class RolledBack extends Error {}

/** Commands of the batch touch levels that are known to be stuck; by index. */
export class TouchesStuck extends Error {
  readonly indexes: ReadonlySet<number>;

  constructor(indexes: ReadonlySet<number>) {
    super('some commands touch stuck levels');
    this.indexes = indexes;
  }
}

/** The most lapsed lines of one level that one look brings. */
const LAPSED_MAX = 10_000;

/** A decision that still asks for more after so many looks has a defect. */
const LOOKS_MAX = 64;

/** Pairs of keys, each once: what a batch locks. */
class LevelSet {
  readonly productIds: number[] = [];
  readonly locationIds: number[] = [];
  readonly keys = new Set<string>();

  add(productId: number, locationId: number): void {
    const key = levelKey(productId, locationId);
    if (this.keys.has(key)) return;
    this.keys.add(key);
    this.productIds.push(productId);
    this.locationIds.push(locationId);
  }
}

/** What was looked up before the locks. */
interface Targets {
  footprint: Footprint;
  levels: LevelSet;
  productIds: number[];
  locationIds: number[];
  sourcedIds: number[];
  changedIds: number[];
}

/**
 * Runs commands as one transaction: lock, read what must be fresh, decide, write, commit. Two round trips where every
 * name is known and no reservation is touched; statements are pipelined, each with a snapshot of its own.
 *
 * @throws StaleFootprint, RolledBack, TouchesStuck, and what the database throws
 */
export async function runBatch(
  client: LaneClient,
  asked: readonly Asked[],
  context: BatchContext,
): Promise<BatchOutcome> {
  const targets = await lookUp(client, asked, context);
  const begun = client.query(read.beginText(context));
  const { loaded, blocks, transactionId } = await lockAndLoad(client, begun, asked, targets, context);
  refuseStale(targets, loaded, context);
  const decision = await decideFully(client, asked, loaded, blocks, context);
  await holdMadeLevels(client, decision.writes, loaded);
  const oldAnswers = oldAnswersOf(loaded);
  const statements = writeStatements(decision.writes, oldAnswers, loaded.nowMs);
  const entries = decision.writes.ledger.map(({ type, level }) => ({ type, location: level.location.code }));
  const outcome: BatchOutcome = { outcomes: decision.outcomes, entries };
  if (statements.length > 0) context.onCommit({ transactionId, outcome });
  const written = statements.map((statement) => client.query(statement));
  const [committed] = await Promise.all([client.query('COMMIT'), ...written]);
  if (committed.command !== 'COMMIT') throw new RolledBack(`COMMIT was answered with ${committed.command}`);
  return outcome;
}

async function rowsOf<Row>(client: LaneClient, statement: read.Statement): Promise<Row[]> {
  const { rows } = await client.query(statement);
  return rows as Row[];
}

async function lookUp(client: LaneClient, asked: readonly Asked[], context: BatchContext): Promise<Targets> {
  const footprint = footprintOf(asked.map(({ command }) => command));
  await learnNames(client, footprint, context);
  const idsOf = (cache: NameCache, names: Iterable<string>): number[] =>
    [...names].flatMap((name) => cache.get(name) ?? []);
  const sourcedIds = idsOf(context.products, footprint.sourcedSkus);
  const changedIds = idsOf(context.products, footprint.changedSkus);
  const levels = new LevelSet();
  for (const { sku, code } of footprint.pairs) {
    const productId = context.products.get(sku);
    const locationId = context.locations.get(code);
    if (productId !== undefined && locationId !== undefined) levels.add(productId, locationId);
  }
  const whole = [...sourcedIds, ...changedIds];
  const [ofProducts, ofReservations] = await Promise.all([
    whole.length === 0 ? [] : rowsOf<[number, number]>(client, read.selectLevelsOfProducts(whole)),
    footprint.reservationIds.size === 0
      ? []
      : rowsOf<[string, number, number]>(client, read.selectFootprints([...footprint.reservationIds])),
  ]);
  for (const [productId, locationId] of ofProducts) levels.add(productId, locationId);
  for (const [, productId, locationId] of ofReservations) levels.add(productId, locationId);
  const targets: Targets = {
    footprint,
    levels,
    productIds: [...new Set([...idsOf(context.products, footprint.skus), ...levels.productIds])],
    locationIds: [...new Set([...idsOf(context.locations, footprint.codes), ...levels.locationIds])],
    sourcedIds,
    changedIds,
  };
  setStuckApart(asked, ofReservations, context);
  return targets;
}

async function learnNames(client: LaneClient, footprint: Footprint, context: BatchContext): Promise<void> {
  const skus = context.products.missing(footprint.skus);
  const codes = context.locations.missing(footprint.codes);
  const [products, locations] = await Promise.all([
    skus.length === 0 ? [] : rowsOf<[string, number]>(client, read.selectProductIds(skus)),
    codes.length === 0 ? [] : rowsOf<[string, number]>(client, read.selectLocationIds(codes)),
  ]);
  for (const [sku, id] of products) context.products.set(sku, id);
  for (const [code, id] of locations) context.locations.set(code, id);
}

/** @throws TouchesStuck where some commands, but not all, would wait for levels that are known to be stuck */
function setStuckApart(asked: readonly Asked[], footprints: [string, number, number][], context: BatchContext): void {
  if (context.stuck.size === 0 || asked.length < 2) return;
  const indexes = indexesOn(asked, footprints, context);
  if (indexes.size > 0 && indexes.size < asked.length) throw new TouchesStuck(indexes);
}

function indexesOn(
  asked: readonly Asked[],
  footprints: [string, number, number][],
  context: BatchContext,
): Set<number> {
  const stuckReservations = new Set(
    footprints.filter(([, product, location]) => context.stuck.has(levelKey(product, location))).map(([id]) => id),
  );
  const stuckProducts = new Set([...context.stuck].map((key) => Number(key.split(':')[0])));
  const indexes = new Set<number>();
  for (const [index, { command }] of asked.entries()) {
    const own = footprintOf([command]);
    const onPair = own.pairs.some(({ sku, code }) => {
      const productId = context.products.get(sku);
      const locationId = context.locations.get(code);
      return productId !== undefined && locationId !== undefined && context.stuck.has(levelKey(productId, locationId));
    });
    const onProduct = [...own.sourcedSkus, ...own.changedSkus].some((sku) =>
      stuckProducts.has(context.products.get(sku) ?? 0),
    );
    const onReservation = [...own.reservationIds].some((id) => stuckReservations.has(id));
    if (onPair || onProduct || onReservation) indexes.add(index);
  }
  return indexes;
}

interface Locked {
  loaded: Loaded;
  blocks: number[];
  transactionId: string;
}

/** Locks in one order everywhere: levels, products that change, reservations. What must be fresh is read after that. */
async function lockAndLoad(
  client: LaneClient,
  begun: Promise<unknown>,
  asked: readonly Asked[],
  targets: Targets,
  context: BatchContext,
): Promise<Locked> {
  const { footprint, levels } = targets;
  const reservationIds = [...footprint.reservationIds];
  const keys = asked.flatMap(({ meta }) => meta.idempotency ?? []);
  const none = Promise.resolve([]);
  const [, levelRows, , reservations, lines, clock, products, rows, locations, answers, takenSkus] = await Promise.all([
    begun,
    levels.keys.size === 0
      ? none
      : rowsOf<read.LevelTuple>(client, read.lockLevels(levels.productIds, levels.locationIds)),
    targets.changedIds.length === 0 ? none : rowsOf(client, read.lockProducts(targets.changedIds)),
    reservationIds.length === 0 ? none : rowsOf<read.ReservationTuple>(client, read.lockReservations(reservationIds)),
    reservationIds.length === 0 ? none : rowsOf<read.LineTuple>(client, read.selectLines(reservationIds)),
    rowsOf<[number, string, number[]]>(client, read.selectClock(blocksFor(asked))),
    targets.productIds.length === 0 ? none : rowsOf<read.ProductTuple>(client, read.selectProducts(targets.productIds)),
    targets.changedIds.length === 0 ? none : rowsOf<unknown[]>(client, read.selectProductRows(targets.changedIds)),
    targets.locationIds.length + targets.sourcedIds.length === 0
      ? none
      : rowsOf<read.LocationTuple>(client, read.selectLocations(targets.locationIds, targets.sourcedIds)),
    keys.length === 0
      ? none
      : rowsOf<read.AnswerTuple>(
          client,
          read.selectAnswers(
            keys.map(({ owner }) => owner),
            keys.map(({ key }) => key),
            keys.map(({ chunk }) => chunk ?? 0),
          ),
        ),
    footprint.newSkus.size === 0
      ? none
      : rowsOf<[string, number]>(client, read.selectProductIds([...footprint.newSkus])),
  ]);
  const [now] = clock;
  if (now === undefined) throw new Error('the clock did not answer');
  const loaded: Loaded = {
    nowMs: now[0] + context.timeShiftMs(),
    products,
    productRows: new Map(rows.map((row) => [row[0] as number, productRowOf(row)])),
    locations,
    levels: levelRows,
    reservations,
    lines,
    answers,
    lapsed: [],
    lapsedLevels: new Set(),
    alerts: [],
    alertLevels: new Set(),
    takenSkus,
    defaultTtlMs: context.defaultTtlMs,
  };
  refuseMissedLevels(targets, levels, lines, rows, levelRows);
  return { loaded, blocks: now[2], transactionId: now[1] };
}

/** Every command needs a number for its journal entry and, at most, two per line for the ledger. */
function blocksFor(asked: readonly Asked[]): number {
  const numbers = asked.reduce((sum, { command }) => sum + 1 + 3 * weightOf(command), 0);
  return 1 + Math.floor((numbers * 1.25) / BLOCK_SIZE);
}

function productRowOf(tuple: unknown[]): ProductRow {
  const [sku, name, description, category, attributes, unitCost, reorderPoint, reorderQuantity, maxLevel, safetyStock] =
    tuple.slice(2) as [
      string,
      string,
      string | null,
      string | null,
      unknown,
      string | null,
      number | null,
      number | null,
      number | null,
      number,
    ];
  const [version, createdAt, updatedAt, archivedAt] = tuple.slice(12) as [number, number, number, number | null];
  return {
    sku,
    name,
    description,
    category,
    attributes,
    unit_cost: unitCost,
    reorder_point: reorderPoint,
    reorder_quantity: reorderQuantity,
    max_level: maxLevel,
    safety_stock: safetyStock,
    version,
    created_at: createdAt,
    updated_at: updatedAt,
    archived_at: archivedAt,
  };
}

/** A line that moved, or a level that was made, between the look and the lock. */
function refuseMissedLevels(
  targets: Targets,
  levels: LevelSet,
  lines: read.LineTuple[],
  productRows: unknown[][],
  levelRows: read.LevelTuple[],
): void {
  for (const [, , , productId, , locationId, , , , , , state] of lines) {
    if (locationId === null || state === 'closed' || state === 'expired') continue;
    if (!levels.keys.has(levelKey(productId, locationId))) throw new StaleFootprint('a line is on another level now');
  }
  for (const [id, count] of productRows) {
    const locked = levelRows.filter(([productId]) => productId === id).length;
    if (locked !== count) throw new StaleFootprint('a level of a product was made meanwhile');
  }
  if (productRows.length !== targets.changedIds.length) throw new StaleFootprint('a product is gone');
}

/** The names that were looked up must still be those of the rows that were locked. */
function refuseStale(targets: Targets, loaded: Loaded, context: BatchContext): void {
  const skus = new Map(loaded.products.map(([id, sku]) => [sku, id]));
  const codes = new Map(loaded.locations.map(([id, code]) => [code, id]));
  let isStale = false;
  for (const sku of targets.footprint.skus) {
    const id = context.products.get(sku);
    if (id === undefined || skus.get(sku) === id) continue;
    context.products.delete(sku);
    isStale = true;
  }
  for (const code of targets.footprint.codes) {
    const id = context.locations.get(code);
    if (id === undefined || codes.get(code) === id) continue;
    context.locations.delete(code);
    isStale = true;
  }
  if (isStale) throw new StaleFootprint('a name has moved');
}

/** Decides; where something would be refused for the sake of what is not loaded yet, loads it and decides again. */
async function decideFully(
  client: LaneClient,
  asked: readonly Asked[],
  loaded: Loaded,
  blocks: number[],
  context: BatchContext,
): Promise<Decision> {
  const doomed = new Map<number, Problem>();
  const limits = new Map<string, number>();
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    let decision: Decision;
    try {
      decision = decide(asked, buildState(loaded), new BlockNumbers(blocks), context.ids, doomed);
    } catch (error) {
      if (!(error instanceof NumbersExhausted)) throw error;
      const [more] = await rowsOf<[number, string, number[]]>(client, read.selectClock(blocks.length));
      blocks.push(...(more?.[2] ?? []));
      continue;
    }
    for (const [index, problem] of decision.doomed) doomed.set(index, problem);
    const isComplete = decision.doomed.size + decision.lapsedWanted.size + decision.alertsWanted.size === 0;
    if (isComplete) return decision;
    if (decision.lapsedWanted.size > 0) await loadLapsed(client, loaded, decision.lapsedWanted, limits);
    if (decision.alertsWanted.size > 0) await loadAlerts(client, loaded, decision.alertsWanted);
  }
  throw new Error('a decision kept asking for more');
}

/** Loads lapsed lines with their reservations, which it locks. A level that may have more stays unlooked. */
async function loadLapsed(
  client: LaneClient,
  loaded: Loaded,
  wanted: ReadonlyMap<Level, number>,
  limits: Map<string, number>,
): Promise<void> {
  const levels = [...wanted].map(([level, units]) => {
    const key = levelKey(level.product.id, level.location.id);
    const limit = Math.min(LAPSED_MAX, units + (limits.get(key) ?? 0));
    limits.set(key, limit);
    return { level, key, limit };
  });
  const found = await rowsOf<LapsedTuple>(
    client,
    read.selectLapsed(
      levels.map(({ level }) => level.product.id),
      levels.map(({ level }) => level.location.id),
      levels.map(({ limit }) => limit),
      toRfc3339(loaded.nowMs),
    ),
  );
  const keys = new Set(levels.map(({ key }) => key));
  loaded.lapsed = [...loaded.lapsed.filter(([product, location]) => !keys.has(levelKey(product, location))), ...found];
  for (const { key, limit } of levels) {
    const count = found.filter(([product, location]) => levelKey(product, location) === key).length;
    if (count < limit || limit === LAPSED_MAX) loaded.lapsedLevels.add(key);
  }
  const known = new Set(loaded.reservations.map(([id]) => id));
  const ids = [...new Set(found.map(([, , id]) => id))].filter((id) => !known.has(id)).sort();
  if (ids.length === 0) return;
  const [reservations, lines] = await Promise.all([
    rowsOf<read.ReservationTuple>(client, read.lockReservations(ids)),
    rowsOf<read.LineTuple>(client, read.selectLines(ids)),
  ]);
  loaded.reservations.push(...reservations);
  loaded.lines.push(...lines);
}

async function loadAlerts(client: LaneClient, loaded: Loaded, wanted: ReadonlySet<Level>): Promise<void> {
  const levels = [...wanted].filter(
    ({ product, location }) => !loaded.alertLevels.has(levelKey(product.id, location.id)),
  );
  const found = await rowsOf<read.AlertTuple>(
    client,
    read.selectOpenAlerts(
      levels.map(({ product }) => product.id),
      levels.map(({ location }) => location.id),
    ),
  );
  loaded.alerts.push(...found);
  for (const { product, location } of levels) loaded.alertLevels.add(levelKey(product.id, location.id));
}

/** A maker of a level's row holds its product `FOR SHARE`: a change of its settings comes before or after, never between. */
async function holdMadeLevels(client: LaneClient, writes: Writes, loaded: Loaded): Promise<void> {
  const made = new Set([...writes.levels].filter((level) => !level.exists).map((level) => level.product.id));
  if (made.size === 0) return;
  const versions = new Map(loaded.products.map(([id, , , version]) => [id, version]));
  for (const [id, version] of await rowsOf<[number, number]>(client, read.shareProducts([...made]))) {
    if (versions.get(id) !== version) throw new StaleFootprint('a product changed while its level was made');
  }
}

function oldAnswersOf(loaded: Loaded): read.Statement | null {
  const old = loaded.answers.filter((answer) => answer[7]);
  if (old.length === 0) return null;
  return deleteOldAnswers(
    old.map(([owner]) => owner),
    old.map(([, key]) => key),
    old.map(([, , chunk]) => chunk),
  );
}
