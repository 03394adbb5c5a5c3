import { afterAll, beforeAll, expect, test } from 'vitest';
import { toRfc3339 } from '../kernel/clock.ts';
import { Database, type LaneConnection } from '../platform/database/index.ts';
import { selectLapsed } from './read.sql.ts';
import { openStock, type Stock } from './stock.fixture.ts';
import { emptyWrites, levelOf, type Level, type Line, type Product, type Reservation } from './stock.state.ts';
import { deleteOldAnswers, writeKnownStatement, writeStatements } from './write.sql.ts';

// Each column of each row is what was decided: every value here is another one.

const START = Date.UTC(2026, 0, 1);
const at = (ms: number): number => START + ms;
/** As PostgreSQL writes it, who leaves zeros at the end out. */
const told = (ms: number): string => `2026-01-01T00:00:00.${String(ms).padStart(3, '0')}+00:00`;
const id = (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;

let stock: Stock;
let database: Database;
let lane: LaneConnection;
const [a, b] = [1, 2].map(productOf) as [Product, Product];
const [w1, w2] = [1, 2].map((number) => ({
  id: number,
  code: `W${number}`,
  active: true,
  archivedAt: null,
  priority: 1,
  lat: null,
  lng: null,
  version: 1,
})) as [Level['location'], Level['location']];

beforeAll(async () => {
  stock = await openStock({ A: 10, B: null });
  await stock.watcher.query(`INSERT INTO location (code, name, type, created_at, updated_at)
    VALUES ('W2', 'W2', 'warehouse', now(), now())`);
  await stock.watcher.query('INSERT INTO level (product_id, location_id) VALUES (1, 2)');
  database = new Database({ connection: stock.connection });
  lane = await database.openLane('lane');
  await lane.query('BEGIN');
  await lane.query(`SET timezone = 'UTC'`);
});
afterAll(async () => {
  await lane.end();
  await database.close();
  await stock.close();
});

function productOf(number: number): Product {
  const settings = { reorderPoint: null, reorderQuantity: null, maxLevel: null, safetyStock: 0 };
  return { id: number, sku: `P${number}`, archivedAt: null, version: 1, ...settings, levels: new Map(), row: null };
}

function reservationOf(number: number, fields: Partial<Reservation>): Reservation {
  return {
    id: id(number),
    status: 'pending',
    type: 'cart',
    orderId: 'O-1',
    userId: 'U-1',
    productIds: [1, 2],
    cancelReason: null,
    expiresAt: at(901),
    createdAt: at(1),
    confirmedAt: null,
    shippedAt: null,
    cancelledAt: null,
    expiredAt: null,
    version: 1,
    lines: [],
    isNew: true,
    ...fields,
  };
}

function lineOf(reservation: Reservation, lineNo: number, fields: Partial<Line>): Line {
  return {
    reservation,
    lineNo,
    line: lineNo + 20,
    product: a,
    location: w1,
    quantity: 5,
    requested: 6,
    shipped: 0,
    cancelled: 0,
    state: 'held',
    attributes: { gift: true },
    isNew: true,
    ...fields,
  };
}

async function rowsOf(table: string, order: string): Promise<unknown[]> {
  const text = `SELECT to_jsonb(t) FROM ${table} t ORDER BY ${order}`;
  const { rows } = await lane.query<[unknown]>({ name: `${table} by ${order}`, text, values: [] });
  return rows.map(([row]) => row);
}

async function write(writes: Partial<ReturnType<typeof emptyWrites>>): Promise<void> {
  for (const statement of writeStatements({ ...emptyWrites(), ...writes }, null, at(1))) await lane.query(statement);
}

test('levels, with their settings where these have changed', async () => {
  const values = (n: number) => ({
    onHand: n + 30,
    reserved: n + 1,
    committed: n + 2,
    openAlerts: n + 3,
    wasAvailable: true,
    version: n + 4,
    lastMovementAt: at(n + 101),
    lastCountAt: at(n + 102),
    safetyStock: n + 5,
    reorderPoint: n + 6,
    reorderQuantity: n + 7,
    maxLevel: n + 8,
    ownSettings: n + 9,
    zone: `z${n}`,
    aisle: `a${n}`,
    shelf: `s${n}`,
  });
  const [old, whole] = [w1, w2].map((place, n) => Object.assign(levelOf(a, place), values(n), { exists: true }));
  const made = Object.assign(levelOf(b, w1), values(2));
  await write({ levels: new Set([old, whole, made]) as Set<Level>, levelSettings: new Set([whole]) as Set<Level> });
  const units = (n: number) => ({
    on_hand: n + 30,
    reserved: n + 1,
    committed: n + 2,
    open_alerts: n + 3,
    was_available: true,
    version: n + 4,
    last_movement_at: told(n + 101),
    last_count_at: told(n + 102),
  });
  const settings = (n: number) => ({
    safety_stock: n + 5,
    reorder_point: n + 6,
    reorder_quantity: n + 7,
    max_level: n + 8,
    own_settings: n + 9,
    zone: `z${n}`,
    aisle: `a${n}`,
    shelf: `s${n}`,
  });
  expect(await rowsOf('level', 'product_id, location_id')).toMatchObject([
    { product_id: 1, location_id: 1, ...units(0), safety_stock: 0, own_settings: 0, zone: null },
    { product_id: 1, location_id: 2, ...units(1), ...settings(1) },
    { product_id: 2, location_id: 1, ...units(2), ...settings(2) },
  ]);

  const known = { rowVersion: 4, rowReserved: 1, reserved: 11, openAlerts: 12, wasAvailable: false, version: 13 };
  Object.assign(old as Level, known, { lastMovementAt: at(103) });
  await lane.query(writeKnownStatement({ ...emptyWrites(), levels: new Set([old]) as Set<Level> }, at(1)));
  const [row] = await rowsOf('level', 'product_id, location_id');
  const left = { reserved: 11, open_alerts: 12, was_available: false, version: 13, last_movement_at: told(103) };
  expect(row).toMatchObject({ ...units(0), ...left });
});

test('reservations and their lines', async () => {
  const made = [reservationOf(1, {}), reservationOf(2, { orderId: null, type: 'order' })] as [Reservation, Reservation];
  const lines = [lineOf(made[0], 0, {}), lineOf(made[0], 1, { product: b, location: w2 }), lineOf(made[1], 0, {})];
  lines.push(lineOf(made[1], 1, { shipped: 2, cancelled: 1, state: 'committed' }));
  await write({ reservations: new Set(made), lines: new Set(lines) });
  const row = (number: number) => ({ id: id(number), created_at: told(1), expires_at: told(901), product_ids: [1, 2] });
  const pending = { status: 'pending', user_id: 'U-1', version: 1, confirmed_at: null };
  expect(await rowsOf('reservation', 'id')).toMatchObject([
    { ...row(1), ...pending, type: 'cart', order_id: 'O-1' },
    { ...row(2), ...pending, type: 'order', order_id: null },
  ]);
  const held = { quantity: 5, requested: 6, shipped: 0, cancelled: 0, state: 'held', attributes: { gift: true } };
  const placed = (number: number, lineNo: number, product = 1, location = 1) => ({
    reservation_id: id(number),
    line_no: lineNo,
    line: lineNo + 20,
    product_id: product,
    location_id: location,
    expires_at: told(901),
    ...held,
  });
  const moved = { ...placed(2, 1), shipped: 2, cancelled: 1, state: 'committed' };
  const before = [placed(1, 0), placed(1, 1, 2, 2), placed(2, 0), moved];
  expect(await rowsOf('reservation_line', 'reservation_id, line_no')).toEqual(before);
  const lapsedAt = async (ms: number) => (await lane.query(selectLapsed([1], [1], [9], toRfc3339(at(ms))))).rows;
  expect(await lapsedAt(900)).toEqual([]);
  expect(await lapsedAt(901)).toEqual([1, 2].map((number) => [1, 1, id(number), 0]));

  const [first, gone] = lines as [Line, Line];
  const times = { expiresAt: at(902), confirmedAt: at(3), shippedAt: at(4), cancelledAt: at(5), expiredAt: at(6) };
  Object.assign(made[0], {
    status: 'expired',
    productIds: [1],
    cancelReason: 'late',
    version: 7,
    isNew: false,
    ...times,
  });
  Object.assign(first, { shipped: 1, cancelled: 2, state: 'committed', isNew: false });
  await write({ reservations: new Set([made[0]]), lines: new Set([first]), removedLines: [gone] });
  const ended = { confirmed_at: told(3), shipped_at: told(4), cancelled_at: told(5), expired_at: told(6) };
  expect(await rowsOf('reservation', 'id')).toMatchObject([
    {
      ...row(1),
      status: 'expired',
      product_ids: [1],
      cancel_reason: 'late',
      expires_at: told(902),
      ...ended,
      version: 7,
    },
    { ...row(2), ...pending },
  ]);
  const changed = { shipped: 1, cancelled: 2, state: 'committed', expires_at: told(902) };
  expect(await rowsOf('reservation_line', 'reservation_id, line_no')).toEqual([
    { ...placed(1, 0), ...changed },
    placed(2, 0),
    moved,
  ]);
});

test('what was done: ledger, journal, events, answers', async () => {
  const units = { onHand: 20, reserved: 7, committed: 9, deltaOnHand: 1, deltaReserved: 2, deltaCommitted: 3 };
  const why = {
    referenceType: 'order',
    referenceId: 'O-1',
    reason: 'r',
    notes: 'n',
    unitCost: 1.25,
    lot: 'L',
    actor: 'x',
  };
  const level = levelOf(b, w2);
  const entry = { seq: 4097, at: at(8), type: 'receipt', level, ...units, ...why } as const;
  const done = { id: 4096, at: at(1), kind: 'stock.adjusted', actor: 'x', requestId: 'q', subject: 'B' };
  const idempotency = { owner: 'o', key: 'k', chunk: 3, requestHash: 'h' };
  const answer = { requestHash: 'h', status: 201, headers: { location: '/x' }, body: '{"b":1}' };
  const journal = [{ ...done, ledgerFrom: 4097, ledgerCount: 1, data: '{"d":1}' }];
  await write({ ledger: [entry], journal, answers: [{ idempotency, answer }] });
  expect(await rowsOf('ledger_entry', 'seq')).toEqual([
    {
      seq: 4097,
      at: told(8),
      type: 'receipt',
      product_id: 2,
      location_id: 2,
      on_hand: 20,
      reserved: 7,
      committed: 9,
      delta_on_hand: 1,
      delta_reserved: 2,
      delta_committed: 3,
      reference_type: 'order',
      reference_id: 'O-1',
      reason: 'r',
      notes: 'n',
      unit_cost: 1.25,
      lot: 'L',
      actor: 'x',
    },
  ]);
  expect(await rowsOf('journal_entry', 'id')).toEqual([
    {
      id: 4096,
      at: told(1),
      kind: 'stock.adjusted',
      actor: 'x',
      request_id: 'q',
      subject: 'B',
      ledger_from: 4097,
      ledger_count: 1,
      data: '{"d":1}',
    },
  ]);
  expect(await rowsOf('event_batch', 'first_id')).toEqual([
    { first_id: 4096, last_id: 4097, at: told(1), ledger_until: told(8), position: null },
  ]);
  expect(await rowsOf('idempotency_key', 'key')).toEqual([
    {
      owner: 'o',
      key: 'k',
      chunk: 3,
      request_hash: 'h',
      status: 201,
      headers: { location: '/x' },
      body: '{"b":1}',
      created_at: told(1),
    },
  ]);
});

test('no answer makes room but an old one, of that slice of that key: another may have taken it by now', async () => {
  const text = `INSERT INTO idempotency_key (owner, key, chunk, request_hash, status, created_at)
    SELECT owner, key, chunk, owner || key || chunk, 0, now() - hours * interval '1 hour'
    FROM (VALUES ('a', 'k', 0, 25), ('a', 'k', 1, 25), ('a', 'l', 0, 25), ('b', 'k', 0, 25), ('c', 'k', 0, 23))
      AS k (owner, key, chunk, hours)`;
  await lane.query({ name: 'keys', text, values: [] });
  await lane.query(deleteOldAnswers(['a', 'c'], ['k', 'k'], [0, 0]));
  const left = (await rowsOf('idempotency_key', 'request_hash')) as { request_hash: string; status: number }[];
  expect(left.filter(({ status }) => status === 0).map((row) => row.request_hash)).toEqual([
    'ak1',
    'al0',
    'bk0',
    'ck0',
  ]);
});

test('alerts, transfers and products', async () => {
  const opened = { status: 'active', threshold: 4, value: 3, acknowledgedAt: null, acknowledgedBy: null } as const;
  const alert = { id: id(1), type: 'low_stock', level: levelOf(b, w1), openedAt: at(2), resolvedAt: null } as const;
  const over = { ...alert, id: id(2), type: 'overstock', status: 'resolved', resolvedAt: at(3) } as const;
  await write({
    alerts: new Set([
      { ...opened, ...alert, isNew: true },
      { ...opened, ...over, isNew: true },
    ]),
  });
  const shown = { product_id: 2, location_id: 1, threshold: 4, value: 3, opened_at: told(2), acknowledged_at: null };
  const resolved = { ...shown, id: id(2), type: 'overstock', status: 'resolved', resolved_at: told(3) };
  expect(await rowsOf('alert', 'id')).toMatchObject([
    { ...shown, id: id(1), type: 'low_stock', status: 'active', resolved_at: null },
    resolved,
  ]);
  await write({ alerts: new Set([{ ...opened, ...alert, status: 'resolved', resolvedAt: at(4), isNew: false }]) });
  expect(await rowsOf('alert', 'id')).toMatchObject([{ status: 'resolved', resolved_at: told(4) }, resolved]);

  const lines = [
    { product: b, quantity: 3 },
    { product: a, quantity: 4 },
  ];
  await write({
    transfers: [{ id: id(3), from: w1, to: w2, reference: { type: 't', id: 'i' }, createdAt: at(5), lines }],
  });
  expect(await rowsOf('transfer', 'id')).toMatchObject([
    {
      id: id(3),
      from_id: 1,
      to_id: 2,
      reference_type: 't',
      reference_id: 'i',
      created_at: told(5),
      status: 'completed',
    },
  ]);
  expect(await rowsOf('transfer_line', 'line_no')).toEqual([
    { transfer_id: id(3), line_no: 0, product_id: 2, quantity: 3 },
    { transfer_id: id(3), line_no: 1, product_id: 1, quantity: 4 },
  ]);

  const same = {
    sku: 'S',
    name: 'N',
    description: 'D',
    category: 'C',
    attributes: { size: 1 },
    reorder_point: 1,
    reorder_quantity: 2,
    max_level: 3,
    safety_stock: 4,
    version: 5,
  };
  const row = { ...same, unit_cost: '2.5000', created_at: at(1), updated_at: at(6), archived_at: at(7) };
  await write({ products: new Set([{ ...b, row }]) });
  const [, product] = await rowsOf('product', 'id');
  expect(product).toMatchObject({ id: 2, ...same, unit_cost: 2.5, updated_at: told(6), archived_at: told(7) });
});
