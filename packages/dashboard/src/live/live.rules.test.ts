import { expect, test } from 'vitest';
import { afterMovement, rowOf, staleAfter, withRow, type Movement } from './live.rules.ts';

const movement: Movement = {
  seq: 8,
  at: '2026-11-20T10:00:00.000Z',
  type: 'sale',
  sku: 'MUG',
  location: 'WH001',
  deltaOnHand: -5,
  deltaReserved: 0,
  deltaCommitted: -5,
  onHand: 7,
  reserved: 2,
  committed: 6,
  reference: null,
  reason: null,
  actor: 'user:ada',
};

const level = {
  sku: 'MUG',
  location: 'WH001',
  onHand: 12,
  reserved: 2,
  committed: 11,
  safetyStock: 1,
  available: 0,
  shortage: 1,
  version: 4,
  lastMovementAt: '2026-11-20T09:00:00.000Z',
};

test('a level takes the balances of a movement; available and shortage follow', () => {
  expect(afterMovement(level, movement, true)).toMatchObject({
    onHand: 7,
    reserved: 2,
    committed: 6,
    available: 0,
    shortage: 1,
  });
  expect(afterMovement(level, { ...movement, onHand: 20 }, true)).toMatchObject({ available: 11, shortage: 0 });
});

test('nothing is available at an inactive location, whatever comes in', () => {
  const closed = { ...level, available: 0 };
  expect(afterMovement(closed, { ...movement, onHand: 20 }, false)).toMatchObject({ onHand: 20, available: 0 });
});

test('what a product or a location is called and set to makes their levels and the sums stale, in lists too', () => {
  for (const type of ['product.updated', 'location.updated']) {
    const stale = staleAfter({ type, subject: 'MUG', time: movement.at, data: {} });
    for (const path of ['/api/v1/summary', '/api/v1/inventory', '/api/v1/inventory/{sku}']) {
      expect(stale).toContainEqual({ path });
    }
  }
  const data = { sku: 'MUG', location: 'WH001' };
  const stale = staleAfter({ type: 'level.updated', subject: 'MUG', time: movement.at, data });
  expect(stale).toContainEqual({ path: '/api/v1/summary' });
});

test("another level's movement, and an older one, change nothing", () => {
  expect(afterMovement(level, { ...movement, location: 'WH002' }, true)).toBe(level);
  expect(afterMovement(level, { ...movement, at: '2026-11-20T08:00:00.000Z' }, true)).toBe(level);
});

test('a movement makes only its own product stale', () => {
  const stale = staleAfter({ type: 'stock.changed', subject: 'MUG', time: movement.at, data: movement });
  expect(stale).toContainEqual({ path: '/api/v1/inventory/{sku}', part: { sku: 'MUG' } });
  // Of lists only those that nobody reads.
  expect(stale.filter(({ path }) => path === '/api/v1/inventory')).toEqual([
    { path: '/api/v1/inventory', sparesLists: true },
  ]);
});

test('an event that is not known makes nothing stale', () => {
  expect(staleAfter({ type: 'later.invented', subject: null, time: movement.at, data: {} })).toEqual([]);
});

test('a row takes what an event says of it, where it stands', () => {
  const event = {
    type: 'reservation.confirmed',
    subject: 'b',
    time: movement.at,
    data: { id: 'b', status: 'confirmed', version: 2 },
  };
  const row = rowOf(event);
  expect(row).toMatchObject({ list: '/api/v1/reservations', key: ['id'] });
  if (row === null) return;
  const [first, second] = [
    { id: 'a', status: 'pending', version: 1 },
    { id: 'b', status: 'pending', version: 1 },
  ];
  expect(withRow([first, second], row)).toEqual([first, { id: 'b', status: 'confirmed', version: 2 }]);
  const known = [first];
  expect(withRow(known, row)).toBe(known);
  const newer = [{ ...second, version: 3 }];
  expect(withRow(newer, row)).toBe(newer);
});

test('an event that carries no whole row is none', () => {
  expect(rowOf({ type: 'stock.changed', subject: 'MUG', time: movement.at, data: movement })).toBeNull();
  expect(rowOf({ type: 'alert.opened', subject: null, time: movement.at, data: null })).toBeNull();
});

test('what happens to a run is written into its row, and makes its job and the figures stale, but no list of runs', () => {
  const data = { id: 'r', job: { id: 'j', name: 'Nightly import' }, status: 'succeeded', percent: 100 };
  const event = { type: 'run.succeeded', subject: 'r', time: movement.at, data };
  const row = rowOf(event);
  expect(row).toMatchObject({ list: '/api/v1/runs', data: { status: 'succeeded' } });
  const stale = staleAfter(event);
  expect(stale).toContainEqual({ path: '/api/v1/jobs/{id}', part: { id: 'j' } });
  expect(stale).toContainEqual({ path: '/api/v1/runs/{id}', part: { id: 'r' } });
  expect(stale).toContainEqual({ path: '/api/v1/runs', sparesLists: true });
  expect(stale).toContainEqual({ path: '/api/v1/jobs/stats' });
});
