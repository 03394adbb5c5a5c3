/** The model's own stories: DOMAIN.md's rules with exact numbers. The model is only as good as these. */
import { describe, expect, it } from 'vitest';
import type { Command, Outcome } from './command.ts';
import { apply } from './model.ts';
import {
  QUANTITY_MAX,
  addLocation,
  addProduct,
  emptyWorld,
  levelOf,
  levelView,
  statusOf,
  sweepLapsed,
} from './world.ts';
import type { World } from './world.ts';

const T0 = Date.UTC(2026, 0, 1);

type Shop = {
  world: World;
  /** Applies one command `atSeconds` after the start; a made reservation is called `id`. */
  run: (command: Command, atSeconds?: number, id?: string) => Outcome;
  level: (location?: string, sku?: string) => { onHand: number; reserved: number; committed: number };
  entries: (location?: string) => string[];
};

/** One product `A` with these units at L1, L2, …, in that order of priority. */
function shop(...units: number[]): Shop {
  const world = emptyWorld();
  addProduct(world, 'A');
  addProduct(world, 'B');
  const run: Shop['run'] = (command, atSeconds = 0, id = 'r1') =>
    apply(world, command, T0 + atSeconds * 1000, { ids: [id], replayed: false, code: null });
  for (const [index, onHand] of units.entries()) {
    addLocation(world, `L${index + 1}`, { priority: index });
    if (onHand > 0) run(adjust('add', onHand, { location: `L${index + 1}` }));
  }
  const level: Shop['level'] = (location = 'L1', sku = 'A') => {
    const { onHand, reserved, committed } = levelView(world, levelOf(world, sku, location));
    return { onHand, reserved, committed };
  };
  const entries: Shop['entries'] = (location = 'L1') =>
    levelOf(world, 'A', location).ledger.map(
      (entry) => `${entry.type} ${entry.deltaOnHand}/${entry.deltaReserved}/${entry.deltaCommitted}`,
    );
  return { world, run, level, entries };
}

const at = (quantity: number, location = 'L1') => ({ sku: 'A', quantity, location });
const anywhere = (quantity: number) => ({ sku: 'A', quantity });
const adjust = (type: 'add' | 'subtract' | 'set', quantity: number, more = {}): Command => ({
  op: 'adjust',
  sku: 'A',
  body: { location: 'L1', type, quantity, ...more },
});
const reserve = (lines: { sku: string; quantity: number; location?: string }[], more = {}): Command => ({
  op: 'reserve',
  body: { lines, ttlSeconds: 60, ...more },
});
const confirm = (id = 'r1', body = {}): Command => ({ op: 'confirm', id, body });
const ship = (id = 'r1', body = {}): Command => ({ op: 'ship', id, body });
const cancel = (id = 'r1'): Command => ({ op: 'cancel', id, body: {} });

const codesOf = (outcome: Outcome) => (outcome.ok ? [] : outcome.codes);
const placesOf = (outcome: Outcome) =>
  outcome.ok && outcome.body.kind === 'reservation'
    ? outcome.body.reservation.lines.map((line) => `${line.quantity}@${line.location ?? '-'}`)
    : codesOf(outcome);

describe('a reserve', () => {
  it('takes the last unit and not one more', () => {
    const { run, level } = shop(5);
    expect(placesOf(run(reserve([at(5)])))).toEqual(['5@L1']);
    expect(run(reserve([at(1)]), 0, 'r2')).toEqual({
      ok: false,
      codes: ['insufficient_stock'],
      lines: [{ sku: 'A', location: 'L1', requested: 1, available: 0 }],
    });
    expect(level()).toEqual({ onHand: 5, reserved: 5, committed: 0 });
  });

  it('sums repeated lines before it checks them, and holds all or nothing', () => {
    const { run, level } = shop(5, 5);
    const refused = run(reserve([at(3), at(1, 'L2'), at(3)]));
    expect(refused).toMatchObject({ lines: [{ sku: 'A', location: 'L1', requested: 6, available: 5 }] });
    expect(level('L2')).toEqual({ onHand: 5, reserved: 0, committed: 0 });
    expect(placesOf(run(reserve([at(3), at(2)])))).toEqual(['3@L1', '2@L1']);
  });

  it('with partial takes what there is, line by line, and refuses only when that is nothing', () => {
    const { run } = shop(4, 0);
    expect(placesOf(run(reserve([at(3), at(3), at(1, 'L2')], { partial: true })))).toEqual(['3@L1', '1@L1', '0@L2']);
    expect(codesOf(run(reserve([at(1)], { partial: true }), 0, 'r2'))).toEqual(['insufficient_stock']);
  });

  it('leaves the safety stock alone', () => {
    const { run } = shop(5);
    run({ op: 'updateProduct', sku: 'A', body: { safetyStock: 2 } });
    expect(codesOf(run(reserve([at(4)])))).toEqual(['insufficient_stock']);
    expect(placesOf(run(reserve([at(3)])))).toEqual(['3@L1']);
  });
});

describe('sourcing', () => {
  it('by priority takes the first place that holds all of a line', () => {
    const { run } = shop(2, 9, 9);
    expect(placesOf(run(reserve([anywhere(5)])))).toEqual(['5@L2']);
  });

  it('with split takes what each place has, in order', () => {
    const { run } = shop(2, 3, 9);
    expect(placesOf(run(reserve([anywhere(6)], { sourcing: { split: true } })))).toEqual(['2@L1', '3@L2', '1@L3']);
  });

  it('most_available takes the fullest, fewest_locations the smallest set for the whole request', () => {
    const { world, run } = shop(3, 7, 5);
    for (const [location, quantity] of [
      ['L1', 4],
      ['L3', 4],
    ] as const) {
      run({ op: 'adjust', sku: 'B', body: { location, type: 'add', quantity } });
    }
    expect(placesOf(run(reserve([anywhere(1)], { sourcing: { strategy: 'most_available' } })))).toEqual(['1@L2']);
    const both = [anywhere(4), { sku: 'B', quantity: 4 }];
    expect(placesOf(run(reserve(both, { sourcing: { strategy: 'fewest_locations' } }), 0, 'r2'))).toEqual([
      '4@L3',
      '4@L3',
    ]);
    expect(world.reservations.size).toBe(2);
  });

  it('nearest goes by great circle, places without coordinates last', () => {
    const { world, run } = shop(5, 5, 5);
    Object.assign(world.locations.get('L2') ?? {}, { lat: 60, lng: 170 });
    Object.assign(world.locations.get('L3') ?? {}, { lat: 50, lng: 100 });
    const near = { lat: 60, lng: -175 };
    const answer = run(reserve([anywhere(12)], { sourcing: { strategy: 'nearest', near, split: true } }));
    expect(placesOf(answer)).toEqual(['5@L2', '5@L3', '2@L1']);
  });

  it('passes an inactive place by; naming it is refused', () => {
    const { run } = shop(5, 5);
    run({ op: 'updateLocation', code: 'L1', body: { active: false } });
    expect(placesOf(run(reserve([anywhere(1)])))).toEqual(['1@L2']);
    expect(codesOf(run(reserve([at(1)]), 0, 'r2'))).toEqual(['location_inactive']);
  });

  it('partial without split takes the place with the most', () => {
    const { run } = shop(2, 4);
    expect(placesOf(run(reserve([anywhere(9)], { partial: true })))).toEqual(['4@L2']);
  });

  it('says the best single place, or with split the sum, when it refuses', () => {
    const { run } = shop(2, 4);
    expect(run(reserve([anywhere(9)]))).toMatchObject({ lines: [{ location: null, requested: 9, available: 4 }] });
    expect(run(reserve([anywhere(9)], { sourcing: { split: true } }))).toMatchObject({ lines: [{ available: 6 }] });
  });
});

describe('a hold that lapsed', () => {
  it('lives a millisecond before its expiry and is expired at it', () => {
    const { world, run } = shop(5);
    run(reserve([at(5)]));
    expect(codesOf(run(reserve([at(1)]), 59.999, 'r2'))).toEqual(['insufficient_stock']);
    expect(codesOf(run(confirm(), 60))).toEqual(['reservation_expired']);
    expect(codesOf(run(cancel(), 60))).toEqual(['invalid_transition']);
    expect([...world.reservations.values()].map((each) => statusOf(world, each))).toEqual(['expired']);
  });

  it('gives back line by line, oldest first, only as many as a command needs', () => {
    const { world, run, level, entries } = shop(9);
    run(reserve([at(2), at(2)], { ttlSeconds: 20 }), 0, 'old');
    run(reserve([at(3)], { ttlSeconds: 30 }), 0, 'young');
    expect(placesOf(run(reserve([at(2)]), 60, 'r1'))).toEqual(['2@L1']);
    expect(level()).toEqual({ onHand: 9, reserved: 9, committed: 0 });
    expect(placesOf(run(reserve([at(1)]), 60, 'r2'))).toEqual(['1@L1']);
    expect(level()).toEqual({ onHand: 9, reserved: 8, committed: 0 });
    expect(entries().slice(-3)).toEqual(['reserve 0/2/0', 'expire 0/-2/0', 'reserve 0/1/0']);
    sweepLapsed(world);
    expect(level()).toEqual({ onHand: 9, reserved: 3, committed: 0 });
  });

  it('counts as free when places are compared', () => {
    const { run } = shop(5, 4);
    run(reserve([at(5)], { ttlSeconds: 20 }), 0, 'old');
    expect(placesOf(run(reserve([anywhere(4)]), 30, 'r1'))).toEqual(['4@L1']);
  });

  it('does not stand in the way of a count, and stays where nothing is refused', () => {
    const { run, level } = shop(5);
    run(reserve([at(3)], { ttlSeconds: 20 }));
    run(adjust('set', 4), 30);
    expect(level()).toEqual({ onHand: 4, reserved: 3, committed: 0 });
    run(adjust('set', 1), 30);
    expect(level()).toEqual({ onHand: 1, reserved: 0, committed: 0 });
  });

  it('stays released when it is extended too late', () => {
    const { run } = shop(5);
    run(reserve([at(3)], { ttlSeconds: 20 }));
    expect(codesOf(run({ op: 'extend', id: 'r1', body: { ttlSeconds: 60 } }, 20))).toEqual(['reservation_expired']);
  });
});

describe('the life of a reservation', () => {
  it('goes from reserve to commit to sale, each with its entry', () => {
    const { run, level, entries } = shop(5);
    run(reserve([at(3)]));
    run(confirm());
    expect(level()).toEqual({ onHand: 5, reserved: 0, committed: 3 });
    run(ship('r1', { lines: [at(1)] }));
    run(ship());
    expect(level()).toEqual({ onHand: 2, reserved: 0, committed: 0 });
    expect(entries()).toEqual(['adjustment 5/0/0', 'reserve 0/3/0', 'commit 0/-3/3', 'sale -1/0/-1', 'sale -2/0/-2']);
    expect(run(ship()).ok).toBe(true);
    expect(codesOf(run(confirm()))).toEqual(['invalid_transition']);
    expect(run(confirm('r1', { ship: true })).ok).toBe(true);
  });

  it('confirmed and shipped in one is one sale', () => {
    const { run, entries } = shop(5);
    run(reserve([at(3)]));
    run(confirm('r1', { ship: true }));
    expect(entries().at(-1)).toBe('sale -3/-3/0');
  });

  it('cancelled after a part was shipped is shipped, and cancelling again is the same answer', () => {
    const { world, run, entries } = shop(5);
    run(reserve([at(3)]));
    run(confirm());
    run(ship('r1', { lines: [at(1)] }));
    expect(run(cancel()).ok).toBe(true);
    expect(world.reservations.get('r1')?.status).toBe('shipped');
    expect(entries().at(-1)).toBe('uncommit 0/0/-2');
    expect(run(cancel()).ok).toBe(true);
    expect(codesOf(run(ship('r1', { lines: [at(1)] })))).toContain('quantity_exceeds_open');
  });

  it('shipped whole cannot be cancelled', () => {
    const { run } = shop(5);
    run(reserve([at(3)]));
    run(confirm('r1', { ship: true }));
    expect(codesOf(run(cancel()))).toEqual(['invalid_transition']);
  });

  it('ships repeated lines in order, and no more than is open or there', () => {
    const { world, run } = shop(5);
    run(reserve([at(2), at(2)]));
    run(confirm());
    expect(codesOf(run(ship('r1', { lines: [at(3), at(2)] })))).toEqual(['quantity_exceeds_open']);
    expect(codesOf(run(ship('r1', { lines: [{ sku: 'B', location: 'L1', quantity: 1 }] })))).toEqual([
      'line_not_found',
    ]);
    run(ship('r1', { lines: [at(2), at(1)] }));
    expect(world.reservations.get('r1')?.lines.map((line) => line.shipped)).toEqual([2, 1]);
    run(adjust('set', 0, { force: true }));
    expect(codesOf(run(ship()))).toEqual(['insufficient_stock']);
  });

  it('releases one product of it and keeps the rest', () => {
    const { world, run, level } = shop(5);
    run({ op: 'adjust', sku: 'B', body: { location: 'L1', type: 'add', quantity: 5 } });
    run(reserve([at(3), { sku: 'B', location: 'L1', quantity: 2 }]));
    run({ op: 'release', sku: 'A', body: { reservationId: 'r1' } });
    expect([level('L1', 'A').reserved, level('L1', 'B').reserved]).toEqual([0, 2]);
    expect(world.reservations.get('r1')?.status).toBe('pending');
    run({ op: 'release', sku: 'B', body: { reservationId: 'r1' } });
    expect(world.reservations.get('r1')?.status).toBe('cancelled');
  });

  it('changes its lines without competing with itself, one entry of the difference', () => {
    const { run, level, entries } = shop(5);
    run(reserve([at(4)]));
    const change = (quantity: number): Command => ({ op: 'changeLines', id: 'r1', body: { lines: [at(quantity)] } });
    expect(run(change(5)).ok).toBe(true);
    expect(run(change(6))).toMatchObject({ lines: [{ requested: 6, available: 5 }] });
    expect(run(change(2)).ok).toBe(true);
    expect(level()).toEqual({ onHand: 5, reserved: 2, committed: 0 });
    expect(entries().slice(1)).toEqual(['reserve 0/4/0', 'reserve 0/1/0', 'release 0/-3/0']);
  });
});

describe('stock', () => {
  it('does not go below what is promised unless a forced count says so', () => {
    const { world, run } = shop(5);
    run(reserve([at(4)]));
    expect(codesOf(run(adjust('subtract', 2)))).toEqual(['stock_below_promised']);
    expect(codesOf(run(adjust('subtract', 6, { force: true })))).toEqual(['insufficient_stock']);
    expect(run(adjust('set', 1, { force: true })).ok).toBe(true);
    expect(levelView(world, levelOf(world, 'A', 'L1'))).toMatchObject({ available: 0, shortage: 3 });
  });

  it('holds 10^12 and not one more', () => {
    const { run } = shop(1);
    expect(codesOf(run(adjust('add', QUANTITY_MAX)))).toEqual(['quantity_out_of_range']);
    expect(run(adjust('add', QUANTITY_MAX - 1)).ok).toBe(true);
  });

  it('is guarded by what the caller expects', () => {
    const { world, run } = shop(5);
    const { version } = levelOf(world, 'A', 'L1');
    expect(codesOf(run(adjust('add', 1, { expectedOnHand: 4 })))).toEqual(['version_conflict']);
    expect(run(adjust('add', 1, { expectedOnHand: 5 })).ok).toBe(true);
    expect(codesOf(run(adjust('add', 1, { expectedVersion: version })))).toEqual(['version_conflict']);
  });

  it('moves both sides or neither, and only available units', () => {
    const { run, level } = shop(5, 0);
    run(reserve([at(2)]));
    const move = (quantity: number): Command => ({
      op: 'transfer',
      body: { from: 'L1', to: 'L2', lines: [anywhere(quantity), anywhere(1)] },
    });
    expect(codesOf(run(move(3)))).toEqual(['insufficient_stock']);
    expect(run(move(2)).ok).toBe(true);
    expect([level('L1').onHand, level('L2').onHand]).toEqual([2, 3]);
  });

  it('in an atomic bulk changes wholly or not at all', () => {
    const { run, level } = shop(5);
    const items = [2, 9].map((quantity) => ({ sku: 'A', location: 'L1', type: 'subtract' as const, quantity }));
    expect(run({ op: 'bulkAdjust', body: { adjustments: items, atomic: true } })).toMatchObject({ index: 1 });
    expect(level().onHand).toBe(5);
    expect(run({ op: 'bulkAdjust', body: { adjustments: items } }).ok).toBe(true);
    expect(level().onHand).toBe(3);
  });
});

describe('keys and alerts', () => {
  it('a key repeats the answer of the same request and refuses another; a refused one is free', () => {
    const { run, level } = shop(5);
    const keyed = (quantity: number): Command => ({ ...adjust('subtract', quantity), idempotencyKey: 'k' });
    expect(codesOf(run(keyed(6)))).toEqual(['insufficient_stock']);
    expect(run(keyed(2))).toMatchObject({ ok: true, body: { kind: 'movement' } });
    expect(run(keyed(2))).toMatchObject({ ok: true, body: { kind: 'replay', of: 2 } });
    expect(codesOf(run(keyed(1)))).toEqual(['idempotency_key_reused']);
    expect(level().onHand).toBe(3);
  });

  it('an alert opens, resolves and opens again; a level that was never above 0 has none', () => {
    const { world, run } = shop(5, 0);
    run({ op: 'updateProduct', sku: 'A', body: { reorderPoint: 2 } });
    run(adjust('set', 2));
    run(adjust('set', 3));
    run(adjust('set', 0));
    const { low_stock: low, out_of_stock: out } = levelOf(world, 'A', 'L1').alerts;
    expect([low, out]).toEqual([
      { open: true, opened: 2 },
      { open: true, opened: 1 },
    ]);
    expect(levelOf(world, 'A', 'L2').alerts.low_stock).toEqual({ open: false, opened: 0 });
  });
});
