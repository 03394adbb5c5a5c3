import type pg from 'pg';
import type { Fault } from './checker.ts';
import { digestOf, type Read, type Reader } from './readers.ts';
import { faultUnless } from './scenario.ts';

const SHOWN = 5;

/** The kinds of the journal that are no events: what API.md's "Live updates" does not name. */
const EVENT_KINDS = ['reservation.', 'transfer.', 'alert.', 'level.', 'product.', 'location.'];

/** What every reader of the whole stream must have read, by its id; from the tables, with SQL of our own. */
export async function expectedEvents(client: pg.Client): Promise<Map<string, string>> {
  const expected = new Map<string, string>();
  const ledger = await client.query<Record<string, unknown> & { seq: number }>(
    `SELECT e.seq::float8 AS seq, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at, e.type,
       p.sku, w.code AS location, e.delta_on_hand::float8 AS "deltaOnHand", e.delta_reserved::float8 AS "deltaReserved",
       e.delta_committed::float8 AS "deltaCommitted", e.on_hand::float8 AS "onHand", e.reserved::float8 AS reserved,
       e.committed::float8 AS committed,
       CASE WHEN e.reference_id IS NULL THEN NULL
         ELSE json_build_object('type', e.reference_type, 'id', e.reference_id) END AS reference,
       e.reason, e.notes, e.unit_cost::float8 AS "unitCost", e.lot, e.actor
     FROM ledger_entry e JOIN product p ON p.id = e.product_id JOIN location w ON w.id = e.location_id`,
  );
  for (const row of ledger.rows) expected.set(`stock.changed ${row.seq}`, digestOf(row));
  const journal = await client.query<{ id: string; kind: string; data: unknown }>(
    'SELECT id::text AS id, kind, data::jsonb AS data FROM journal_entry',
  );
  for (const { id, kind, data } of journal.rows) {
    if (EVENT_KINDS.some((prefix) => kind.startsWith(prefix))) expected.set(`${kind} ${id}`, digestOf(data));
  }
  return expected;
}

/** Holds what one reader has read against what is there: all of it, once, unchanged and in order. */
export function checkReader(reader: Reader, expected: ReadonlyMap<string, string>): Fault[] {
  const { name, events, strays, failures } = reader;
  const read = new Map(events.map((event) => [nameOf(event), event]));
  const missing = [...expected.keys()].filter((id) => !read.has(id));
  const strange = events.filter((event) => !expected.has(nameOf(event)));
  const changed = events.filter((event) => expected.has(nameOf(event)) && expected.get(nameOf(event)) !== event.digest);
  return [
    ...faultOf(`${name}: nothing that was committed is missing`, missing),
    ...faultOf(`${name}: nothing was told that was not committed`, strange.map(nameOf)),
    ...faultOf(`${name}: every event is what the ledger and the journal say`, changed.map(nameOf)),
    ...faultOf(`${name}: no event came twice or out of order`, strays),
    ...faultUnless(read.size === events.length, `${name}: each event was read once`, events.length - read.size),
    ...faultOf(`${name}: the entries of a level come in the order of the ledger`, fallingNumbers(events)),
    ...faultOf(
      `${name}: what happens to a reservation comes in the order in which it happened`,
      fallingVersions(events),
    ),
    ...faultOf(`${name}: no connection ended in a way that no reader expects`, failures),
  ];
}

function fallingNumbers(events: readonly Read[]): string[] {
  const last = new Map<string, number>();
  return events.flatMap(({ level, id }) => {
    if (level === null) return [];
    const before = last.get(level) ?? 0;
    last.set(level, Number(id));
    return Number(id) > before ? [] : [`${level}: ${id} after ${before}`];
  });
}

function fallingVersions(events: readonly Read[]): string[] {
  const last = new Map<string, number>();
  return events.flatMap(({ type, subject, version }) => {
    if (!type.startsWith('reservation.') || version === null) return [];
    const before = last.get(subject) ?? 0;
    last.set(subject, version);
    return version > before ? [] : [`${subject}: version ${version} after ${before}`];
  });
}

function nameOf({ type, id }: Read): string {
  return `${type} ${id}`;
}

function faultOf(rule: string, rows: string[]): Fault[] {
  return rows.length === 0 ? [] : [{ rule: `${rule} (${rows.length})`, rows: rows.slice(0, SHOWN) }];
}
