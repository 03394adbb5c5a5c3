import { toRfc3339 } from '../kernel/clock.ts';
import {
  booleanArray,
  joinedJson,
  jsonArray,
  numberArray,
  recordArray,
  secondsOf,
  textArray,
  timeArray,
  type Field,
} from '../platform/database/index.ts';
import { eventRuns } from './event.runs.ts';
import type {
  Alert,
  JournalEntry,
  LedgerEntry,
  Level,
  Line,
  Product,
  Reservation,
  TransferRow,
  Writes,
} from './stock.state.ts';

/**
 * One part of the write: a data-modifying statement over `unnest`ed columns. `?` stands for the next parameter; the
 * types that are cast to are those of the columns.
 */
export interface Part {
  sql: string;
  columns: string[];
}

export const updateLevels = (levels: Level[]): Part => ({
  sql: `UPDATE level l SET on_hand = k.on_hand, reserved = k.reserved, committed = k.committed,
      open_alerts = k.open_alerts, was_available = k.was_available, version = k.version,
      last_movement_at = to_timestamp(k.last_movement_at), last_count_at = to_timestamp(k.last_count_at)
    FROM unnest(?::level_write[]) AS k
    WHERE l.product_id = k.product_id AND l.location_id = k.location_id`,
  columns: [recordArray(levels, levelFields)],
});

const levelFields = (level: Level): Field[] => [
  level.product.id,
  level.location.id,
  level.onHand,
  level.reserved,
  level.committed,
  level.openAlerts,
  level.wasAvailable,
  level.version,
  secondsOf(level.lastMovementAt),
  secondsOf(level.lastCountAt),
];

const LEVEL_ALL = `product_id, location_id, on_hand, reserved, committed, open_alerts, was_available, version,
  last_movement_at, last_count_at, safety_stock, reorder_point, reorder_quantity, max_level, own_settings, zone, aisle,
  shelf`;

const LEVEL_ALL_ARRAYS = `?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::smallint[], ?::boolean[],
  ?::bigint[], ?::timestamptz[], ?::timestamptz[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::smallint[],
  ?::text[], ?::text[], ?::text[]`;

const levelColumns = (levels: Level[]): string[] => [
  ...levelKeys(levels),
  ...unitColumns(levels),
  numberArray(levels.map((level) => level.openAlerts)),
  booleanArray(levels.map((level) => level.wasAvailable)),
  numberArray(levels.map((level) => level.version)),
  timeArray(levels.map((level) => level.lastMovementAt)),
  timeArray(levels.map((level) => level.lastCountAt)),
  numberArray(levels.map((level) => level.safetyStock)),
  numberArray(levels.map((level) => level.reorderPoint)),
  numberArray(levels.map((level) => level.reorderQuantity)),
  numberArray(levels.map((level) => level.maxLevel)),
  numberArray(levels.map((level) => level.ownSettings)),
  textArray(levels.map((level) => level.zone)),
  textArray(levels.map((level) => level.aisle)),
  textArray(levels.map((level) => level.shelf)),
];

export const updateWholeLevels = (levels: Level[]): Part => ({
  sql: `UPDATE level l SET on_hand = k.on_hand, reserved = k.reserved, committed = k.committed,
      open_alerts = k.open_alerts, was_available = k.was_available, version = k.version,
      last_movement_at = k.last_movement_at, last_count_at = k.last_count_at, safety_stock = k.safety_stock,
      reorder_point = k.reorder_point, reorder_quantity = k.reorder_quantity, max_level = k.max_level,
      own_settings = k.own_settings, zone = k.zone, aisle = k.aisle, shelf = k.shelf
    FROM unnest(${LEVEL_ALL_ARRAYS}) AS k (${LEVEL_ALL})
    WHERE l.product_id = k.product_id AND l.location_id = k.location_id`,
  columns: levelColumns(levels),
});

export const insertLevels = (levels: Level[]): Part => ({
  sql: `INSERT INTO level (${LEVEL_ALL}) SELECT ${LEVEL_ALL} FROM unnest(${LEVEL_ALL_ARRAYS}) AS k (${LEVEL_ALL})`,
  columns: levelColumns(levels),
});

/** New ones are pending: their ids are not known to anyone before they are committed. */
export const insertReservations = (reservations: Reservation[], nowMs: number): Part => ({
  sql: `INSERT INTO reservation (id, status, type, order_id, user_id, product_ids, expires_at, created_at)
    SELECT id, 'pending', type, order_id, user_id, product_ids, to_timestamp(expires_at), ?::timestamptz
    FROM unnest(?::reservation_write[])`,
  columns: [
    toRfc3339(nowMs),
    recordArray(reservations, ({ id, type, orderId, userId, productIds, expiresAt }) => [
      id,
      type,
      orderId,
      userId,
      numberArray(productIds),
      secondsOf(expiresAt),
    ]),
  ],
});

export const updateReservations = (reservations: Reservation[]): Part => ({
  sql: `UPDATE reservation r SET status = k.status, product_ids = k.product_ids::bigint[],
      cancel_reason = k.cancel_reason, expires_at = k.expires_at, confirmed_at = k.confirmed_at,
      shipped_at = k.shipped_at, cancelled_at = k.cancelled_at, expired_at = k.expired_at, version = k.version
    FROM unnest(?::uuid[], ?::text[], ?::text[], ?::text[], ?::timestamptz[], ?::timestamptz[], ?::timestamptz[],
      ?::timestamptz[], ?::timestamptz[], ?::bigint[])
      AS k (id, status, product_ids, cancel_reason, expires_at, confirmed_at, shipped_at, cancelled_at, expired_at,
        version)
    WHERE r.id = k.id`,
  columns: [
    textArray(reservations.map((one) => one.id)),
    textArray(reservations.map((one) => one.status)),
    textArray(reservations.map((one) => numberArray(one.productIds))),
    textArray(reservations.map((one) => one.cancelReason)),
    timeArray(reservations.map((one) => one.expiresAt)),
    timeArray(reservations.map((one) => one.confirmedAt)),
    timeArray(reservations.map((one) => one.shippedAt)),
    timeArray(reservations.map((one) => one.cancelledAt)),
    timeArray(reservations.map((one) => one.expiredAt)),
    numberArray(reservations.map((one) => one.version)),
  ],
});

/** As a reserve makes them: nothing of them has been shipped or cancelled. */
export const insertLines = (lines: Line[]): Part => ({
  sql: `INSERT INTO reservation_line (product_id, reservation_id, line_no, line, location_id, quantity, requested,
      state, expires_at, attributes)
    SELECT product_id, reservation_id, line_no, line, location_id, quantity, requested, state,
      to_timestamp(expires_at), attributes
    FROM unnest(?::line_write[])`,
  columns: [
    recordArray(lines, (line) => [
      line.product.id,
      line.reservation.id,
      line.lineNo,
      line.line,
      line.location?.id ?? null,
      line.quantity,
      line.requested,
      line.state,
      secondsOf(line.reservation.expiresAt),
      line.attributes === null ? null : JSON.stringify(line.attributes),
    ]),
  ],
});

/** Lines that a change made and that were shipped or cancelled before the batch was written: rare. */
export const insertMovedLines = (lines: Line[]): Part => ({
  sql: `INSERT INTO reservation_line (product_id, reservation_id, line_no, line, location_id, quantity, requested,
      shipped, cancelled, state, expires_at, attributes)
    SELECT * FROM unnest(?::bigint[], ?::uuid[], ?::integer[], ?::integer[], ?::bigint[], ?::bigint[], ?::bigint[],
      ?::bigint[], ?::bigint[], ?::text[], ?::timestamptz[], ?::jsonb[])`,
  columns: [
    ...lineKeys(lines),
    numberArray(lines.map((line) => line.line)),
    numberArray(lines.map((line) => line.location?.id ?? null)),
    numberArray(lines.map((line) => line.quantity)),
    numberArray(lines.map((line) => line.requested)),
    numberArray(lines.map((line) => line.shipped)),
    numberArray(lines.map((line) => line.cancelled)),
    textArray(lines.map((line) => line.state)),
    timeArray(lines.map((line) => line.reservation.expiresAt)),
    jsonArray(lines.map((line) => line.attributes)),
  ],
});

export const updateLines = (lines: Line[]): Part => ({
  sql: `UPDATE reservation_line l SET shipped = k.shipped, cancelled = k.cancelled, state = k.state,
      expires_at = k.expires_at
    FROM unnest(?::bigint[], ?::uuid[], ?::integer[], ?::bigint[], ?::bigint[], ?::text[], ?::timestamptz[])
      AS k (product_id, reservation_id, line_no, shipped, cancelled, state, expires_at)
    WHERE l.product_id = k.product_id AND l.reservation_id = k.reservation_id AND l.line_no = k.line_no`,
  columns: [
    ...lineKeys(lines),
    numberArray(lines.map((line) => line.shipped)),
    numberArray(lines.map((line) => line.cancelled)),
    textArray(lines.map((line) => line.state)),
    timeArray(lines.map((line) => line.reservation.expiresAt)),
  ],
});

export const deleteLines = (lines: Line[]): Part => ({
  sql: `DELETE FROM reservation_line l
    USING unnest(?::bigint[], ?::uuid[], ?::integer[]) AS k (product_id, reservation_id, line_no)
    WHERE l.product_id = k.product_id AND l.reservation_id = k.reservation_id AND l.line_no = k.line_no`,
  columns: lineKeys(lines),
});

export const insertLedger = (entries: LedgerEntry[]): Part => ({
  sql: `INSERT INTO ledger_entry (seq, at, type, product_id, location_id, delta_on_hand, delta_reserved,
      delta_committed, on_hand, reserved, committed, reference_type, reference_id, reason, notes, unit_cost, lot, actor)
    SELECT seq, to_timestamp(at), type, product_id, location_id, delta_on_hand, delta_reserved, delta_committed, on_hand,
      reserved, committed, reference_type, reference_id, reason, notes, unit_cost, lot, actor
    FROM unnest(?::ledger_write[])`,
  columns: [
    recordArray(entries, (entry) => [
      entry.seq,
      secondsOf(entry.at),
      entry.type,
      entry.level.product.id,
      entry.level.location.id,
      entry.deltaOnHand,
      entry.deltaReserved,
      entry.deltaCommitted,
      entry.onHand,
      entry.reserved,
      entry.committed,
      entry.referenceType,
      entry.referenceId,
      entry.reason,
      entry.notes,
      entry.unitCost,
      entry.lot,
      entry.actor,
    ]),
  ],
});

export const insertJournal = (entries: JournalEntry[], nowMs: number): Part => ({
  sql: `INSERT INTO journal_entry (id, at, kind, actor, request_id, subject, ledger_from, ledger_count, data)
    SELECT id, ?::timestamptz, kind, actor, request_id, subject, ledger_from, ledger_count, data
    FROM unnest(?::journal_write[], string_to_array(?::text, E'\\x1e', ''))
      AS k (id, kind, actor, request_id, subject, ledger_from, ledger_count, data)`,
  columns: [
    toRfc3339(nowMs),
    recordArray(entries, (entry) => [
      entry.id,
      entry.kind,
      entry.actor,
      entry.requestId,
      entry.subject,
      entry.ledgerFrom,
      entry.ledgerCount,
    ]),
    joinedJson(entries.map((entry) => entry.data)),
  ],
});

/** The runs of numbers that the journal entries and their ledger entries took: see migrations/0002_events.sql. */
export const insertEventBatches = (entries: JournalEntry[], ledger: LedgerEntry[], nowMs: number): Part => {
  const runs = eventRuns(entries);
  const until = ledger.reduce((latest, { at }) => Math.max(latest, at), nowMs);
  return {
    sql: `INSERT INTO event_batch (first_id, last_id, at, ledger_until)
      SELECT first_id, last_id, ?::timestamptz, ?::timestamptz
      FROM unnest(?::bigint[], ?::bigint[]) AS k (first_id, last_id)`,
    columns: [
      toRfc3339(nowMs),
      toRfc3339(until),
      numberArray(runs.map(({ firstId }) => firstId)),
      numberArray(runs.map(({ lastId }) => lastId)),
    ],
  };
};

export const insertAnswers = (answers: Writes['answers'], nowMs: number): Part => ({
  sql: `INSERT INTO idempotency_key (owner, key, chunk, request_hash, status, headers, body, created_at)
    SELECT * FROM unnest(?::text[], ?::text[], ?::integer[], ?::text[], ?::smallint[], ?::jsonb[], ?::text[],
      ?::timestamptz[])`,
  columns: [
    textArray(answers.map(({ idempotency }) => idempotency.owner)),
    textArray(answers.map(({ idempotency }) => idempotency.key)),
    numberArray(answers.map(({ idempotency }) => idempotency.chunk ?? 0)),
    textArray(answers.map(({ answer }) => answer.requestHash)),
    numberArray(answers.map(({ answer }) => answer.status)),
    jsonArray(answers.map(({ answer }) => answer.headers)),
    textArray(answers.map(({ answer }) => answer.body)),
    timeArray(answers.map(() => nowMs)),
  ],
});

export const insertAlerts = (alerts: Alert[]): Part => ({
  sql: `INSERT INTO alert (id, type, status, product_id, location_id, threshold, value, opened_at, resolved_at)
    SELECT * FROM unnest(?::uuid[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[],
      ?::timestamptz[], ?::timestamptz[])`,
  columns: [
    textArray(alerts.map((alert) => alert.id)),
    textArray(alerts.map((alert) => alert.type)),
    textArray(alerts.map((alert) => alert.status)),
    ...levelKeys(alerts.map((alert) => alert.level)),
    numberArray(alerts.map((alert) => alert.threshold)),
    numberArray(alerts.map((alert) => alert.value)),
    timeArray(alerts.map((alert) => alert.openedAt)),
    timeArray(alerts.map((alert) => alert.resolvedAt)),
  ],
});

export const resolveAlerts = (alerts: Alert[]): Part => ({
  sql: `UPDATE alert a SET status = 'resolved', resolved_at = k.resolved_at
    FROM unnest(?::uuid[], ?::timestamptz[]) AS k (id, resolved_at)
    WHERE a.id = k.id`,
  columns: [textArray(alerts.map((alert) => alert.id)), timeArray(alerts.map((alert) => alert.resolvedAt))],
});

export const insertTransfers = (transfers: TransferRow[]): Part => ({
  sql: `INSERT INTO transfer (id, status, mode, from_id, to_id, reference_type, reference_id, created_at)
    SELECT id, 'completed', 'immediate', from_id, to_id, reference_type, reference_id, created_at
    FROM unnest(?::uuid[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::timestamptz[])
      AS k (id, from_id, to_id, reference_type, reference_id, created_at)`,
  columns: [
    textArray(transfers.map((one) => one.id)),
    numberArray(transfers.map((one) => one.from.id)),
    numberArray(transfers.map((one) => one.to.id)),
    textArray(transfers.map((one) => one.reference?.type ?? null)),
    textArray(transfers.map((one) => one.reference?.id ?? null)),
    timeArray(transfers.map((one) => one.createdAt)),
  ],
});

export const insertTransferLines = (transfers: TransferRow[]): Part => {
  const lines = transfers.flatMap(({ id, lines: own }) => own.map((line, lineNo) => ({ id, lineNo, ...line })));
  return {
    sql: `INSERT INTO transfer_line (transfer_id, line_no, product_id, quantity)
      SELECT * FROM unnest(?::uuid[], ?::integer[], ?::bigint[], ?::bigint[])`,
    columns: [
      textArray(lines.map((line) => line.id)),
      numberArray(lines.map((line) => line.lineNo)),
      numberArray(lines.map((line) => line.product.id)),
      numberArray(lines.map((line) => line.quantity)),
    ],
  };
};

export const updateProducts = (products: Product[]): Part => {
  const rows = products.flatMap(({ id, row }) => (row === null ? [] : [{ id, row }]));
  return {
    sql: `UPDATE product p SET sku = k.sku, name = k.name, description = k.description, category = k.category,
        attributes = k.attributes, unit_cost = k.unit_cost, reorder_point = k.reorder_point,
        reorder_quantity = k.reorder_quantity, max_level = k.max_level, safety_stock = k.safety_stock,
        version = k.version, updated_at = k.updated_at, archived_at = k.archived_at
      FROM unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::jsonb[], ?::numeric[], ?::bigint[],
        ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::timestamptz[], ?::timestamptz[])
        AS k (id, sku, name, description, category, attributes, unit_cost, reorder_point, reorder_quantity, max_level,
          safety_stock, version, updated_at, archived_at)
      WHERE p.id = k.id`,
    columns: [
      numberArray(rows.map(({ id }) => id)),
      textArray(rows.map(({ row }) => row.sku)),
      textArray(rows.map(({ row }) => row.name)),
      textArray(rows.map(({ row }) => row.description)),
      textArray(rows.map(({ row }) => row.category)),
      jsonArray(rows.map(({ row }) => row.attributes)),
      textArray(rows.map(({ row }) => row.unit_cost)),
      numberArray(rows.map(({ row }) => row.reorder_point)),
      numberArray(rows.map(({ row }) => row.reorder_quantity)),
      numberArray(rows.map(({ row }) => row.max_level)),
      numberArray(rows.map(({ row }) => row.safety_stock)),
      numberArray(rows.map(({ row }) => row.version)),
      timeArray(rows.map(({ row }) => row.updated_at)),
      timeArray(rows.map(({ row }) => row.archived_at)),
    ],
  };
};

function levelKeys(levels: Level[]): string[] {
  return [numberArray(levels.map((level) => level.product.id)), numberArray(levels.map((level) => level.location.id))];
}

function unitColumns(rows: { onHand: number; reserved: number; committed: number }[]): string[] {
  return [
    numberArray(rows.map((row) => row.onHand)),
    numberArray(rows.map((row) => row.reserved)),
    numberArray(rows.map((row) => row.committed)),
  ];
}

function lineKeys(lines: Line[]): string[] {
  return [
    numberArray(lines.map((line) => line.product.id)),
    textArray(lines.map((line) => line.reservation.id)),
    numberArray(lines.map((line) => line.lineNo)),
  ];
}
