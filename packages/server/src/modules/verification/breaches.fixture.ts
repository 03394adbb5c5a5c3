import type { Check } from './index.ts';

/** Something done by hand that a check must find: SQL over what the test of verification has made. */
interface Breach {
  what: string;
  break: string;
  mend: string;
  finds: Partial<Record<Check, number>>;
  says: string;
}

export const MUG = `(SELECT id FROM product WHERE sku = 'MUG')`;
export const AT_A = `(SELECT id FROM location WHERE code = 'A')`;
export const AT_B = `(SELECT id FROM location WHERE code = 'B')`;
export const MUG_AT_A = `product_id = ${MUG} AND location_id = ${AT_A}`;
const LAST_SALE = `type = 'sale' AND ${MUG_AT_A}`;
const RENUMBER_LAST_SALE = `UPDATE ledger_entry SET seq = (SELECT ledger_from FROM journal_entry
  WHERE kind = 'reservation.shipped' AND data LIKE '%"status":"confirmed"%') WHERE ${LAST_SALE}`;

/** The lines that each number of a level is of. */
const stateOf = { reserved: 'held', committed: 'committed' };

export const BREACHES: Breach[] = [
  {
    what: 'a level with one unit too many',
    break: `UPDATE level SET on_hand = on_hand + 1 WHERE ${MUG_AT_A}`,
    mend: `UPDATE level SET on_hand = on_hand - 1 WHERE ${MUG_AT_A}`,
    finds: { level_units_are_the_sum_of_its_ledger: 1 },
    says: 'onHand: the level says 89, its ledger adds up to 88',
  },
  ...(['reserved', 'committed'] as const).map((units) => ({
    what: `a level and its lines with another ${units} than its ledger`,
    break: `UPDATE level SET ${units} = ${units} + 1 WHERE ${MUG_AT_A};
      UPDATE reservation_line SET quantity = quantity + 1 WHERE state = '${stateOf[units]}'`,
    mend: `UPDATE level SET ${units} = ${units} - 1 WHERE ${MUG_AT_A};
      UPDATE reservation_line SET quantity = quantity - 1 WHERE state = '${stateOf[units]}'`,
    finds: { level_units_are_the_sum_of_its_ledger: 1 },
    says: `${units}: the level says 4, its ledger adds up to 3`,
  })),
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
  ...['on_hand', 'reserved', 'committed'].map((units) => ({
    what: `a ledger entry with another balance of ${units}`,
    break: `UPDATE ledger_entry SET ${units} = ${units} + 1 WHERE ${LAST_SALE}`,
    mend: `UPDATE ledger_entry SET ${units} = ${units} - 1 WHERE ${LAST_SALE}`,
    // That entry does not follow, and the next one does not follow from it.
    finds: { ledger_balances_follow_one_another: 1 },
    says: 'are not those before it and its deltas (and 1 more of this level)',
  })),
  {
    what: 'a ledger entry with the number of the one before it',
    break: `UPDATE ledger_entry SET seq = (SELECT seq FROM ledger_entry WHERE type = 'commit' AND ${MUG_AT_A})
      WHERE ${LAST_SALE}`,
    mend: RENUMBER_LAST_SALE,
    finds: { ledger_numbers_rise: 1, journal_has_each_ledger_entry_once: 2 },
    says: 'comes after one with a higher number',
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
    mend: RENUMBER_LAST_SALE,
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
    what: 'a settled reservation without its lines',
    break: `CREATE TABLE kept AS SELECT * FROM reservation_line WHERE state = 'closed' AND cancelled > 0;
      DELETE FROM reservation_line WHERE state = 'closed' AND cancelled > 0`,
    mend: `INSERT INTO reservation_line SELECT * FROM kept; DROP TABLE kept`,
    finds: { reservation_status_is_that_of_its_lines: 1 },
    says: 'the reservation is cancelled and has no lines',
  },
  {
    what: 'a held line of a product that neither exists nor is one of its reservation',
    break: `INSERT INTO reservation_line (product_id, reservation_id, line_no, line, location_id, quantity, requested, state,
        expires_at)
      SELECT 4000000, reservation_id, 9, 9, location_id, 1, 1, 'held', expires_at FROM reservation_line WHERE state = 'held'`,
    mend: `DELETE FROM reservation_line WHERE line_no = 9`,
    finds: { level_reserved_is_its_held_lines: 1, reservation_status_is_that_of_its_lines: 1 },
    says: 'line 9 is of product 4000000, which its reservation does not list',
  },
  {
    what: 'a held line where its product never was',
    break: `UPDATE reservation_line SET location_id = 4000000 WHERE state = 'held'`,
    mend: `UPDATE reservation_line SET location_id = ${AT_A} WHERE state = 'held'`,
    finds: { level_reserved_is_its_held_lines: 2 },
    says: 'reserved: the level has no row: it counts as 0, its held lines add up to 3',
  },
  {
    what: 'lines without their reservation',
    break: `CREATE TABLE kept AS SELECT * FROM reservation WHERE status = 'confirmed'; DELETE FROM reservation WHERE status = 'confirmed'`,
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
    what: 'an open alert of a product that never was',
    break: `UPDATE alert SET product_id = 4000000 WHERE ${MUG_AT_A}`,
    mend: `UPDATE alert SET product_id = ${MUG} WHERE product_id = 4000000`,
    finds: { level_alerts_are_its_open_alerts: 2 },
    says: 'the level has no row: it counts as no alert open, there are low_stock',
  },
  {
    what: 'a transfer of another quantity',
    break: `UPDATE transfer_line SET quantity = 11`,
    mend: `UPDATE transfer_line SET quantity = 10`,
    finds: { transfer_moved_what_it_says: 2 },
    says: 'transfer_out: its lines say -11, the ledger -10',
  },
  {
    what: 'a transfer without its lines',
    break: `CREATE TABLE kept AS TABLE transfer_line; DELETE FROM transfer_line`,
    mend: `INSERT INTO transfer_line SELECT * FROM kept; DROP TABLE kept`,
    finds: { transfer_moved_what_it_says: 2 },
    says: 'transfer_in: its lines say 0, the ledger 10',
  },
  {
    what: 'a movement of a transfer that says it is of something else',
    break: `UPDATE ledger_entry SET reference_type = 'order' WHERE type = 'transfer_out'`,
    mend: `UPDATE ledger_entry SET reference_type = 'transfer' WHERE type = 'transfer_out'`,
    finds: { transfer_moved_what_it_says: 2 },
    says: 'transfer_out: its lines say -10, the ledger 0',
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
