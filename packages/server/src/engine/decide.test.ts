import { describe, expect, test } from 'vitest';
import { createIdSource } from '../kernel/ids.ts';
import { answerOf, decideIn, ledgerOf, loadedWorld, NOON, refusalOf } from './decide.fixture.ts';
import { decide } from './decide.ts';
import { buildState } from './loaded.ts';
import { BlockNumbers } from './numbers.ts';
import { TRANSITIONS } from './reservation.rules.ts';
import type { Command } from './stock.command.ts';

const R1 = '00000000-0000-7000-8000-000000000001';
const R2 = '00000000-0000-7000-8000-000000000002';

const reserve = (...lines: { sku: string; quantity: number; location?: string }[]): Command => ({
  kind: 'reserve',
  request: { lines },
});

describe('reserve', () => {
  test('takes units of a named level, in one entry, and nothing else changes', () => {
    const decision = decideIn(
      { levels: [{ sku: 'A', location: 'W1', onHand: 10 }] },
      reserve({ sku: 'A', quantity: 4, location: 'W1' }),
    );
    expect(answerOf(decision)).toMatchObject({
      status: 201,
      body: { status: 'pending', expiresAt: new Date(NOON + 900_000).toISOString(), version: 1 },
    });
    expect(ledgerOf(decision)).toEqual(['reserve A@W1 0/4/0']);
    expect([...decision.writes.levels]).toMatchObject([{ onHand: 10, reserved: 4, committed: 0, version: 8 }]);
    expect(decision.writes.journal).toMatchObject([{ kind: 'reservation.created', ledgerCount: 1, actor: 'key:test' }]);
  });

  test('sums repeated lines of one level before it judges them', () => {
    const world = { levels: [{ sku: 'A', location: 'W1', onHand: 10 }] };
    const lines = [
      { sku: 'A', quantity: 6, location: 'W1' },
      { sku: 'A', quantity: 5, location: 'W1' },
    ];
    const refused = decideIn(world, reserve(...lines));
    expect(refusalOf(refused)).toMatchObject({
      code: 'insufficient_stock',
      extensions: { lines: [{ sku: 'A', location: 'W1', requested: 11, available: 10 }] },
    });
    expect(refused.writes.ledger).toEqual([]);
    const accepted = decideIn({ levels: [{ sku: 'A', location: 'W1', onHand: 11 }] }, reserve(...lines));
    expect(ledgerOf(accepted)).toEqual(['reserve A@W1 0/11/0']);
    expect(accepted.writes.lines.size).toBe(2);
  });

  test('holds every line or none', () => {
    const decision = decideIn(
      {
        levels: [
          { sku: 'A', location: 'W1', onHand: 10 },
          { sku: 'B', location: 'W1', onHand: 1 },
        ],
      },
      reserve({ sku: 'A', quantity: 4, location: 'W1' }, { sku: 'B', quantity: 2, location: 'W1' }),
    );
    expect(refusalOf(decision).code).toBe('insufficient_stock');
    expect(decision.writes.levels.size + decision.writes.reservations.size + decision.writes.journal.length).toBe(0);
  });

  test('with partial, holds what there is and says line by line what it got', () => {
    const decision = decideIn(
      { levels: [{ sku: 'A', location: 'W1', onHand: 3 }] },
      {
        kind: 'reserve',
        request: {
          partial: true,
          lines: [
            { sku: 'A', quantity: 2, location: 'W1' },
            { sku: 'A', quantity: 2, location: 'W1' },
            { sku: 'B', quantity: 1 },
          ],
        },
      },
    );
    expect(answerOf(decision).body['lines']).toMatchObject([
      { quantity: 2, requested: 2, location: 'W1' },
      { quantity: 1, requested: 2, location: 'W1' },
      { quantity: 0, requested: 1, location: null },
    ]);
  });

  test('safety stock is not for sale, and availability never falls below zero by a reserve', () => {
    const world = { levels: [{ sku: 'A', location: 'W1', onHand: 10, safetyStock: 3, committed: 2 }] };
    expect(refusalOf(decideIn(world, reserve({ sku: 'A', quantity: 6, location: 'W1' }))).code).toBe(
      'insufficient_stock',
    );
    expect(answerOf(decideIn(world, reserve({ sku: 'A', quantity: 5, location: 'W1' }))).status).toBe(201);
  });

  test('decides in order of arrival: the first come are served, the others refused', () => {
    const one = reserve({ sku: 'A', quantity: 2, location: 'W1' });
    const decision = decideIn({ levels: [{ sku: 'A', location: 'W1', onHand: 5 }] }, one, one, one);
    expect(decision.outcomes.map((outcome) => 'answer' in outcome)).toEqual([true, true, false]);
    expect(decision.writes.ledger.map(({ seq, reserved }) => [seq, reserved])).toEqual([
      [4097, 2],
      [4099, 4],
    ]);
    expect([...decision.writes.levels]).toMatchObject([{ reserved: 4, version: 9 }]);
  });

  test.each([
    ['unknown product', { sku: 'X', quantity: 1, location: 'W1' }, 'product_not_found'],
    ['unknown location', { sku: 'A', quantity: 1, location: 'X' }, 'location_not_found'],
    ['inactive location', { sku: 'A', quantity: 1, location: 'W2' }, 'location_inactive'],
    ['nothing there', { sku: 'B', quantity: 1, location: 'W1' }, 'insufficient_stock'],
  ])('refuses: %s', (_name, line, code) => {
    const locations = [{ code: 'W1' }, { code: 'W2', active: false }];
    const levels = [{ sku: 'A', location: 'W2', onHand: 5 }];
    expect(refusalOf(decideIn({ locations, levels }, reserve(line))).code).toBe(code);
  });
});

describe('sourcing', () => {
  const locations = [
    { code: 'NEAR', priority: 30, lat: 52.5, lng: 13.4 },
    { code: 'MOST', priority: 20, lat: 48.1, lng: 11.6 },
    { code: 'FIRST', priority: 10 },
  ];
  const levels = [
    { sku: 'A', location: 'NEAR', onHand: 4 },
    { sku: 'A', location: 'MOST', onHand: 9 },
    { sku: 'A', location: 'FIRST', onHand: 5 },
    { sku: 'B', location: 'MOST', onHand: 2 },
  ];
  const placesOf = (sourcing: object, ...lines: { sku: string; quantity: number }[]): unknown[] => {
    const decision = decideIn({ locations, levels }, { kind: 'reserve', request: { lines, sourcing } });
    const placed = answerOf(decision).body['lines'] as { location: string; quantity: number }[];
    return placed.map(({ location, quantity }) => `${location}:${quantity}`);
  };

  test('priority takes the first place that can hold all of it', () => {
    expect(placesOf({}, { sku: 'A', quantity: 5 })).toEqual(['FIRST:5']);
    expect(placesOf({}, { sku: 'A', quantity: 6 })).toEqual(['MOST:6']);
  });

  test('most_available and nearest have orders of their own', () => {
    expect(placesOf({ strategy: 'most_available' }, { sku: 'A', quantity: 1 })).toEqual(['MOST:1']);
    expect(placesOf({ strategy: 'nearest', near: { lat: 53, lng: 13 } }, { sku: 'A', quantity: 1 })).toEqual([
      'NEAR:1',
    ]);
    // Places without coordinates come last.
    expect(placesOf({ strategy: 'nearest', near: { lat: 0, lng: 0 } }, { sku: 'A', quantity: 5 })).toEqual(['MOST:5']);
  });

  test('split lets each place give what it has, in order', () => {
    expect(placesOf({ split: true }, { sku: 'A', quantity: 16 })).toEqual(['FIRST:5', 'MOST:9', 'NEAR:2']);
  });

  test('fewest_locations serves the whole request from as few places as can be', () => {
    expect(placesOf({ strategy: 'fewest_locations' }, { sku: 'A', quantity: 5 }, { sku: 'B', quantity: 2 })).toEqual([
      'MOST:5',
      'MOST:2',
    ]);
  });

  test('only the named places are asked, and the refusal says what the best of them has', () => {
    const decision = decideIn(
      { locations, levels },
      { kind: 'reserve', request: { lines: [{ sku: 'A', quantity: 6 }], sourcing: { locations: ['FIRST', 'NEAR'] } } },
    );
    expect(refusalOf(decision).extensions).toEqual({
      lines: [{ sku: 'A', location: null, requested: 6, available: 5 }],
    });
  });
});

describe('lapsed holds', () => {
  const world = {
    levels: [{ sku: 'A', location: 'W1', onHand: 10, reserved: 10 }],
    holds: [
      { id: R2, expiresAt: NOON, lines: [{ sku: 'A', location: 'W1', quantity: 4 }] },
      { id: R1, expiresAt: NOON - 1, lines: [{ sku: 'A', location: 'W1', quantity: 6 }] },
    ],
  };

  test('are asked for only when a command would be refused without them', () => {
    const refused = decideIn(world, reserve({ sku: 'A', quantity: 3, location: 'W1' }));
    expect([...refused.lapsedWanted.values()]).toEqual([3]);
    const levels = [{ sku: 'A', location: 'W1', onHand: 20, reserved: 10 }];
    expect(decideIn({ ...world, levels }, reserve({ sku: 'A', quantity: 3, location: 'W1' })).lapsedWanted.size).toBe(
      0,
    );
  });

  test('are never of what the batch itself holds', () => {
    const add: Command = { kind: 'adjust', request: { sku: 'A', location: 'W2', type: 'add', quantity: 5 } };
    const one = reserve({ sku: 'A', quantity: 3, location: 'W2' });
    const decision = decideIn({}, add, one, one);
    expect(refusalOf(decision, 2).code).toBe('insufficient_stock');
    expect(decision.lapsedWanted.size).toBe(0);
  });

  test('are released oldest first, as many as are needed, and settled', () => {
    const decision = decideIn({ ...world, lapsedLoaded: true }, reserve({ sku: 'A', quantity: 5, location: 'W1' }));
    expect(ledgerOf(decision)).toEqual(['expire A@W1 0/-6/0', 'reserve A@W1 0/5/0']);
    expect(decision.writes.ledger.map(({ actor }) => actor)).toEqual(['system:expiry', 'key:test']);
    expect(decision.writes.journal.map(({ kind, actor }) => `${kind} ${actor}`)).toEqual([
      'reservation.expired system:expiry',
      'reservation.created key:test',
    ]);
    const settled = [...decision.writes.reservations].find(({ isNew }) => !isNew);
    expect(settled).toMatchObject({ id: R1, status: 'expired', expiredAt: NOON - 1, version: 2 });
  });

  test('a refused command releases none', () => {
    const decision = decideIn({ ...world, lapsedLoaded: true }, reserve({ sku: 'A', quantity: 11, location: 'W1' }));
    expect(refusalOf(decision).extensions).toEqual({
      lines: [{ sku: 'A', location: 'W1', requested: 11, available: 10 }],
    });
    expect(decision.writes.ledger).toEqual([]);
  });

  test('a hold is lapsed at its very instant', () => {
    const confirm: Command = { kind: 'confirm', id: R2, ship: false };
    expect(refusalOf(decideIn(world, confirm)).code).toBe('reservation_expired');
    const inTime = {
      ...world,
      holds: [{ ...world.holds[0], id: R2, lines: world.holds[0]?.lines ?? [], expiresAt: NOON + 1 }],
    };
    expect(answerOf(decideIn(inTime, confirm)).body).toMatchObject({ status: 'confirmed' });
  });
});

describe('the states of a reservation', () => {
  const line = { sku: 'A', location: 'W1', quantity: 4 };
  const levelFor = (reserved: number, committed: number) => [
    { sku: 'A', location: 'W1', onHand: 10, reserved, committed },
  ];

  test('confirm commits, ship takes the units away', () => {
    const pending = { levels: levelFor(4, 0), holds: [{ id: R1, lines: [line] }] };
    expect(ledgerOf(decideIn(pending, { kind: 'confirm', id: R1, ship: false }))).toEqual(['commit A@W1 0/-4/4']);
    expect(ledgerOf(decideIn(pending, { kind: 'confirm', id: R1, ship: true }))).toEqual(['sale A@W1 -4/-4/0']);
    const confirmed = { levels: levelFor(0, 4), holds: [{ id: R1, status: 'confirmed' as const, lines: [line] }] };
    const part = decideIn(confirmed, { kind: 'ship', id: R1, lines: [{ sku: 'A', location: 'W1', quantity: 3 }] });
    expect(answerOf(part).body).toMatchObject({ status: 'confirmed', lines: [{ shipped: 3 }] });
    expect(answerOf(decideIn(confirmed, { kind: 'ship', id: R1 })).body).toMatchObject({ status: 'shipped' });
  });

  test('cancelling a partly shipped one cancels the rest, and it is shipped', () => {
    const holds = [{ id: R1, status: 'confirmed' as const, lines: [{ ...line, shipped: 1 }] }];
    const decision = decideIn({ levels: levelFor(0, 3), holds }, { kind: 'cancel', id: R1, reason: 'late' });
    expect(answerOf(decision).body).toMatchObject({ status: 'shipped', lines: [{ shipped: 1, cancelled: 3 }] });
    expect(ledgerOf(decision)).toEqual(['uncommit A@W1 0/0/-3']);
  });

  test('shipping more than is open, or what it has not, is refused', () => {
    const world = { levels: levelFor(0, 4), holds: [{ id: R1, status: 'confirmed' as const, lines: [line] }] };
    const ship = (sku: string, quantity: number): Command => ({
      kind: 'ship',
      id: R1,
      lines: [{ sku, location: 'W1', quantity }],
    });
    expect(refusalOf(decideIn(world, ship('A', 5))).code).toBe('quantity_exceeds_open');
    const twice = { sku: 'A', location: 'W1', quantity: 3 };
    const inTwo = decideIn(world, { kind: 'ship', id: R1, lines: [twice, twice] });
    expect(refusalOf(inTwo).extensions).toMatchObject({ sku: 'A', open: 4 });
    expect(refusalOf(decideIn(world, ship('B', 1))).code).toBe('line_not_found');
  });

  test('changing lines counts its own units as free, and writes one net entry', () => {
    const world = {
      levels: [{ sku: 'A', location: 'W1', onHand: 4, reserved: 4 }],
      holds: [{ id: R1, lines: [line] }],
    };
    const change = (quantity: number, attributes?: object): Command => ({
      kind: 'changeLines',
      id: R1,
      lines: [{ sku: 'A', location: 'W1', quantity, ...(attributes && { attributes: { ...attributes } }) }],
    });
    expect(ledgerOf(decideIn(world, change(1)))).toEqual(['release A@W1 0/-3/0']);
    expect(answerOf(decideIn(world, change(4, { size: 'L' }))).body).toMatchObject({ version: 2 });
    expect(refusalOf(decideIn(world, change(5))).code).toBe('insufficient_stock');

    // Nothing changes, and nothing is written.
    const same = decideIn(world, change(4));
    expect(answerOf(same).body).toMatchObject({ version: 1 });
    expect([same.writes.journal, [...same.writes.lines], [...same.writes.reservations]]).toEqual([[], [], []]);
  });

  test('the table is the one of the domain', () => {
    const rows = Object.entries(TRANSITIONS).map(
      ([status, verdicts]) => `${status}: ${Object.values(verdicts).join(', ')}`,
    );
    expect(rows).toEqual([
      'pending: do, do, invalid_transition, do, do',
      'confirmed: as it is, do, do, do, invalid_transition',
      'shipped: invalid_transition, as it is, as it is, as it is, invalid_transition',
      'cancelled: invalid_transition, invalid_transition, invalid_transition, as it is, invalid_transition',
      'expired: reservation_expired, reservation_expired, reservation_expired, invalid_transition, reservation_expired',
    ]);
  });
});

describe('adjust', () => {
  const adjust = (type: 'add' | 'subtract' | 'set', quantity: number, more: object = {}): Command => ({
    kind: 'adjust',
    request: { sku: 'A', location: 'W1', type, quantity, ...more },
  });
  const level = { sku: 'A', location: 'W1', onHand: 10, committed: 6 };

  test('going below what is promised needs force, and opens a shortage', () => {
    expect(refusalOf(decideIn({ levels: [level] }, adjust('subtract', 5))).code).toBe('stock_below_promised');
    const forced = decideIn({ levels: [level] }, adjust('set', 5, { movement: 'count', force: true }));
    expect(answerOf(forced).body).toMatchObject({
      level: { onHand: 5, available: 0, shortage: 1, lastCountAt: new Date(NOON).toISOString() },
    });
    expect([...forced.writes.alerts].map(({ type, value }) => `${type} ${value}`)).toEqual([
      'out_of_stock 0',
      'shortage 1',
    ]);
  });

  test('nothing goes below zero, or above the largest level', () => {
    expect(refusalOf(decideIn({ levels: [level] }, adjust('subtract', 11, { force: true }))).code).toBe(
      'insufficient_stock',
    );
    expect(refusalOf(decideIn({ levels: [level] }, adjust('add', 1_000_000_000_000))).code).toBe(
      'quantity_out_of_range',
    );
  });

  test('a count that finds no difference writes one entry of zeros', () => {
    expect(ledgerOf(decideIn({ levels: [level] }, adjust('set', 10, { movement: 'count' })))).toEqual([
      'count A@W1 0/0/0',
    ]);
  });

  test('what is not as expected is a conflict', () => {
    expect(refusalOf(decideIn({ levels: [level] }, adjust('add', 1, { expectedOnHand: 9 }))).code).toBe(
      'version_conflict',
    );
    expect(refusalOf(decideIn({ levels: [level] }, adjust('add', 1, { expectedVersion: 6 }))).code).toBe(
      'version_conflict',
    );
    expect(
      answerOf(decideIn({ levels: [level] }, adjust('add', 1, { expectedVersion: 7, expectedOnHand: 10 }))).status,
    ).toBe(200);
  });

  test('an atomic request with one refusal does nothing: it is decided again without it', () => {
    const requests = [
      { sku: 'A', location: 'W1', type: 'add' as const, quantity: 1 },
      { sku: 'X', location: 'W1', type: 'add' as const, quantity: 1 },
    ];
    const decision = decideIn({ levels: [level] }, { kind: 'adjustMany', requests, atomic: true, offset: 0 });
    expect([...decision.doomed.values()]).toMatchObject([
      { code: 'product_not_found', status: 409, extensions: { index: 1 } },
    ]);
  });
});

describe('transfer', () => {
  const transfer = (quantity: number): Command => ({
    kind: 'transfer',
    from: 'W1',
    to: 'W2',
    lines: [{ sku: 'A', quantity }],
    reference: null,
  });

  test('moves available units, both sides at once, and makes the level that is missing', () => {
    const decision = decideIn({ levels: [{ sku: 'A', location: 'W1', onHand: 5, reserved: 2 }] }, transfer(3));
    expect(ledgerOf(decision)).toEqual(['transfer_out A@W1 -3/0/0', 'transfer_in A@W2 3/0/0']);
    expect([...decision.writes.levels].map(({ exists, onHand }) => `${exists} ${onHand}`)).toEqual([
      'true 2',
      'false 3',
    ]);
  });

  test('what is promised stays', () => {
    const decision = decideIn({ levels: [{ sku: 'A', location: 'W1', onHand: 5, reserved: 2 }] }, transfer(4));
    expect(refusalOf(decision).code).toBe('insufficient_stock');
  });
});

describe('alerts', () => {
  const level = { sku: 'A', location: 'W1', onHand: 10, reorderPoint: 5, maxLevel: 20 };

  test('open with the command that causes them, once, and resolve with the one that ends it', () => {
    const low = decideIn(
      { levels: [level] },
      reserve({ sku: 'A', quantity: 5, location: 'W1' }),
      reserve({ sku: 'A', quantity: 1, location: 'W1' }),
    );
    expect([...low.writes.alerts]).toMatchObject([{ type: 'low_stock', threshold: 5, value: 5, status: 'active' }]);
    const add: Command = { kind: 'adjust', request: { sku: 'A', location: 'W1', type: 'add', quantity: 1 } };
    const both = decideIn({ levels: [level] }, reserve({ sku: 'A', quantity: 5, location: 'W1' }), add);
    expect(both.writes.journal.map(({ kind }) => kind)).toEqual([
      'reservation.created',
      'alert.opened',
      'stock.adjusted',
      'alert.resolved',
    ]);
    expect([...both.writes.alerts]).toMatchObject([{ type: 'low_stock', status: 'resolved', isNew: true }]);
  });

  test('show no less than nothing where more is promised than is there', () => {
    const short = { ...level, onHand: 8, committed: 8 };
    const count: Command = {
      kind: 'adjust',
      request: { sku: 'A', location: 'W1', type: 'set', quantity: 6, movement: 'count', force: true },
    };
    const { writes } = decideIn({ levels: [short] }, count);
    expect([...writes.alerts].map(({ type, value }) => `${type} ${value}`)).toEqual([
      'low_stock 0',
      'out_of_stock 0',
      'shortage 2',
    ]);
  });

  test('a level that never had anything is not out of stock', () => {
    const settings: Command = {
      kind: 'levelSettings',
      sku: 'B',
      location: 'W1',
      patch: { reorderPoint: 5 },
      ifMatch: null,
    };
    expect(decideIn({}, settings).writes.alerts.size).toBe(0);
  });
});

describe('idempotency within a batch', () => {
  const command = reserve({ sku: 'A', quantity: 1, location: 'W1' });
  const keyed = (requestHash: string) => ({
    command,
    meta: { actor: 'key:test', requestId: 'r', idempotency: { owner: 'o', key: 'k', requestHash } },
  });

  test('identical keys meet one another: one effect, equal answers; another request is refused', () => {
    const state = buildState(loadedWorld({ levels: [{ sku: 'A', location: 'W1', onHand: 5 }] }));
    const decision = decide(
      [keyed('same'), keyed('same'), keyed('other')],
      state,
      new BlockNumbers([4096]),
      createIdSource(),
    );
    expect(decision.writes.ledger).toHaveLength(1);
    expect(answerOf(decision, 1).answer).toMatchObject({ replayed: true, body: answerOf(decision, 0).answer.body });
    expect(refusalOf(decision, 2).code).toBe('idempotency_key_reused');
  });

  test('the same key of another caller, or of another chunk, is another key', () => {
    const state = buildState(loadedWorld({ levels: [{ sku: 'A', location: 'W1', onHand: 5 }] }));
    const one = keyed('same');
    const others = [{ owner: 'p' }, { chunk: 1 }].map((more) => ({
      command,
      meta: { ...one.meta, idempotency: { ...one.meta.idempotency, ...more } },
    }));
    const decision = decide([one, ...others], state, new BlockNumbers([4096]), createIdSource());
    expect(decision.writes.ledger).toHaveLength(3);
    expect(decision.writes.answers).toHaveLength(3);
  });
});
