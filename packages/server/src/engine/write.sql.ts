import { numberArray, textArray } from '../platform/database/index.ts';
import { updateKnownLevels } from './known.sql.ts';
import { LOCATION_FLAGS_LOCK, type Statement } from './read.sql.ts';
import type { Line, Writes } from './stock.state.ts';
import {
  deleteLines,
  insertAlerts,
  insertAnswers,
  insertEventBatches,
  insertJournal,
  insertLedger,
  insertLevels,
  insertLines,
  insertMovedLines,
  insertReservations,
  insertTransferLines,
  insertTransfers,
  resolveAlerts,
  updateLevels,
  updateLines,
  updateProducts,
  updateReservations,
  updateWholeLevels,
  type Part,
} from './write.parts.sql.ts';

/**
 * The statements that write a decision: one set-based statement for nearly all of it. What must be gone before a row of
 * the same unique key can come (a resolved alert, before it re-opens) goes ahead of it; so do the keys of old answers.
 */
export function writeStatements(writes: Writes, oldAnswers: Statement | null, nowMs: number): Statement[] {
  const statements = oldAnswers === null ? [] : [oldAnswers];
  const resolved = [...writes.alerts].filter((alert) => !alert.isNew);
  if (resolved.length > 0) statements.push(compose('resolve_alerts', [['resolve', resolveAlerts(resolved)]]));
  const parts = partsOf(writes, nowMs);
  if (parts.length > 0) statements.push(compose('write', parts));
  return statements;
}

/**
 * Writes a decision that was made on what is known of levels, if they are still so: see {@link updateKnownLevels}. The lock
 * on location flags is taken with it: what is read after this statement holds until the commit.
 */
export function writeKnownStatement(writes: Writes, nowMs: number): Statement {
  const { levels, ...others } = writes;
  const parts: NamedPart[] = [
    ['known_level', updateKnownLevels([...levels])],
    ...partsOf({ ...others, levels: new Set() }, nowMs),
  ];
  return compose('write', parts, {
    sql: `SELECT refuse_unless((SELECT count(*) FROM w_known_level) = ?::bigint),
      pg_advisory_xact_lock_shared(${LOCATION_FLAGS_LOCK})`,
    columns: [String(levels.size)],
  });
}

/** Frees keys that were kept for longer than 24 hours and are used again. */
export function deleteOldAnswers(owners: string[], keys: string[], chunks: number[]): Statement {
  return compose('old_answers', [
    [
      'old',
      {
        sql: `DELETE FROM idempotency_key i USING unnest(?::text[], ?::text[], ?::integer[]) AS k (owner, key, chunk)
          WHERE i.owner = k.owner AND i.key = k.key AND i.chunk = k.chunk
            AND i.created_at < clock_timestamp() - interval '24 hours'`,
        columns: [textArray(owners), textArray(keys), numberArray(chunks)],
      },
    ],
  ]);
}

type NamedPart = [name: string, part: Part];

function partsOf(writes: Writes, nowMs: number): NamedPart[] {
  const parts: NamedPart[] = [];
  const add = <Row>(name: string, rows: Row[], part: (rows: Row[]) => Part): void => {
    if (rows.length > 0) parts.push([name, part(rows)]);
  };
  const levels = [...writes.levels];
  add(
    'level',
    levels.filter((level) => level.exists && !writes.levelSettings.has(level)),
    updateLevels,
  );
  add(
    'whole_level',
    levels.filter((level) => level.exists && writes.levelSettings.has(level)),
    updateWholeLevels,
  );
  add(
    'new_level',
    levels.filter((level) => !level.exists),
    insertLevels,
  );
  const reservations = [...writes.reservations];
  add(
    'new_reservation',
    reservations.filter((one) => one.isNew),
    (rows) => insertReservations(rows, nowMs),
  );
  add(
    'reservation',
    reservations.filter((one) => !one.isNew),
    updateReservations,
  );
  const lines = [...writes.lines];
  const newLines = lines.filter((line) => line.isNew);
  add(
    'new_line',
    newLines.filter((line) => !hasMoved(line)),
    insertLines,
  );
  add('moved_line', newLines.filter(hasMoved), insertMovedLines);
  add(
    'line',
    lines.filter((line) => !line.isNew),
    updateLines,
  );
  add('gone_line', writes.removedLines, deleteLines);
  add('ledger', writes.ledger, insertLedger);
  add('journal', writes.journal, (entries) => insertJournal(entries, nowMs));
  add('event_batch', writes.journal, (entries) => insertEventBatches(entries, writes.ledger, nowMs));
  add('answer', writes.answers, (answers) => insertAnswers(answers, nowMs));
  add(
    'new_alert',
    [...writes.alerts].filter((alert) => alert.isNew),
    insertAlerts,
  );
  add('transfer', writes.transfers, insertTransfers);
  add('transfer_line', writes.transfers, insertTransferLines);
  add('product', [...writes.products], updateProducts);
  return parts;
}

/** Units of it have been shipped or cancelled. */
const hasMoved = (line: Line): boolean => line.shipped + line.cancelled > 0;

/** Texts by name: there are few combinations, and each is prepared once per connection. */
const texts = new Map<string, string>();

/** Joins parts into one statement with common table expressions. Parts are fixed texts; values are parameters. */
function compose(prefix: string, parts: NamedPart[], main: Part = { sql: 'SELECT 1', columns: [] }): Statement {
  const name = `${prefix}:${parts.map(([part]) => part).join('+')}`;
  const values = [...parts.flatMap(([, part]) => part.columns), ...main.columns];
  let text = texts.get(name);
  if (text === undefined) {
    let parameter = 0;
    const numbered = ({ sql }: Part): string => sql.replaceAll('?', () => `$${(parameter += 1)}`);
    // A prefix: a name that is also a table's would hide the table.
    const expressions = parts.map(([name_, part]) => `w_${name_} AS (${numbered(part)})`);
    text = `WITH ${expressions.join(',\n')}\n${numbered(main)}`;
    texts.set(name, text);
  }
  return { name: shortName(name), text, values };
}

const shortNames = new Map<string, string>();

/** PostgreSQL cuts names off at 63 bytes. */
function shortName(name: string): string {
  let short = shortNames.get(name);
  if (short === undefined) {
    short = `w${shortNames.size}`;
    shortNames.set(name, short);
  }
  return short;
}
