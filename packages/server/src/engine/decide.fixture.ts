import type { Answer, CommandMeta } from '../kernel/command.ts';
import { createIdSource } from '../kernel/ids.ts';
import type { Problem } from '../kernel/problem.ts';
import { decide, type Decision } from './decide.ts';
import { buildState, levelKey, type Loaded } from './loaded.ts';
import { BlockNumbers } from './numbers.ts';
import type { ProductRow } from './product.view.ts';
import type { LevelTuple, LineTuple, ReservationTuple } from './read.sql.ts';
import type { ReservationStatus } from './reservation.view.ts';
import type { Command } from './stock.command.ts';
import type { LineState } from './stock.state.ts';

/** Noon of an ordinary day. */
export const NOON = Date.UTC(2026, 10, 20, 12);

export const META: CommandMeta = { actor: 'key:test', requestId: 'r-1', idempotency: null };

interface LevelFixture {
  sku: string;
  location: string;
  onHand?: number;
  reserved?: number;
  committed?: number;
  safetyStock?: number;
  reorderPoint?: number;
  maxLevel?: number;
  openAlerts?: number;
  lastMovementAt?: number;
}

interface HoldFixture {
  id: string;
  status?: ReservationStatus;
  expiresAt?: number;
  lines: { sku: string; location: string; quantity: number; shipped?: number; cancelled?: number; state?: LineState }[];
}

interface World {
  products?: string[];
  locations?: { code: string; priority?: number; active?: boolean; lat?: number; lng?: number }[];
  levels?: LevelFixture[];
  holds?: HoldFixture[];
  /** Products and locations that are archived, by name. */
  archived?: string[];
  /** Locks and loads the lapsed lines of every level, as the engine does once they matter. */
  lapsedLoaded?: boolean;
}

/** Rows as the engine would have locked and read them. */
export function loadedWorld({
  products = ['A', 'B'],
  locations = [{ code: 'W1' }, { code: 'W2' }],
  levels = [],
  holds = [],
  archived = [],
  lapsedLoaded = false,
}: World): Loaded {
  const productId = (sku: string): number => products.indexOf(sku) + 1;
  const archivedAt = (name: string): number | null => (archived.includes(name) ? NOON - 60_000 : null);
  const locationId = (code: string): number => locations.findIndex((one) => one.code === code) + 101;
  const lines = holds.flatMap((hold) =>
    hold.lines.map((line, lineNo) => lineTuple(hold, line, lineNo, productId, locationId)),
  );
  const lapsed = holds
    .filter(({ expiresAt = NOON + 900_000, status = 'pending' }) => status === 'pending' && expiresAt <= NOON)
    .sort((left, right) => (left.expiresAt ?? 0) - (right.expiresAt ?? 0))
    .flatMap(({ id, lines: own }) =>
      own.map(
        (line, lineNo) =>
          [productId(line.sku), locationId(line.location), id, lineNo] as [number, number, string, number],
      ),
    );
  return {
    nowMs: NOON,
    products: products.map((sku) => [productId(sku), sku, archivedAt(sku), 1, null, null, null, 0]),
    productRows: new Map(products.map((sku) => [productId(sku), productRow(sku, archivedAt(sku))])),
    locations: locations.map(({ code, priority = 100, active = true, lat, lng }) => [
      locationId(code),
      code,
      active,
      archivedAt(code),
      priority,
      lat ?? null,
      lng ?? null,
      1,
    ]),
    levels: levels.map((level) => levelTuple(level, productId(level.sku), locationId(level.location))),
    reservations: holds.map((hold) =>
      reservationTuple(
        hold,
        hold.lines.map(({ sku }) => productId(sku)),
      ),
    ),
    lines,
    answers: [],
    lapsed: lapsedLoaded ? lapsed : [],
    lapsedLevels: lapsedLoaded
      ? new Set(levels.map((level) => levelKey(productId(level.sku), locationId(level.location))))
      : new Set(),
    alerts: [],
    alertLevels: new Set(levels.map((level) => levelKey(productId(level.sku), locationId(level.location)))),
    takenSkus: [],
    defaultTtlMs: 900_000,
  };
}

/** Decides over a world, all commands as one batch. */
export function decideIn(world: World, ...commands: Command[]): Decision {
  const asked = commands.map((command) => ({ command, meta: META }));
  return decide(asked, buildState(loadedWorld(world)), new BlockNumbers([4096, 8192]), createIdSource());
}

/** The answer of the only (or first) command, parsed. */
export function answerOf(
  decision: Decision,
  index = 0,
): { status: number; body: Record<string, unknown>; answer: Answer } {
  const outcome = decision.outcomes[index];
  if (outcome === undefined || !('answer' in outcome)) throw new Error(`refused: ${JSON.stringify(outcome)}`);
  const { answer } = outcome;
  return { status: answer.status, body: JSON.parse(answer.body ?? 'null') as Record<string, unknown>, answer };
}

export function refusalOf(decision: Decision, index = 0): Problem {
  const outcome = decision.outcomes[index];
  if (outcome === undefined || !('problem' in outcome)) throw new Error('it was accepted');
  return outcome.problem;
}

/** The ledger of a decision, as `type sku@location onHand/reserved/committed`, deltas only. */
export function ledgerOf(decision: Decision): string[] {
  return decision.writes.ledger.map(
    ({ type, level, deltaOnHand, deltaReserved, deltaCommitted }) =>
      `${type} ${level.product.sku}@${level.location.code} ${deltaOnHand}/${deltaReserved}/${deltaCommitted}`,
  );
}

function productRow(sku: string, archivedAt: number | null): ProductRow {
  return {
    sku,
    name: sku,
    description: null,
    category: null,
    attributes: null,
    unit_cost: '2.5000',
    reorder_point: null,
    reorder_quantity: null,
    max_level: null,
    safety_stock: 0,
    version: 1,
    created_at: NOON - 60_000,
    updated_at: NOON - 60_000,
    archived_at: archivedAt,
  };
}

function levelTuple(level: LevelFixture, productId: number, locationId: number): LevelTuple {
  const { onHand = 0, reserved = 0, committed = 0, safetyStock = 0, reorderPoint = null, maxLevel = null } = level;
  const alerts = level.openAlerts ?? 0;
  return [
    productId, locationId, onHand, reserved, committed, 0, safetyStock, reorderPoint, null, maxLevel, 0, null, null, null,
    alerts, onHand > 0, 7, level.lastMovementAt ?? NOON - 1000, null,
  ]; // prettier-ignore
}

function reservationTuple(
  { id, status = 'pending', expiresAt = NOON + 900_000 }: HoldFixture,
  productIds: number[],
): ReservationTuple {
  return [id, status, 'order', null, null, productIds, null, expiresAt, NOON - 60_000, null, null, null, null, 1];
}

function lineTuple(
  hold: HoldFixture,
  line: HoldFixture['lines'][number],
  lineNo: number,
  productId: (sku: string) => number,
  locationId: (code: string) => number,
): LineTuple {
  const { sku, location, quantity, shipped = 0, cancelled = 0 } = line;
  const state = line.state ?? (hold.status === 'confirmed' ? 'committed' : 'held');
  return [
    hold.id, lineNo, lineNo, productId(sku), sku, locationId(location), location, quantity, quantity, shipped, cancelled,
    state, null,
  ]; // prettier-ignore
}
