import type pg from 'pg';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { bodyOf } from './api.client.ts';
import { checkInvariants, findFaults } from './checker.ts';
import { withClient } from './database.ts';
import { checkEffects } from './effects.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { openShop } from './shop.ts';
import { startTraffic, type Traffic } from './traffic.ts';

// The checker is what the other suites rely on, so it is checked itself: each planted fault must be seen, by the rule
// that it breaks. The schema's own constraints are taken away where they would not let it in.

let fleet: Fleet;
let traffic: Traffic;

beforeAll(async () => {
  fleet = await startFleet(inject('postgres'), { servers: 1 });
  const api = fleet.api(0);
  const shop = await openShop(api, 4, 2, 50);
  await api.must({
    method: 'PATCH',
    path: '/api/v1/inventory/SKU-1/locations/LOC-1',
    body: { reorderPoint: 1_000 },
  });
  traffic = startTraffic({ api, shop, clients: 8, seed: 6 });
  await vi.waitUntil(() => traffic.journal.count('done') > 200, 60_000);
  await traffic.finish();
}, 90_000);

afterAll(() => fleet.close());

/** Plants a fault, looks, and takes it back. */
async function lookAfter(statements: string[], look: (client: pg.Client) => Promise<{ rule: string }[]>) {
  return withClient(fleet.database.connection, async (client) => {
    await client.query('BEGIN');
    for (const statement of statements) expect((await client.query(statement)).rowCount).not.toBe(0);
    const faults = await look(client);
    await client.query('ROLLBACK');
    return faults.map(({ rule }) => rule.replace(/ \(\d+.*/, ''));
  });
}

const firstOf = (table: string, where = 'true'): string =>
  `ctid = (SELECT ctid FROM ${table} WHERE ${where} ORDER BY ctid LIMIT 1)`;
const newest = (table: string): string =>
  `(tableoid, ctid) = (SELECT tableoid, ctid FROM ${table} ORDER BY seq DESC LIMIT 1)`;

test('what a real server left behind is clean', async () => {
  await withClient(fleet.database.connection, async (client) => {
    expect(await checkInvariants(client)).toEqual([]);
    expect(await checkEffects(client, traffic.journal)).toEqual([]);
  });
});

test.each([
  {
    fault: 'a negative balance',
    rule: '1: no balance is negative',
    statements: [
      'ALTER DOMAIN units DROP CONSTRAINT units_are_never_negative',
      `UPDATE level SET on_hand = -1 WHERE ${firstOf('level')}`,
    ],
  },
  {
    fault: 'units that are held by nobody',
    rule: '2: reserved and committed are the open units of the held and of the confirmed lines',
    statements: [`UPDATE level SET reserved = reserved + 1 WHERE ${firstOf('level')}`],
  },
  {
    fault: 'a held line that is gone',
    rule: '2: reserved and committed are the open units of the held and of the confirmed lines',
    statements: [`DELETE FROM reservation_line WHERE ${firstOf('reservation_line', "state = 'held'")}`],
  },
  {
    fault: 'a unit that came from nowhere',
    rule: '3: every balance is the sum of its deltas in the ledger',
    statements: [`UPDATE level SET on_hand = on_hand + 1 WHERE ${firstOf('level')}`],
  },
  {
    fault: 'a lost entry',
    rule: 'chain: the balances after an entry are those after the one before it, and its deltas',
    statements: [
      `DELETE FROM ledger_entry WHERE (tableoid, ctid) =
        (SELECT tableoid, ctid FROM ledger_entry WHERE type = 'reserve' ORDER BY seq LIMIT 1)`,
    ],
  },
  {
    fault: 'an entry that is earlier than the one before it',
    rule: 'chain: the balances after an entry are those after the one before it, and its deltas',
    statements: [`UPDATE ledger_entry SET at = at - interval '1 hour' WHERE ${newest('ledger_entry')}`],
  },
  {
    fault: 'an entry twice',
    rule: 'numbers: no two entries of the ledger have the same',
    statements: [
      `INSERT INTO ledger_entry (seq, at, type, product_id, location_id, delta_on_hand, delta_reserved, delta_committed,
         on_hand, reserved, committed, actor)
       SELECT seq, at + interval '1 ms', type, product_id, location_id, 0, 0, 0, on_hand, reserved, committed, actor
       FROM ledger_entry WHERE type <> 'reserve' LIMIT 1`,
    ],
  },
  {
    fault: 'a sale of what was not there',
    rule: 'oversold: a reserve found what it took',
    statements: [
      'ALTER TABLE ledger_entry DROP CONSTRAINT ledger_reserve_takes_only_what_is_there',
      `UPDATE ledger_entry SET reserved = on_hand + 1 WHERE (tableoid, ctid) =
         (SELECT tableoid, ctid FROM ledger_entry WHERE type = 'reserve' LIMIT 1)`,
    ],
  },
  {
    fault: 'an effect that no command had',
    rule: 'journal: each entry of the ledger belongs to exactly one accepted command',
    statements: [
      `DELETE FROM journal_entry WHERE (tableoid, ctid) =
        (SELECT tableoid, ctid FROM journal_entry WHERE ledger_count > 0 LIMIT 1)`,
    ],
  },
  {
    fault: 'a command without its effect',
    rule: 'journal: commands have as many entries as they say',
    statements: [
      `UPDATE journal_entry SET ledger_count = ledger_count + 1 WHERE (tableoid, ctid) =
        (SELECT tableoid, ctid FROM journal_entry WHERE ledger_count > 0 ORDER BY id DESC LIMIT 1)`,
    ],
  },
  {
    fault: 'a cancelled reservation that still holds',
    rule: 'reservations: one that is over holds nothing, one that is confirmed does',
    statements: [`UPDATE reservation SET status = 'cancelled' WHERE ${firstOf('reservation', "status = 'pending'")}`],
  },
  {
    fault: 'a confirmed reservation with held lines',
    rule: 'reservations: lines are in the state of their reservation',
    statements: [`UPDATE reservation SET status = 'confirmed' WHERE ${firstOf('reservation', "status = 'pending'")}`],
  },
  {
    fault: 'a line that lapses at another time',
    rule: 'reservations: lines are in the state of their reservation',
    statements: [
      `UPDATE reservation_line SET expires_at = expires_at + interval '1 s'
       WHERE ${firstOf('reservation_line', "state = 'held'")}`,
    ],
  },
  {
    fault: 'a reservation without lines',
    rule: 'reservations: each has lines, each line its reservation',
    statements: [
      `DELETE FROM reservation_line WHERE reservation_id = (SELECT id FROM reservation WHERE status = 'shipped' LIMIT 1)`,
    ],
  },
  {
    fault: 'a hold that expired without a trace',
    rule: 'expiry: what expired was given back exactly once',
    statements: [
      `UPDATE reservation_line SET state = 'expired' WHERE ${firstOf('reservation_line', "state = 'held'")}`,
    ],
  },
  {
    fault: 'an alert that nobody sees',
    rule: 'alerts: what a level says is open is what is open',
    statements: [`UPDATE alert SET status = 'resolved', resolved_at = opened_at WHERE status <> 'resolved'`],
  },
  {
    fault: 'an alert that was never opened',
    rule: 'alerts: one is open exactly while its condition holds',
    statements: [`UPDATE level SET open_alerts = 0 WHERE open_alerts <> 0`],
  },
  {
    fault: 'a transfer with one side',
    rule: 'transfers: each has both sides in the ledger, line by line',
    statements: [
      `DELETE FROM ledger_entry WHERE (tableoid, ctid) =
        (SELECT tableoid, ctid FROM ledger_entry WHERE type = 'transfer_in' LIMIT 1)`,
    ],
  },
])('the checker sees $fault', async ({ rule, statements }) => {
  expect(await lookAfter(statements, findFaults)).toContain(rule);
});

test.each([
  {
    fault: 'an effect that is gone',
    rule: 'every acknowledged effect is in the ledger',
    statements: [
      `DELETE FROM ledger_entry WHERE (tableoid, ctid) =
        (SELECT tableoid, ctid FROM ledger_entry WHERE type = 'adjustment' LIMIT 1)`,
    ],
  },
  {
    fault: 'an effect that came twice',
    rule: 'nothing is in the ledger that was not acknowledged, or twice',
    statements: [
      `INSERT INTO ledger_entry SELECT (e).* FROM (
         SELECT jsonb_populate_record(NULL::ledger_entry, to_jsonb(l) || jsonb_build_object('seq', seq + 1)) AS e
         FROM ledger_entry l WHERE type = 'adjustment' LIMIT 1) twice`,
    ],
  },
  {
    fault: 'a reservation that is gone',
    rule: 'every acknowledged reservation is there',
    statements: [`DELETE FROM reservation WHERE ${firstOf('reservation')}`],
  },
  {
    fault: 'a reservation that nobody was told of',
    rule: 'no reservation is there that was not acknowledged',
    statements: [`UPDATE reservation SET order_id = 'another' WHERE ${firstOf('reservation')}`],
  },
  {
    fault: 'a transfer that nobody was told of',
    rule: 'no transfer is there that was not acknowledged',
    statements: [`UPDATE transfer SET reference_id = 'another' WHERE ${firstOf('transfer')}`],
  },
  {
    fault: 'a stored answer that is not the one that was given',
    rule: 'nothing is stored under a key that was not acknowledged',
    statements: [`UPDATE idempotency_key SET body = '{}' WHERE ${firstOf('idempotency_key')}`],
  },
])('clients see $fault', async ({ rule, statements }) => {
  const faults = await lookAfter(statements, (client) => checkEffects(client, traffic.journal));
  expect(faults).toContain(rule);
});

test('an answer that no client can act on is a fault', async () => {
  const answer = await fleet.api(0).call({ method: 'GET', path: '/api/v1/products/none' });
  expect(bodyOf(answer)['code']).toBe('product_not_found');
  const entry = traffic.journal.open('broken', { method: 'GET', path: '/' });
  try {
    entry.outcome = 'broken';
    entry.attempts.push({ answer, failure: null });
    const faults = await withClient(fleet.database.connection, (client) => checkEffects(client, traffic.journal));
    expect(faults.map(({ rule }) => rule)).toEqual(['every request got an answer that a client can act on (1)']);
  } finally {
    traffic.journal.entries.pop();
  }
});
