import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { blocksOf } from '../../../test/docs/markdown.blocks.ts';
import { systemClock } from '../../kernel/clock.ts';
import { AT_A, AT_B, BREACHES, MUG, MUG_AT_A } from './breaches.fixture.ts';
import { verify, type VerificationReport } from './index.ts';
import { compareClaims, compareEntries } from './journal.check.sql.ts';
import { onSnapshot, readExtent, type Snapshot } from './snapshot.sql.ts';

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
  // Keys so far apart that each is of a range of its own.
  await owner.query(`SELECT setval(pg_get_serial_sequence('product', 'id'), 1000)`);
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
  const lapsed = await reserve('CUP', 2);
  await owner.query(
    `UPDATE reservation SET created_at = '2026-01-01', expires_at = '2026-01-02' WHERE id = '${lapsed.id}'`,
  );
  await owner.query(`UPDATE reservation_line SET expires_at = '2026-01-02' WHERE reservation_id = '${lapsed.id}'`);
  await app.sweepExpired();
  const moved = await api('POST', '/transfers', { from: 'A', to: 'B', lines: [{ sku: 'MUG', quantity: 10 }] });
  // What callers book with the id of a transfer is no part of it.
  await owner.query(
    `UPDATE ledger_entry SET reference_type = 'transfer', reference_id = $1 WHERE type = 'receipt' AND product_id <> ${MUG}`,
    [moved.id],
  );
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
    ledgerEntries: 14,
    journalledEntries: 14,
    reservations: 5,
    openLines: 2,
    openAlerts: 2,
    transfers: 1,
  });
});

test('windows of the ledger and pages of the journal have each entry once', async () => {
  const onOwn = <Value>(work: (tx: Snapshot) => Promise<Value>) => onSnapshot(app.database, work);
  const { firstAt, lastAt, firstJournalId, lastJournalId } = await onOwn(readExtent);
  const met = { windows: 0, entries: 0, differing: 0, pages: 0, claims: 0, missing: 0 };
  for (let fromMs = firstAt ?? 0; fromMs <= (lastAt ?? 0) && met.windows < 14; met.windows += 1) {
    const startMs = fromMs;
    const { endMs, entries, differing } = await onOwn((tx) => compareEntries(tx, startMs, lastAt ?? 0, 3));
    met.entries += entries;
    met.differing += differing.length;
    fromMs = (endMs ?? lastAt ?? 0) + 1;
  }
  for (let after: number | null = (firstJournalId ?? 0) - 1; after !== null && met.pages < 14; met.pages += 1) {
    const startId: number = after;
    const { lastId, claims, missing } = await onOwn((tx) => compareClaims(tx, startId, lastJournalId ?? 0, 3));
    met.claims += claims;
    met.missing += missing.length;
    after = lastId;
  }
  expect(met).toMatchObject({ entries: 14, differing: 0, claims: 14, missing: 0 });
  // Each of some entries, and not of one or of all.
  expect(met.windows).toBeGreaterThan(1);
  expect(met.windows).toBeLessThan(6);
  expect(met.pages).toBeGreaterThan(3);
});

test('an empty installation is clean', async () => {
  const empty = await startTestApp();
  const report = await verify({ database: empty.database, clock: systemClock, limit: 1 });
  expect(report).toMatchObject({ clean: true, differenceCount: 0, checked: { products: 0, ledgerEntries: 0 } });
  await empty.close();
});

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

test.each([
  ['ledger_balances_follow_one_another', 'on_hand = on_hand + 1'],
  ['ledger_numbers_rise', `seq = (SELECT seq FROM ledger_entry WHERE type = 'commit' AND ${MUG_AT_A})`],
])('%s names the entry that breaks it', async (name, change) => {
  const ofLastSale = `WHERE type = 'sale' AND ${MUG_AT_A}`;
  const { rows: before } = await owner.query(`SELECT seq::text, on_hand FROM ledger_entry ${ofLastSale}`);
  const { rows: after } = await owner.query(`UPDATE ledger_entry SET ${change} ${ofLastSale} RETURNING seq::text`);
  const { differences } = await check();
  await owner.query(`UPDATE ledger_entry SET seq = ${before[0].seq}, on_hand = ${before[0].on_hand} ${ofLastSale}`);
  expect(differences.filter((one) => one.check === name)).toMatchObject([
    { sku: 'MUG', location: 'A', subject: after[0].seq },
  ]);
});

test('reservations and transfers are looked at some thousands at once, and each of them once', async () => {
  const found = await check();
  await owner.query(`
    WITH made AS (
      INSERT INTO reservation (id, status, type, product_ids, expires_at, created_at)
      SELECT gen_random_uuid(), status, type, product_ids, expires_at, '2025-01-01' FROM reservation,
        generate_series(1, 10000) WHERE status = 'cancelled' RETURNING id, product_ids
    )
    INSERT INTO reservation_line (product_id, reservation_id, line_no, line, location_id, quantity, requested, cancelled,
      state, expires_at)
    SELECT product_ids[1], id, 0, 0, ${AT_A}, 1, 1, 1, 'closed', '2025-01-01' FROM made;
    INSERT INTO transfer (id, status, mode, from_id, to_id, created_at)
    SELECT gen_random_uuid(), status, mode, from_id, to_id, '2025-01-01' FROM transfer, generate_series(1, 4000);
    UPDATE reservation SET status = 'shipped'
    WHERE id IN ((SELECT min(id::text)::uuid FROM reservation WHERE created_at = '2025-01-01'),
      (SELECT max(id::text)::uuid FROM reservation WHERE created_at = '2025-01-01'))`);
  const many = await check();
  await owner.query(`
    DELETE FROM reservation_line USING reservation r WHERE reservation_id = r.id AND r.created_at = '2025-01-01';
    DELETE FROM reservation WHERE created_at = '2025-01-01'; DELETE FROM transfer WHERE created_at = '2025-01-01'`);
  expect(found.differences).toEqual([]);
  expect(many.byCheck).toEqual({ reservation_status_is_that_of_its_lines: 2 });
  const { reservations, transfers } = found.checked;
  expect(many.checked).toEqual({
    ...found.checked,
    reservations: reservations + 10_000,
    transfers: transfers + 4_000,
  });
});

const STATUSES = ['pending', 'confirmed', 'shipped', 'cancelled', 'expired'];

test.each(STATUSES)('of a reservation that is %s, every other status is found', async (status) => {
  const { rows } = await owner.query<{ id: string; expired_at: string | null }>(
    `SELECT id, expired_at::text FROM reservation WHERE status = $1`,
    [status],
  );
  const [was] = rows;
  const become = (other: string) =>
    owner.query(
      `UPDATE reservation SET status = $2::text, expired_at = CASE $2::text WHEN 'expired' THEN expires_at END
       WHERE id = $1`,
      [was?.id, other],
    );
  const missed: string[] = [];
  for (const other of STATUSES) {
    await become(other);
    const { byCheck } = await check();
    if (byCheck.reservation_status_is_that_of_its_lines !== 1) missed.push(other);
  }
  await become(status);
  await owner.query('UPDATE reservation SET expired_at = $2 WHERE id = $1', [was?.id, was?.expired_at]);
  expect(missed).toEqual([status]);
});

test.each([
  ['pending', ['committed']],
  ['confirmed', ['held', 'committed', 'expired']],
  ['shipped', ['held', 'committed', 'expired']],
  ['cancelled', ['held', 'committed', 'expired']],
  ['expired', ['held', 'committed']],
])('of a reservation that is %s, another line that is %s is found', async (status, states) => {
  const found: string[] = [];
  for (const state of ['held', 'committed', 'expired', 'closed']) {
    // Of no units: nothing else tells.
    await owner.query(
      `INSERT INTO reservation_line (product_id, reservation_id, line_no, line, location_id, quantity, requested, state,
         expires_at)
       SELECT product_ids[1], id, 9, 9, ${AT_A}, 0, 1, $2, expires_at FROM reservation WHERE status = $1`,
      [status, state],
    );
    const { byCheck } = await check();
    await owner.query('DELETE FROM reservation_line WHERE line_no = 9');
    if (byCheck.reservation_status_is_that_of_its_lines === 1) found.push(state);
  }
  expect(found).toEqual(states);
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
