import type pg from 'pg';
import type { Fault } from './checker.ts';
import { codeOf } from './api.client.ts';
import { tally } from './fleet.ts';
import type { Effect, Journal } from './journal.ts';
import { OPENING } from './shop.ts';

const SHOWN = 5;

/**
 * Holds what clients were told against what is there: the ledger has the entries of every acknowledged request exactly
 * once and not one more, and what was made is there under the id that was answered. Every request must have an outcome.
 */
export async function checkEffects(client: pg.Client, journal: Journal): Promise<Fault[]> {
  const unclear = journal.entries.filter(({ outcome }) => outcome === 'open' || outcome === 'broken');
  return [
    ...faultOf(
      'every request got an answer that a client can act on',
      unclear.map(({ key, call, outcome, attempts, tookMs }) => ({
        key,
        path: call.path,
        outcome,
        attempts: tally(attempts.map(describe)),
        tookMs: Math.round(tookMs),
      })),
    ),
    ...(await compareLedger(client, journal)),
    ...(await compareMade(client, journal, 'reservation', 'SELECT id::text AS id, order_id AS key FROM reservation')),
    ...(await compareMade(client, journal, 'transfer', 'SELECT id::text AS id, reference_id AS key FROM transfer')),
    ...(await compareMade(
      client,
      journal,
      'location',
      `SELECT code AS id, name AS key FROM location WHERE name <> code`,
    )),
    ...(await compareVersions(client, journal)),
    ...(await compareAnswers(client, journal)),
  ];
}

async function compareLedger(client: pg.Client, journal: Journal): Promise<Fault[]> {
  const { rows } = await client.query<Effect>(
    `SELECT e.type, p.sku, w.code AS location, e.reference_id AS reference, e.delta_on_hand::float8 AS "onHand",
       e.delta_reserved::float8 AS reserved, e.delta_committed::float8 AS committed
     FROM ledger_entry e JOIN product p ON p.id = e.product_id JOIN location w ON w.id = e.location_id
     WHERE e.reference_id IS DISTINCT FROM $1`,
    [OPENING],
  );
  const balance = new Map<string, number>();
  const add = (effects: Effect[], sign: 1 | -1): void => {
    for (const effect of effects) {
      const name = nameOf(effect);
      balance.set(name, (balance.get(name) ?? 0) + sign);
    }
  };
  add(rows, 1);
  add(
    journal.entries.flatMap(({ effects }) => effects),
    -1,
  );
  const wrong = [...balance].filter(([, count]) => count !== 0);
  return [
    ...faultOf(
      'every acknowledged effect is in the ledger',
      wrong.filter(([, count]) => count < 0).map(([name, count]) => `${name}: ${-count} missing`),
    ),
    ...faultOf(
      'nothing is in the ledger that was not acknowledged, or twice',
      wrong.filter(([, count]) => count > 0).map(([name, count]) => `${name}: ${count} too many`),
    ),
  ];
}

async function compareMade(
  client: pg.Client,
  journal: Journal,
  table: 'reservation' | 'transfer' | 'location',
  statement: string,
): Promise<Fault[]> {
  const { rows } = await client.query<{ id: string; key: string }>(statement);
  const there = rows.map(({ id, key }) => `${key} ${id}`);
  const told = journal.entries.flatMap(({ key, made }) => (made?.table === table ? [`${key} ${made.id}`] : []));
  return [
    ...faultOf(`every acknowledged ${table} is there`, differenceOf(told, there)),
    ...faultOf(`no ${table} is there that was not acknowledged`, differenceOf(there, told)),
  ];
}

/** A product's version is 1, and 1 more for each change that was acknowledged. */
async function compareVersions(client: pg.Client, journal: Journal): Promise<Fault[]> {
  const { rows } = await client.query<{ sku: string; version: number }>(
    'SELECT sku, version::float8 AS version FROM product',
  );
  const changes = tally(journal.entries.flatMap(({ made }) => (made?.table === 'product' ? [made.id] : [])));
  const wrong = rows.filter(({ sku, version }) => version !== 1 + (changes[sku] ?? 0));
  return faultOf(
    'a product was changed as often as was acknowledged',
    wrong.map(({ sku, version }) => `${sku}: version ${version} after ${changes[sku] ?? 0} changes`),
  );
}

/** What is stored under a key is what its client was told, and a refused request stored nothing. */
async function compareAnswers(client: pg.Client, journal: Journal): Promise<Fault[]> {
  const { rows } = await client.query<{ key: string; body: string; status: number }>(
    'SELECT key, body, status FROM idempotency_key',
  );
  const stored = rows.map(({ key, status, body }) => `${key} ${status} ${body}`);
  const told = journal.entries.flatMap(({ key, outcome, answer }) =>
    outcome === 'done' && answer !== null ? [`${key} ${answer.status} ${storedTextOf(answer.text)}`] : [],
  );
  return [
    ...faultOf('every acknowledged answer is stored under its key', differenceOf(told, stored)),
    ...faultOf('nothing is stored under a key that was not acknowledged', differenceOf(stored, told)),
  ];
}

/** Of a request of many items each slice is stored with its own count; ours have one slice. */
function storedTextOf(text: string): string {
  return text.replace(/^(\{"succeeded":\d+),"failed":\d+(,"results":)/, '$1$2');
}

function differenceOf(some: string[], others: string[]): string[] {
  const known = new Set(others);
  return some.filter((one) => !known.has(one));
}

function faultOf(rule: string, rows: unknown[]): Fault[] {
  return rows.length === 0 ? [] : [{ rule: `${rule} (${rows.length})`, rows: rows.slice(0, SHOWN) }];
}

function nameOf({ type, sku, location, reference, onHand, reserved, committed }: Effect): string {
  return `${type} ${sku} at ${location} for ${reference}: ${onHand}, ${reserved}, ${committed}`;
}

function describe({ answer, failure }: Journal['entries'][number]['attempts'][number]): string {
  return answer === null ? String(failure) : `${answer.status} ${codeOf(answer)}`;
}
