import { describe, expect, test } from 'vitest';
import { createIdSource } from '../kernel/ids.ts';
import { answerOf, decideIn, ledgerOf, loadedWorld, META, NOON, refusalOf } from './decide.fixture.ts';
import { decide } from './decide.ts';
import { buildState } from './loaded.ts';
import { BlockNumbers } from './numbers.ts';
import type { Command, Expiry } from './stock.command.ts';

const R1 = '00000000-0000-7000-8000-000000000001';
const R2 = '00000000-0000-7000-8000-000000000002';
const DAY_MS = 86_400_000;
const line = { sku: 'A', location: 'W1', quantity: 1 };
const reserve = (quantity: number, expiry: Expiry = {}): Command => ({
  kind: 'reserve',
  request: { lines: [{ ...line, quantity }], ...expiry },
});

describe('when a hold expires', () => {
  const levels = [{ sku: 'A', location: 'W1', onHand: 10 }];

  test.each([
    ['a millisecond from now', NOON + 1],
    ['30 days from now', NOON + 30 * DAY_MS],
  ])('%s is a time for it', (_what, expiresAt) => {
    const { body } = answerOf(decideIn({ levels }, reserve(1, { expiresAt })));
    expect(body['expiresAt']).toBe(new Date(expiresAt).toISOString());
  });

  test.each([
    ['now', NOON],
    ['more than 30 days away', NOON + 30 * DAY_MS + 1],
  ])('%s is none', (_what, expiresAt) => {
    expect(refusalOf(decideIn({ levels }, reserve(1, { expiresAt })))).toMatchObject({
      code: 'validation_failed',
      extensions: { errors: [{ path: '/expiresAt' }] },
    });
  });

  test('a time to live counts from now', () => {
    const { body } = answerOf(decideIn({ levels }, reserve(1, { ttlSeconds: 1 })));
    expect(body['expiresAt']).toBe(new Date(NOON + 1000).toISOString());
  });

  test('an extension needs a time', () => {
    const holds = [{ id: R1, lines: [line] }];
    const held = [{ sku: 'A', location: 'W1', onHand: 10, reserved: 1 }];
    expect(refusalOf(decideIn({ levels: held, holds }, { kind: 'extend', id: R1 })).code).toBe('validation_failed');
  });

  test('an extension after the clock was set back ends no sooner than the hold was made', () => {
    const held = [{ sku: 'A', location: 'W1', onHand: 10, reserved: 1 }];
    const loaded = loadedWorld({ levels: held, holds: [{ id: R1, lines: [line] }] });
    const asked = [{ command: { kind: 'extend', id: R1, ttlSeconds: 60 } as const, meta: META }];
    const state = buildState({ ...loaded, nowMs: NOON - 600_000 });
    const { body } = answerOf(decide(asked, state, new BlockNumbers([4096]), createIdSource()));
    expect([body['expiresAt'], body['createdAt']]).toEqual(Array(2).fill(new Date(NOON - 60_000).toISOString()));
  });
});

describe('what is archived takes no command', () => {
  const levels = ['W1', 'W2'].map((location) => ({ sku: 'A', location, onHand: 10 }));
  const settings = {
    kind: 'levelSettings',
    sku: 'A',
    location: 'W1',
    patch: { safetyStock: 1 },
    ifMatch: null,
  } as const;
  const commands: [string, Command][] = [
    ['reserve', reserve(1)],
    ['adjust', { kind: 'adjust', request: { ...line, type: 'add' } }],
    ['transfer', { kind: 'transfer', from: 'W1', to: 'W2', lines: [line], reference: null }],
    ['change of settings', settings],
  ];

  test.each(commands)('%s', (_what, command) => {
    expect(refusalOf(decideIn({ levels, archived: ['A'] }, command)).code).toBe('product_archived');
    expect(refusalOf(decideIn({ levels, archived: ['W1'] }, command)).code).toBe('location_archived');
  });

  test('nor does a place take units from elsewhere, or a sourced line units from there', () => {
    const transfer: Command = { kind: 'transfer', from: 'W2', to: 'W1', lines: [line], reference: null };
    expect(refusalOf(decideIn({ levels, archived: ['W1'] }, transfer)).code).toBe('location_archived');
    const sourced: Command = { kind: 'reserve', request: { lines: [{ sku: 'A', quantity: 1 }] } };
    expect(ledgerOf(decideIn({ levels, archived: ['W1'] }, sourced))).toEqual(['reserve A@W2 0/1/0']);
  });
});

describe('lapsed holds', () => {
  const lapsed = {
    levels: [{ sku: 'A', location: 'W1', onHand: 10, reserved: 10 }],
    holds: [
      { id: R1, expiresAt: NOON - 1, lines: [{ ...line, quantity: 6 }] },
      { id: R2, expiresAt: NOON, lines: [{ ...line, quantity: 4 }] },
    ],
    lapsedLoaded: true,
  };
  const expire: Command = { kind: 'expire', id: R1 };

  test('that were swept in the same batch are not released again', () => {
    const decision = decideIn(lapsed, expire, reserve(7));
    expect(ledgerOf(decision)).toEqual(['expire A@W1 0/-6/0', 'expire A@W1 0/-4/0', 'reserve A@W1 0/7/0']);
  });

  test('are no more than those whose time has come, whoever asks to settle them', () => {
    const [level, holds] = [{ sku: 'A', location: 'W1', onHand: 10 }, [{ id: R1, lines: [line] }]];
    expect(decideIn({ levels: [{ ...level, reserved: 1 }], holds }, expire).writes.journal).toEqual([]);
    const confirmed = [{ id: R1, status: 'confirmed' as const, expiresAt: NOON - 1, lines: [line] }];
    expect(decideIn({ levels: [{ ...level, committed: 1 }], holds: confirmed }, expire).writes.journal).toEqual([]);
  });

  test('are settled with their last line: before that, what is left of them still counts', () => {
    const lines = [{ ...line, quantity: 6 }, { ...line, location: 'W2', quantity: 4 }]; // prettier-ignore
    const levels = lines.map(({ location, quantity }) => ({ sku: 'A', location, onHand: 10, reserved: quantity }));
    const world = { levels, holds: [{ id: R1, expiresAt: NOON - 1, lines }], lapsedLoaded: true };
    const { writes } = decideIn(world, reserve(7));
    expect(writes.journal.map(({ kind }) => kind)).toEqual(['reservation.lapsed', 'reservation.created']);
    expect([...writes.reservations].filter(({ isNew }) => !isNew)).toEqual([]);
  });

  // Between the look for them and their lock.
  test.each([
    ['extended', 7, NOON + 1],
    ['confirmed', 1, 'confirmed'],
  ])('that were %s meanwhile have not lapsed', (_what, field, value) => {
    const loaded = loadedWorld(lapsed);
    for (const reservation of loaded.reservations) reservation[field] = value;
    const asked = [{ command: reserve(1), meta: META }];
    const decision = decide(asked, buildState(loaded), new BlockNumbers([4096]), createIdSource());
    expect(refusalOf(decision).code).toBe('insufficient_stock');
  });
});
