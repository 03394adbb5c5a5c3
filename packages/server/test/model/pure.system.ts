/**
 * The engine's decisions alone, at exact instants: what a batch does to a database (batch.ts) is done to tables in memory.
 * All commands of a group are one batch: thousands of them are decided in seconds.
 */
import { decide, keyReused } from '../../src/engine/decide.ts';
import type { Decision, Outcome } from '../../src/engine/decide.ts';
import { alertView, ledgerEntryView, levelView, reservationView } from '../../src/engine/index.ts';
import { buildState } from '../../src/engine/loaded.ts';
import type { Asked, Command as StockCommand } from '../../src/engine/stock.command.ts';
import { idempotencySlot } from '../../src/engine/stock.state.ts';
import { stockProblems } from '../../src/engine/stock.problems.ts';
import type * as kernel from '../../src/kernel/command.ts';
import { createIdSource } from '../../src/kernel/ids.ts';
import type { IdSource } from '../../src/kernel/ids.ts';
import { Problem, validationFailed } from '../../src/kernel/problem.ts';
import type { AdjustItem, Answer, Command, ExpiryBody } from './command.ts';
import { asObject } from './compare.ts';
import type { Json } from './compare.ts';
import { check, emptyTables, loadAlerts, loadBatch, loadLapsed, write } from './pure.tables.ts';
import type { Tables } from './pure.tables.ts';
import { TYPE_OF_MOVEMENT } from './stock.model.ts';
import { Disagreement } from './system.ts';
import type { SystemUnderTest } from './system.ts';

const START_MS = Date.UTC(2026, 0, 1);
/** Three were the most of 20,000 batches: a decision that needs more looks asks for ever, or for each thing by itself. */
const LOOKS_MAX = 6;

type Enqueue = (command: StockCommand, meta: kernel.CommandMeta) => Promise<kernel.Answer>;
type Waiting = Asked & { resolve: (answer: kernel.Answer) => void; reject: (problem: Problem) => void };

export function pureSystem(): SystemUnderTest {
  const tables = emptyTables();
  const ids = createIdSource();
  let nowMs = START_MS;
  let waiting: Waiting[] = [];
  const enqueue: Enqueue = async (command, meta) =>
    new Promise((resolve, reject) => {
      waiting.push({ command, meta, resolve, reject });
    });

  const decideWaiting = (): void => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const outcomes = decideAndWrite(tables, batch, nowMs, ids);
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome !== undefined && 'answer' in outcome) resolve(outcome.answer);
      else if (outcome !== undefined) reject(outcome.problem);
    }
  };

  const levelsOf = (sku: string) => [...tables.levels].filter(([, row]) => skuOf(tables, row.productId) === sku);
  return {
    exactClock: true,
    archivesInOrder: true,
    nowMs: () => nowMs,
    advanceTime: async (ms) => {
      nowMs += ms;
    },
    prepare: async (products, locations) => prepare(tables, products, locations),
    submitBatch: async (commands) => {
      const answers = commands.map(async (command) => answered(submit(enqueue, tables, command, nowMs)));
      decideWaiting();
      return Promise.all(answers);
    },
    sweep: async () => {
      const lapsed = [...tables.reservations.values()]
        .filter(({ status, expiresAt }) => status === 'pending' && expiresAt <= nowMs)
        .toSorted((one, other) => one.expiresAt - other.expiresAt || (one.id < other.id ? -1 : 1));
      const meta = { actor: 'system:expiry', requestId: '', idempotency: null };
      const swept = lapsed.map(async ({ id }) => enqueue({ kind: 'expire', id }, meta));
      decideWaiting();
      await Promise.all(swept);
    },
    readLevels: async (sku) =>
      levelsOf(sku).flatMap(([, row]): Json[] => {
        const location = tables.locations.get(row.locationId);
        return location === undefined ? [] : [{ ...levelView(row, sku, location.code, location.active) }];
      }),
    readReservation: async (id) => readReservation(tables, id, nowMs),
    readLedger: async (sku, code) => {
      const ledgers = levelsOf(sku).filter(([, row]) => codeOf(tables, row.locationId) === code);
      return ledgers.flatMap(([key]) => tables.ledger.get(key) ?? []).map((entry) => ({ ...ledgerEntryView(entry) }));
    },
    readAlerts: async (sku) =>
      [...tables.alerts.values()]
        .filter((alert) => skuOf(tables, alert.productId) === sku)
        .map((alert) => ({ ...alertView({ ...alert, sku, location: codeOf(tables, alert.locationId) }) })),
  };
}

const skuOf = (tables: Tables, productId: number): string => tables.products.get(productId)?.sku ?? '';
const codeOf = (tables: Tables, locationId: number): string => tables.locations.get(locationId)?.code ?? '';

/** @throws Disagreement where a decision throws, asks for ever, or breaks what must hold */
function decideAndWrite(tables: Tables, asked: readonly Asked[], nowMs: number, ids: IdSource): Outcome[] {
  try {
    const { outcomes, writes } = decideFully(tables, asked, nowMs, ids);
    write(tables, writes, nowMs);
    check(tables);
    return outcomes;
  } catch (error) {
    const batch = asked.map(({ command }) => `    ${JSON.stringify(command)}`).join('\n');
    throw new Disagreement(`${String(error)}\n  in the batch:\n${batch}`, { cause: error });
  }
}

/** As decideFully of batch.ts: with all that would change the decision, and without atomic commands that are refused. */
function decideFully(tables: Tables, asked: readonly Asked[], nowMs: number, ids: IdSource): Decision {
  const loaded = loadBatch(tables, asked, nowMs);
  const doomed = new Map<number, Problem>();
  const limits = new Map<string, number>();
  for (let look = 0; look < LOOKS_MAX;) {
    let next = tables.lastNumber + 1;
    const take = (count: number): number => {
      next += count;
      return next - count;
    };
    const decision = decide(asked, buildState(loaded), { take }, ids, doomed);
    const isInformed = decision.lapsedWanted.size + decision.alertsWanted.size === 0;
    if (isInformed && decision.doomed.size === 0) return decision;
    if (!isInformed) look += 1;
    loadLapsed(tables, loaded, decision.lapsedWanted, limits);
    loadAlerts(tables, loaded, decision.alertsWanted);
    const [firstDoomed] = decision.doomed;
    if (isInformed && firstDoomed !== undefined) doomed.set(...firstDoomed);
  }
  throw new Error(`it still asked for more after ${LOOKS_MAX} looks`);
}

function prepare(tables: Tables, ...[products, locations]: Parameters<SystemUnderTest['prepare']>): void {
  for (const [index, { sku, settings }] of products.entries()) {
    tables.products.set(index + 1, {
      sku,
      name: sku,
      description: null,
      category: null,
      attributes: null,
      unit_cost: null,
      reorder_point: settings.reorderPoint ?? null,
      reorder_quantity: settings.reorderQuantity ?? null,
      max_level: settings.maxLevel ?? null,
      safety_stock: settings.safetyStock ?? 0,
      version: 1,
      created_at: START_MS,
      updated_at: START_MS,
      archived_at: null,
    });
  }
  for (const [index, location] of locations.entries()) {
    tables.locations.set(index + 101, { id: index + 101, ...location, archivedAt: null, version: 1 });
  }
}

/** What the routes make of a request; all fits into one chunk. */
async function submit(enqueue: Enqueue, tables: Tables, command: Command, nowMs: number): Promise<kernel.Answer> {
  const { idempotencyKey: key, ...request } = command;
  const idempotency = key === undefined ? null : { owner: 'model', key, requestHash: JSON.stringify(request) };
  const meta: kernel.CommandMeta = { actor: 'key:model', requestId: '', idempotency };
  if (command.op === 'updateLocation') return updateLocation(tables, command, meta, nowMs);
  return enqueue(asStockCommand(command), meta);
}

function asStockCommand(command: Exclude<Command, { op: 'updateLocation' }>): StockCommand {
  switch (command.op) {
    case 'reserve':
      return { kind: 'reserve', request: withInstant(command.body) };
    case 'reserveOne': {
      const { quantity, location, ...rest } = command.body;
      const line = { sku: command.sku, quantity, ...(location === undefined ? {} : { location }) };
      return { kind: 'reserve', request: { ...rest, lines: [line] } };
    }
    case 'reserveBatch':
      return { kind: 'reserveMany', requests: command.body.reservations.map(withInstant), offset: 0 };
    case 'confirm':
      return { kind: 'confirm', id: command.id, ship: command.body.ship === true };
    case 'ship':
      return { kind: 'ship', id: command.id, ...command.body };
    case 'cancel':
      return { kind: 'cancel', id: command.id, reason: command.body.reason ?? null };
    case 'release':
      return { kind: 'release', id: command.body.reservationId, sku: command.sku };
    case 'extend':
      return { kind: 'extend', id: command.id, ...withInstant(command.body) };
    case 'changeLines':
      return { kind: 'changeLines', id: command.id, ...command.body };
    case 'adjust':
      return { kind: 'adjust', request: fitting({ sku: command.sku, ...command.body }) };
    case 'bulkAdjust': {
      const { adjustments, atomic = false } = command.body;
      return { kind: 'adjustMany', requests: adjustments.map(fitting), atomic, offset: 0 };
    }
    case 'transfer': {
      const { from, to, lines } = command.body;
      if (from === to) throw validationFailed([{ path: '/to', message: 'must be another location than from' }]);
      return { kind: 'transfer', from, to, lines, reference: null };
    }
    case 'levelSettings':
      return {
        kind: 'levelSettings',
        sku: command.sku,
        location: command.location,
        patch: command.body,
        ifMatch: null,
      };
    case 'updateProduct':
      return { kind: 'updateProduct', sku: command.sku, patch: command.body, ifMatch: null };
    case 'archiveProduct':
      return { kind: 'archiveProduct', sku: command.sku, ifMatch: null };
  }
}

function withInstant<T extends ExpiryBody>({ expiresAt, ...rest }: T): Omit<T, 'expiresAt'> & { expiresAt?: number } {
  return expiresAt === undefined ? rest : { ...rest, expiresAt: Date.parse(expiresAt) };
}

function fitting(item: AdjustItem): AdjustItem {
  const needed = TYPE_OF_MOVEMENT[item.movement ?? 'adjustment'] ?? item.type;
  if (needed === item.type) return item;
  throw validationFailed([{ path: '/movement', message: `goes with type ${needed}` }]);
}

/** No decision of the engine, but decisions read what it writes; the harness sends it alone. */
function updateLocation(
  tables: Tables,
  { code, body }: Command & { op: 'updateLocation' },
  { idempotency }: kernel.CommandMeta,
  nowMs: number,
): kernel.Answer {
  const slot = idempotency === null ? '' : idempotencySlot(idempotency);
  const stored = tables.answers.get(slot);
  if (idempotency !== null && stored !== undefined && stored.createdAt >= nowMs - 24 * 3_600_000) {
    if (stored.requestHash !== idempotency.requestHash) throw keyReused(idempotency.key);
    return { ...stored, replayed: true };
  }
  const location = [...tables.locations.values()].find((each) => each.code === code);
  if (location === undefined) throw new Problem(stockProblems.locationNotFound, `There is no location ${code}.`);
  Object.assign(location, body, { version: location.version + 1 });
  const answer = { status: 200, headers: null, body: JSON.stringify(location) };
  if (idempotency !== null) tables.answers.set(slot, { ...answer, ...idempotency, createdAt: nowMs });
  return answer;
}

async function answered(asked: Promise<kernel.Answer>): Promise<Answer> {
  try {
    const { status, body, replayed = false } = await asked;
    return { status, replayed, body: withFailed(JSON.parse(body ?? 'null')) };
  } catch (error) {
    if (error instanceof Problem) return { status: error.status, replayed: false, body: error.toJSON() };
    throw error;
  }
}

/** A bulk's answer counts what failed, too. */
function withFailed(body: unknown): unknown {
  const { results, succeeded } = asObject(body);
  return Array.isArray(results) ? { ...asObject(body), failed: results.length - Number(succeeded) } : body;
}

function readReservation(tables: Tables, id: string, nowMs: number): Json {
  const row = tables.reservations.get(id);
  if (row === undefined) return {};
  const lines = [...tables.lines.values()]
    .filter((line) => line.reservationId === id)
    .toSorted((one, other) => one.lineNo - other.lineNo)
    .map(({ productId, locationId, ...line }) => ({
      ...line,
      sku: skuOf(tables, productId),
      location: locationId === null ? null : codeOf(tables, locationId),
    }));
  return { ...reservationView(row, lines, nowMs) };
}
