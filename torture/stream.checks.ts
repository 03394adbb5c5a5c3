import type pg from 'pg';
import type { Fault } from './checker.ts';
import { digestOf, type Read, type Reader } from './readers.ts';
import { faultUnless } from './scenario.ts';

const SHOWN = 5;

/** The kinds of the journal that are events; what remains is the audit's. Runs: Holdfast's own begin at 17 past each hour. */
const IS_EVENT =
  /^(?:reservation|transfer|alert|level|product|location)\.|^rate_limit\.limited$|^run\.(?!requested|redriven|released)/;

/**
 * What every reader of the whole stream must have read, by its type and place; from the tables, with SQL of our own. An
 * entry that no run of numbers holds, or that has no place, is missing to everybody.
 */
export async function expectedEvents(client: pg.Client): Promise<Map<string, string>> {
  const expected = new Map<string, string>();
  const ledger = await client.query<Record<string, unknown> & { place: number | null }>(
    `SELECT (b.position + (e.seq - b.first_id))::float8 AS place, e.seq::float8 AS seq, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at, e.type,
       p.sku, w.code AS location, e.delta_on_hand::float8 AS "deltaOnHand", e.delta_reserved::float8 AS "deltaReserved",
       e.delta_committed::float8 AS "deltaCommitted", e.on_hand::float8 AS "onHand", e.reserved::float8 AS reserved,
       e.committed::float8 AS committed,
       CASE WHEN e.reference_id IS NULL THEN NULL
         ELSE json_build_object('type', e.reference_type, 'id', e.reference_id) END AS reference,
       e.reason, e.notes, e.unit_cost::float8 AS "unitCost", e.lot, e.actor
     FROM ledger_entry e JOIN product p ON p.id = e.product_id JOIN location w ON w.id = e.location_id
       ${runOf('e.seq')}`,
  );
  for (const { place, ...entry } of ledger.rows) {
    expected.set(nameOf('stock.changed', place, entry['seq']), digestOf(entry));
  }
  const journal = await client.query<{ place: number | null; id: string; kind: string; data: unknown }>(
    `SELECT (b.position + (j.id - b.first_id))::float8 AS place, j.id::text AS id, j.kind, j.data::jsonb AS data
     FROM journal_entry j ${runOf('j.id')}`,
  );
  for (const { place, id, kind, data } of journal.rows) {
    if (IS_EVENT.test(kind)) expected.set(nameOf(kind, place, id), digestOf(data));
  }
  return expected;
}

/** The run of numbers that holds this one: by a step of its key, or tens of thousands would be compared with each other. */
function runOf(number: string): string {
  return `LEFT JOIN LATERAL (
    SELECT * FROM (SELECT * FROM event_batch WHERE first_id <= ${number} ORDER BY first_id DESC LIMIT 1) last
    WHERE last.last_id >= ${number}
  ) b ON true`;
}

function nameOf(type: string, place: number | null, number: unknown): string {
  return place === null ? `${type} of number ${String(number)}, which has no place` : `${type} at ${place}`;
}

/** Holds what one reader has read against what is there: all of it, once, unchanged, in its place and in order. */
export function checkReader(reader: Reader, expected: ReadonlyMap<string, string>): Fault[] {
  const { name, strays, failures } = reader;
  const events = reader.events.map((event) => ({ ...event, name: nameOf(event.type, event.position, null) }));
  const read = new Set(events.map((event) => event.name));
  const missing = [...expected.keys()].filter((event) => !read.has(event));
  const strange = events.filter((event) => !expected.has(event.name));
  const changed = events.filter((event) => expected.has(event.name) && expected.get(event.name) !== event.digest);
  return [
    ...faultOf(`${name}: nothing that was committed is missing`, missing),
    ...faultOf(
      `${name}: nothing was told that was not committed`,
      strange.map((event) => event.name),
    ),
    ...faultOf(
      `${name}: every event is what the ledger and the journal say`,
      changed.map((event) => event.name),
    ),
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
  return events.flatMap(({ level, seq }) => {
    if (level === null || seq === null) return [];
    const before = last.get(level) ?? 0;
    last.set(level, seq);
    return seq > before ? [] : [`${level}: ${seq} after ${before}`];
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

function faultOf(rule: string, rows: string[]): Fault[] {
  return rows.length === 0 ? [] : [{ rule: `${rule} (${rows.length})`, rows: rows.slice(0, SHOWN) }];
}
