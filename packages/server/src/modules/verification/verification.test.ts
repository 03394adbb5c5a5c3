import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { blocksOf } from '../../../test/docs/markdown.blocks.ts';
import { systemClock } from '../../kernel/clock.ts';
import { verify, type Check, type VerificationReport } from './index.ts';

const GUIDE = fileURLToPath(new URL('../../../../../docs/guides/verify.md', import.meta.url));

let app: TestApp;
let owner: pg.Client;

async function api(method: 'GET' | 'POST' | 'PATCH', url: string, payload?: object): Promise<{ id: string }> {
  const answer = await app.app.inject({ method, url: `/api/v1${url}`, ...(payload === undefined ? {} : { payload }) });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return answer.json();
}

function check(limit = 20): Promise<VerificationReport> {
  return verify({ database: app.database, clock: systemClock, limit });
}

/** Two products at two places; every state of a reservation, a transfer, an open alert, an adjustment by hand. */
beforeAll(async () => {
  app = await startTestApp();
  owner = new pg.Client(app.connection);
  await owner.connect();
  await api('POST', '/products', { sku: 'MUG', name: 'Mug', reorderPoint: 90 });
  await api('POST', '/products', { sku: 'CUP', name: 'Cup' });
  await api('POST', '/locations', { code: 'A', name: 'A', type: 'warehouse' });
  await api('POST', '/locations', { code: 'B', name: 'B', type: 'warehouse' });
  for (const sku of ['MUG', 'CUP']) {
    await api('POST', `/inventory/${sku}/adjust`, { location: 'A', type: 'add', quantity: 100, movement: 'receipt' });
  }
  const reserve = (sku: string, quantity: number) =>
    api('POST', '/reservations', { lines: [{ sku, location: 'A', quantity }] });
  await reserve('MUG', 3);
  const confirmed = await reserve('MUG', 5);
  await api('POST', `/reservations/${confirmed.id}/confirm`, {});
  await api('POST', `/reservations/${confirmed.id}/ship`, { lines: [{ sku: 'MUG', location: 'A', quantity: 2 }] });
  const shipped = await reserve('CUP', 4);
  await api('POST', `/reservations/${shipped.id}/confirm`, { ship: true });
  const cancelled = await reserve('CUP', 6);
  await api('POST', `/reservations/${cancelled.id}/cancel`, {});
  await api('POST', '/transfers', { from: 'A', to: 'B', lines: [{ sku: 'MUG', quantity: 10 }] });
});

afterAll(async () => {
  await owner.end();
  await app.close();
});

test('what the engine wrote is clean, and counted', async () => {
  const report = await check();
  expect(report.differences).toEqual([]);
  expect(report.clean).toBe(true);
  expect(report.checked).toEqual({
    products: 2,
    levels: 3,
    ledgerEntries: 12,
    journalledEntries: 12,
    reservations: 4,
    openLines: 2,
    openAlerts: 2,
    transfers: 1,
  });
});

test('an empty installation is clean', async () => {
  const empty = await startTestApp();
  const report = await verify({ database: empty.database, clock: systemClock, limit: 1 });
  expect(report).toMatchObject({ clean: true, differenceCount: 0, checked: { products: 0, ledgerEntries: 0 } });
  await empty.close();
});

interface Breach {
  what: string;
  break: string;
  mend: string;
  finds: Partial<Record<Check, number>>;
  says: string;
}

const MUG = `(SELECT id FROM product WHERE sku = 'MUG')`;
const AT_A = `(SELECT id FROM location WHERE code = 'A')`;
const AT_B = `(SELECT id FROM location WHERE code = 'B')`;
const MUG_AT_A = `product_id = ${MUG} AND location_id = ${AT_A}`;
const LAST_SALE = `type = 'sale' AND ${MUG_AT_A}`;

const BREACHES: Breach[] = [
  {
    what: 'a level with one unit too many',
    break: `UPDATE level SET on_hand = on_hand + 1 WHERE ${MUG_AT_A}`,
    mend: `UPDATE level SET on_hand = on_hand - 1 WHERE ${MUG_AT_A}`,
    finds: { level_units_are_the_sum_of_its_ledger: 1 },
    says: 'onHand: the level says 89, its ledger adds up to 88',
  },
  {
    what: 'a level with another reserved',
    break: `UPDATE level SET reserved = reserved + 2 WHERE ${MUG_AT_A}`,
    mend: `UPDATE level SET reserved = reserved - 2 WHERE ${MUG_AT_A}`,
    finds: { level_units_are_the_sum_of_its_ledger: 1, level_reserved_is_its_held_lines: 1 },
    says: 'reserved: the level says 5, its held lines add up to 3',
  },
  {
    what: 'a negative level, where the law of the schema was dropped',
    break: `ALTER DOMAIN units DROP CONSTRAINT units_are_never_negative;
      UPDATE level SET committed = -1 WHERE ${MUG_AT_A}`,
    mend: `UPDATE level SET committed = 3 WHERE ${MUG_AT_A};
      ALTER DOMAIN units ADD CONSTRAINT units_are_never_negative CHECK (VALUE >= 0)`,
    finds: {
      level_units_are_never_negative: 1,
      level_units_are_the_sum_of_its_ledger: 1,
      level_committed_is_its_confirmed_lines: 1,
    },
    says: 'committed is -1',
  },
  {
    what: 'a held line of another quantity',
    break: `UPDATE reservation_line SET quantity = 7 WHERE state = 'held'`,
    mend: `UPDATE reservation_line SET quantity = 3 WHERE state = 'held'`,
    finds: { level_reserved_is_its_held_lines: 1 },
    says: 'reserved: the level says 3, its held lines add up to 7',
  },
  {
    what: 'a committed line that shipped more',
    break: `UPDATE reservation_line SET shipped = shipped + 1 WHERE state = 'committed'`,
    mend: `UPDATE reservation_line SET shipped = shipped - 1 WHERE state = 'committed'`,
    finds: { level_committed_is_its_confirmed_lines: 1 },
    says: 'committed: the level says 3, its confirmed lines add up to 2',
  },
  {
    what: 'a ledger entry with another delta',
    break: `UPDATE ledger_entry SET delta_on_hand = delta_on_hand - 1 WHERE ${LAST_SALE}`,
    mend: `UPDATE ledger_entry SET delta_on_hand = delta_on_hand + 1 WHERE ${LAST_SALE}`,
    finds: { level_units_are_the_sum_of_its_ledger: 1, ledger_balances_follow_one_another: 1 },
    says: 'onHand: the level says 88, its ledger adds up to 87',
  },
  {
    what: 'a ledger entry with another balance',
    break: `UPDATE ledger_entry SET on_hand = on_hand + 1 WHERE ${LAST_SALE}`,
    mend: `UPDATE ledger_entry SET on_hand = on_hand - 1 WHERE ${LAST_SALE}`,
    // That entry does not follow, and the next one does not follow from it.
    finds: { ledger_balances_follow_one_another: 1 },
    says: 'are not those before it and its deltas (and 1 more of this level)',
  },
  {
    what: 'a ledger entry that is gone',
    break: `CREATE TABLE kept AS SELECT * FROM ledger_entry WHERE ${LAST_SALE}; DELETE FROM ledger_entry WHERE ${LAST_SALE}`,
    mend: `INSERT INTO ledger_entry SELECT * FROM kept; DROP TABLE kept`,
    finds: {
      level_units_are_the_sum_of_its_ledger: 2,
      ledger_balances_follow_one_another: 1,
      journal_has_each_ledger_entry_once: 1,
    },
    says: 'which does not exist',
  },
  {
    what: 'a ledger entry with a number that its level already passed',
    break: `UPDATE ledger_entry SET seq = 1 WHERE ${LAST_SALE}`,
    mend: `UPDATE ledger_entry SET seq = (SELECT ledger_from FROM journal_entry WHERE kind = 'reservation.shipped'
      AND data LIKE '%"status":"confirmed"%') WHERE ${LAST_SALE}`,
    finds: { ledger_numbers_rise: 1, journal_has_each_ledger_entry_once: 2 },
    says: 'no journal entry has the ledger entry 1',
  },
  {
    what: 'a journal entry that is gone',
    break: `CREATE TABLE kept AS SELECT * FROM journal_entry WHERE kind = 'transfer.created';
      DELETE FROM journal_entry WHERE kind = 'transfer.created'`,
    mend: `INSERT INTO journal_entry SELECT * FROM kept; DROP TABLE kept`,
    finds: { journal_has_each_ledger_entry_once: 2 },
    says: 'no journal entry has the ledger entry',
  },
  {
    what: 'a journal entry that is there twice',
    break: `INSERT INTO journal_entry SELECT id - 1, at + interval '1 hour', kind, actor, request_id, subject, ledger_from,
      ledger_count, data FROM journal_entry WHERE kind = 'transfer.created'`,
    mend: `DELETE FROM journal_entry WHERE kind = 'transfer.created' AND ledger_from = id + 2`,
    finds: { journal_has_each_ledger_entry_once: 2 },
    says: '2 journal entries have the ledger entry',
  },
  ...['now()', `now() + interval '1 day'`].map((at) => ({
    what: `an entry of ${at} with the number of another level’s, where all else fits`,
    break: `INSERT INTO ledger_entry (seq, at, type, product_id, location_id, delta_on_hand, delta_reserved,
        delta_committed, on_hand, reserved, committed, actor)
      SELECT (SELECT max(seq) FROM ledger_entry), ${at}, 'count', product_id, location_id, 0, 0, 0, on_hand, reserved,
        committed, 'by hand' FROM level WHERE product_id <> ${MUG}`,
    mend: `DELETE FROM ledger_entry WHERE actor = 'by hand'`,
    finds: { journal_has_each_ledger_entry_once: 1 },
    says: '2 ledger entries have the number',
  })),
  {
    what: 'a reservation with another status',
    break: `UPDATE reservation SET status = 'shipped' WHERE status = 'confirmed'`,
    mend: `UPDATE reservation SET status = 'confirmed' WHERE status = 'shipped' AND shipped_at IS NULL`,
    finds: { reservation_status_is_that_of_its_lines: 1 },
    says: 'the reservation is shipped; of its 1 lines 0 are held, 1 committed (1 of them with open units)',
  },
  {
    what: 'a reservation without its lines',
    break: `CREATE TABLE kept AS SELECT * FROM reservation_line WHERE state = 'held'; DELETE FROM reservation_line WHERE state = 'held'`,
    mend: `INSERT INTO reservation_line SELECT * FROM kept; DROP TABLE kept`,
    finds: { level_reserved_is_its_held_lines: 1, reservation_status_is_that_of_its_lines: 1 },
    says: 'the reservation is pending and has no lines',
  },
  {
    what: 'lines without their reservation',
    break: `CREATE TABLE kept AS SELECT * FROM reservation WHERE status = 'cancelled'; DELETE FROM reservation WHERE status = 'cancelled'`,
    mend: `INSERT INTO reservation SELECT * FROM kept; DROP TABLE kept`,
    finds: { reservation_status_is_that_of_its_lines: 1 },
    says: 'line 0 belongs to a reservation that does not exist',
  },
  {
    what: 'a hold whose line expires at another time',
    break: `UPDATE reservation_line SET expires_at = expires_at + interval '1 day' WHERE state = 'held'`,
    mend: `UPDATE reservation_line SET expires_at = expires_at - interval '1 day' WHERE state = 'held'`,
    finds: { reservation_status_is_that_of_its_lines: 1 },
    says: '1 held lines expire at another time than their reservation',
  },
  {
    what: 'an open alert that the level does not know of',
    break: `UPDATE level SET open_alerts = 0 WHERE ${MUG_AT_A}`,
    mend: `UPDATE level SET open_alerts = 1 WHERE ${MUG_AT_A}`,
    finds: { level_alerts_are_its_open_alerts: 1 },
    says: 'the level says no alert open, there are low_stock',
  },
  {
    what: 'an alert that was resolved behind the level',
    break: `UPDATE alert SET status = 'resolved', resolved_at = opened_at`,
    mend: `UPDATE alert SET status = 'active', resolved_at = NULL`,
    finds: { level_alerts_are_its_open_alerts: 2 },
    says: 'the level says low_stock open, there are no alert',
  },
  {
    what: 'a transfer of another quantity',
    break: `UPDATE transfer_line SET quantity = 11`,
    mend: `UPDATE transfer_line SET quantity = 10`,
    finds: { transfer_moved_what_it_says: 2 },
    says: 'transfer_out: its lines say -11, the ledger -10',
  },
  {
    what: 'movements of a transfer that is gone',
    break: `CREATE TABLE kept_line AS TABLE transfer_line; CREATE TABLE kept AS TABLE transfer;
      DELETE FROM transfer_line; DELETE FROM transfer`,
    mend: `INSERT INTO transfer SELECT * FROM kept; INSERT INTO transfer_line SELECT * FROM kept_line;
      DROP TABLE kept, kept_line`,
    finds: { transfer_moved_what_it_says: 2 },
    says: 'which does not exist',
  },
  {
    what: 'a level that is gone',
    break: `CREATE TABLE kept AS SELECT product_id, location_id, on_hand, open_alerts, version, last_movement_at FROM level
        WHERE product_id = ${MUG} AND location_id = ${AT_B};
      DELETE FROM level WHERE product_id = ${MUG} AND location_id = ${AT_B}`,
    mend: `INSERT INTO level (product_id, location_id, on_hand, open_alerts, version, last_movement_at) SELECT * FROM kept;
      DROP TABLE kept`,
    finds: { level_units_are_the_sum_of_its_ledger: 1, level_alerts_are_its_open_alerts: 1 },
    says: 'onHand: the level has no row: it counts as 0, its ledger adds up to 10',
  },
];

describe('a breach is found, and nothing else', () => {
  test.each(BREACHES)('$what', async (breach) => {
    await owner.query(breach.break);
    const broken = await check();
    await owner.query(breach.mend);
    expect(broken.byCheck).toEqual(breach.finds);
    expect(broken.clean).toBe(false);
    expect(broken.differences.map(({ detail }) => detail)).toContainEqual(expect.stringContaining(breach.says));
    expect((await check()).differences).toEqual([]);
  });
});

test('the first differences are shown, all are counted', async () => {
  await owner.query(`UPDATE level SET on_hand = on_hand + 1`);
  const report = await check(1);
  await owner.query(`UPDATE level SET on_hand = on_hand - 1`);
  expect(report.differenceCount).toBe(3);
  expect(report.differences).toHaveLength(1);
});

test('a clock that was set back between a journal entry and its ledger entry is no difference', async () => {
  // As the engine writes it: the level's history never runs backwards, the journal has the clock.
  const shift = `UPDATE journal_entry SET at = at - interval '2 hours' WHERE kind = 'transfer.created'`;
  await owner.query(shift);
  const report = await check();
  await owner.query(shift.replace('at - ', 'at + '));
  expect(report.differences).toEqual([]);
});

test('nor is one that was set back for thousands of entries', async () => {
  await owner.query(`WITH entry AS (
      INSERT INTO ledger_entry (seq, at, type, product_id, location_id, delta_on_hand, delta_reserved, delta_committed,
        on_hand, reserved, committed, actor)
      SELECT 40960000 + n, now() + interval '2 hours', 'count', product_id, location_id, 0, 0, 0, on_hand, reserved,
        committed, 'set back' FROM level, generate_series(1, 12000) n WHERE product_id <> ${MUG} RETURNING seq)
    INSERT INTO journal_entry (id, at, kind, actor, subject, ledger_from, ledger_count)
    SELECT seq, now() + (seq % 10000) * interval '1 ms', 'stock.adjusted', 'set back', 'CUP', seq, 1 FROM entry`);
  const whole = await check(1);
  await owner.query(`DELETE FROM ledger_entry WHERE actor = 'set back' AND seq % 4 = 0`);
  const broken = await check(1);
  await owner.query(
    `DELETE FROM ledger_entry WHERE actor = 'set back'; DELETE FROM journal_entry WHERE actor = 'set back'`,
  );
  expect(whole.differences).toEqual([]);
  expect(broken.byCheck).toEqual({ journal_has_each_ledger_entry_once: 3_000 });
});

test('the guide’s statements mend a level that was changed by hand, and served on', async () => {
  const guide = blocksOf(await readFile(GUIDE, 'utf8')).find(({ language }) => language === 'sql')?.text ?? '';
  const mend = guide.replace('MUG-BLUE', 'MUG').replace('BERLIN', 'A');
  await owner.query(`UPDATE level SET on_hand = on_hand + 1 WHERE ${MUG_AT_A}`);
  await api('POST', '/inventory/MUG/adjust', { location: 'A', type: 'add', quantity: 5 });
  await api('POST', '/reservations', { lines: [{ sku: 'MUG', location: 'A', quantity: 1 }] });
  expect((await check()).byCheck).toEqual({
    level_units_are_the_sum_of_its_ledger: 1,
    ledger_balances_follow_one_another: 1,
  });
  await owner.query(mend);
  expect((await check()).differences).toEqual([]);

  await owner.query(`DELETE FROM level WHERE product_id = ${MUG} AND location_id = ${AT_B}`);
  await owner.query(mend.replace(`'A'`, `'B'`));
  expect((await check()).byCheck).toEqual({ level_alerts_are_its_open_alerts: 1 });
  await owner.query(`UPDATE level SET open_alerts = 1 WHERE product_id = ${MUG} AND location_id = ${AT_B}`);
  expect((await check()).differences).toEqual([]);
});

test('no false alarm beside writers', async () => {
  let isOver = false;
  const writer = async (place: number): Promise<void> => {
    for (let round = 0; !isOver; round += 1) {
      const sku = (place + round) % 2 === 0 ? 'MUG' : 'CUP';
      const made = await api('POST', '/reservations', { lines: [{ sku, location: 'A', quantity: 1 }] });
      if (round % 3 === 0) await api('POST', `/reservations/${made.id}/cancel`, {});
      else await api('POST', `/reservations/${made.id}/confirm`, { ship: round % 3 === 1 });
      await api('POST', `/inventory/${sku}/adjust`, { location: 'A', type: 'add', quantity: 1 });
      await api('POST', '/transfers', { from: 'A', to: 'B', lines: [{ sku, quantity: 1 }] });
      await api('POST', '/transfers', { from: 'B', to: 'A', lines: [{ sku, quantity: 1 }] });
    }
  };
  const writers = [1, 2, 3, 4, 5, 6].map(writer);
  for (let round = 0; round < 12; round += 1) expect((await check()).differences).toEqual([]);
  isOver = true;
  await Promise.all(writers);
  expect((await check()).clean).toBe(true);
});
