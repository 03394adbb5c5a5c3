import { describe, expect, test } from 'vitest';
import { answerOf, decideIn, ledgerOf, NOON, refusalOf } from './decide.fixture.ts';
import type { Command } from './stock.command.ts';

const R1 = '00000000-0000-7000-8000-000000000001';
const lineOf = (sku: string, location: string, quantity: number) => ({ sku, location, quantity });
const ship = (...lines: ReturnType<typeof lineOf>[]): Command => ({ kind: 'ship', id: R1, lines });
const cancel: Command = { kind: 'cancel', id: R1, reason: 'late' };
const release = (sku: string): Command => ({ kind: 'release', id: R1, sku });

/** A reservation of 3 and 2 units of A at two places and 1 of B, with 10 of each on hand. */
const lines = [lineOf('A', 'W1', 3), lineOf('A', 'W2', 2), lineOf('B', 'W1', 1)];
const worldOf = (status: 'pending' | 'confirmed', onHand = 10) => ({
  levels: lines.map(({ sku, location, quantity }) => ({
    sku,
    location,
    onHand,
    ...(status === 'pending' ? { reserved: quantity } : { committed: quantity }),
  })),
  holds: [{ id: R1, status, lines }],
});

describe('ship', () => {
  test('takes the named units from the named place, and is not done while others are open', () => {
    const decision = decideIn(worldOf('confirmed'), ship(lineOf('A', 'W2', 2)));
    expect(ledgerOf(decision)).toEqual(['sale A@W2 -2/0/-2']);
    expect(answerOf(decision).body).toMatchObject({
      status: 'confirmed',
      shippedAt: null,
      lines: [{ shipped: 0 }, { shipped: 2 }, { shipped: 0 }],
    });
  });

  test('adds up what is named twice', () => {
    const decision = decideIn(worldOf('confirmed'), ship(lineOf('A', 'W1', 1), lineOf('A', 'W1', 2)));
    expect(ledgerOf(decision)).toEqual(['sale A@W1 -3/0/-3']);
    expect([...decision.writes.lines]).toMatchObject([{ shipped: 3, state: 'closed' }]);
  });

  test.each([
    ['ship', 'confirmed', { kind: 'ship', id: R1 }],
    ['confirm with ship', 'pending', { kind: 'confirm', id: R1, ship: true }],
    ['confirm with ship what is confirmed', 'confirmed', { kind: 'confirm', id: R1, ship: true }],
  ] as const)('%s: what was promised and is not there cannot leave', (_what, status, command) => {
    // The same level twice: each line alone would find its units.
    const twice = [lineOf('A', 'W1', 3), lineOf('A', 'W1', 2)];
    const units = status === 'pending' ? { reserved: 5 } : { committed: 5 };
    const world = (onHand: number) => ({
      levels: [{ sku: 'A', location: 'W1', onHand, ...units }],
      holds: [{ id: R1, status, lines: twice }],
    });
    expect(refusalOf(decideIn(world(4), command)).extensions).toEqual({
      lines: [{ sku: 'A', location: 'W1', requested: 5, available: 4 }],
    });
    expect(answerOf(decideIn(world(5), command)).body).toMatchObject({ status: 'shipped' });
  });

  test('of what was confirmed before leaves the time of its confirmation', () => {
    const world = { ...worldOf('pending') };
    const confirm: Command = { kind: 'confirm', id: R1, ship: false };
    const decision = decideIn(world, confirm, { kind: 'confirm', id: R1, ship: true });
    expect(answerOf(decision, 1).body).toMatchObject({ status: 'shipped', confirmedAt: new Date(NOON).toISOString() });
    const confirmed = decideIn(worldOf('confirmed'), { kind: 'confirm', id: R1, ship: true });
    expect(answerOf(confirmed).body['confirmedAt']).toBeNull();
  });

  test('of what has shipped answers it as it is; named lines are no longer open', () => {
    const decision = decideIn(worldOf('confirmed'), { kind: 'ship', id: R1 }, { kind: 'ship', id: R1 }, ship(lineOf('A', 'W1', 1))); // prettier-ignore
    expect(answerOf(decision, 1).body).toMatchObject({ status: 'shipped', version: 2 });
    expect(refusalOf(decision, 2).code).toBe('quantity_exceeds_open');
    expect(decision.writes.ledger).toHaveLength(3);
  });
});

describe('cancel', () => {
  test('says why in the ledger and in the reservation', () => {
    for (const status of ['pending', 'confirmed'] as const) {
      const { writes } = decideIn(worldOf(status), cancel);
      expect(writes.ledger.map(({ reason }) => reason)).toEqual(['late', 'late', 'late']);
      expect([...writes.reservations]).toMatchObject([{ status: 'cancelled', cancelReason: 'late', shippedAt: null }]);
    }
  });

  test('again answers what was cancelled as it is, wholly or in part; what shipped whole is refused', () => {
    const part = decideIn(worldOf('confirmed'), ship(lineOf('A', 'W1', 1)), cancel, cancel);
    expect(answerOf(part, 2).body).toEqual(answerOf(part, 1).body);
    expect(part.writes.journal).toHaveLength(2);
    expect(answerOf(decideIn(worldOf('pending'), cancel, cancel), 1).body).toMatchObject({ version: 2 });
    const whole = decideIn(worldOf('confirmed'), { kind: 'ship', id: R1 }, cancel);
    expect(refusalOf(whole, 1).code).toBe('invalid_transition');
  });
});

describe('release', () => {
  test('cancels one product’s units at all its places, and again answers it as it is', () => {
    const decision = decideIn(worldOf('pending'), release('A'), release('A'));
    expect(ledgerOf(decision)).toEqual(['release A@W1 0/-3/0', 'release A@W2 0/-2/0']);
    expect(answerOf(decision, 1).body).toMatchObject({ status: 'pending', version: 2 });
    expect(decision.writes.journal).toHaveLength(1);
  });

  test('of what shipped is refused, of what never got a unit too, unless all of it was cancelled', () => {
    const shipped = decideIn(worldOf('confirmed'), ship(lineOf('B', 'W1', 1)), release('B'));
    expect(refusalOf(shipped, 1).code).toBe('invalid_transition');
    const none = { ...lineOf('B', 'W1', 0), state: 'closed' as const };
    const levels = [{ sku: 'A', location: 'W1', onHand: 10, reserved: 3 }];
    const holds = [{ id: R1, lines: [lineOf('A', 'W1', 3), none] }];
    const decision = decideIn({ levels, holds }, release('B'), cancel, release('B'));
    expect(refusalOf(decision).code).toBe('invalid_transition');
    expect(answerOf(decision, 2).body).toMatchObject({ status: 'cancelled', version: 2 });
  });
});

describe('changing lines', () => {
  const change = (...wanted: ReturnType<typeof lineOf>[]): Command => ({ kind: 'changeLines', id: R1, lines: wanted });

  test('remembers the products that it had: their entries in the ledger are found through them', () => {
    const { writes } = decideIn(worldOf('pending'), change(lineOf('B', 'W1', 1), lineOf('B', 'W1', 1)));
    expect([...writes.reservations]).toMatchObject([{ productIds: [1, 2] }]);
  });

  test('twice in a batch writes the last lines alone, behind those that it had', () => {
    const { writes } = decideIn(worldOf('pending'), change(lineOf('A', 'W1', 5)), change(lineOf('A', 'W1', 4)));
    expect([...writes.lines]).toMatchObject([{ quantity: 4, lineNo: 4, isNew: true }]);
    expect(writes.removedLines.map(({ lineNo }) => lineNo)).toEqual([0, 1, 2]);
  });

  test('releases what lapsed only for what it takes more', () => {
    const levels = [{ sku: 'A', location: 'W1', onHand: 3, reserved: 6 }];
    const lapsed = { id: '00000000-0000-7000-8000-000000000002', expiresAt: NOON - 1, lines: [lineOf('A', 'W1', 3)] };
    const world = { levels, holds: [{ id: R1, lines: [lineOf('A', 'W1', 3)] }, lapsed], lapsedLoaded: true };
    expect(ledgerOf(decideIn(world, change(lineOf('A', 'W1', 2))))).toEqual(['release A@W1 0/-1/0']);
  });
});
