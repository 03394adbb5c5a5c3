import { sql, type Transaction } from 'kysely';
import type { Answer, IdempotencyRequest } from '../kernel/command.ts';
import {
  failureCode,
  numberArray,
  textArray,
  timeArray,
  type Database,
  type Tables,
} from '../platform/database/index.ts';
import { eventRuns } from './event.runs.ts';
import { LOCATION_FLAGS_LOCK, selectEvidence, type Evidence } from './read.sql.ts';
import type { JournalEntry, StoredAnswer } from './stock.state.ts';

export interface Clock {
  nowMs: number;
  transactionId: string;
  /** The first number of a block of entry_seq. */
  block: number;
}

/**
 * Set for this transaction only: behind a transaction pooler a session's settings are not ours. Its statements follow one
 * another within milliseconds, and one of a frozen instance may keep all stock waiting: it is not left idle for long. Who
 * waits for a row does so in turns, between which others have the session.
 */
export async function begin(tx: Transaction<Tables>, role: string | null): Promise<void> {
  await sql`
    SELECT set_config('role', ${role ?? 'none'}, true), set_config('lock_timeout', '250ms', true),
      set_config('idle_in_transaction_session_timeout', '500ms', true), set_config('timezone', 'UTC', true)
  `.execute(tx);
}

/**
 * Waits until no stock batch is in flight; new ones wait meanwhile. The wait is short and repeated, since batches queue
 * behind it. So are all waits from then on, and the longest, for the location's own row, comes before: stock that has
 * nothing to do with it stood still while somebody held the row.
 */
export async function lockLocationFlags(tx: Transaction<Tables>, locationId: number): Promise<void> {
  // A batch that makes a level at the location refers to its row, which this lock allows.
  await sql`SELECT 1 FROM location WHERE id = ${locationId} FOR NO KEY UPDATE`.execute(tx);
  await sql`SELECT set_config('lock_timeout', '100ms', true)`.execute(tx);
  await sql`SELECT pg_advisory_xact_lock(${LOCATION_FLAGS_LOCK})`.execute(tx);
}

export async function readClock(tx: Transaction<Tables>): Promise<Clock> {
  const { rows } = await sql<{ now_ms: number; transaction_id: string; block: number }>`
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
      pg_current_xact_id()::text AS transaction_id, nextval('entry_seq') AS block
  `.execute(tx);
  const [row] = rows;
  if (row === undefined) throw new Error('the clock did not answer');
  return { nowMs: row.now_ms, transactionId: row.transaction_id, block: row.block };
}

export async function nextBlock(tx: Transaction<Tables>): Promise<number> {
  const { rows } = await sql<{ block: number }>`SELECT nextval('entry_seq') AS block`.execute(tx);
  return rows[0]?.block ?? 0;
}

/** Equal keys queue on an advisory lock: the second finds the first one's answer. Keys older than 24 hours are freed. */
export async function lockAndReadAnswer(
  tx: Transaction<Tables>,
  key: IdempotencyRequest,
): Promise<StoredAnswer | null> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`${key.owner}\n${key.key}`}, 7))`.execute(tx);
  const { rows } = await sql<StoredAnswer & { isOld: boolean }>`
    SELECT request_hash AS "requestHash", status, headers, body,
      created_at < clock_timestamp() - interval '24 hours' AS "isOld"
    FROM idempotency_key WHERE owner = ${key.owner} AND key = ${key.key} AND chunk = ${key.chunk ?? 0}
  `.execute(tx);
  const [row] = rows;
  if (row === undefined) return null;
  if (!row.isOld) return row;
  await sql`
    DELETE FROM idempotency_key
    WHERE owner = ${key.owner} AND key = ${key.key} AND chunk = ${key.chunk ?? 0}
  `.execute(tx);
  return null;
}

export async function insertAnswer(
  tx: Transaction<Tables>,
  key: IdempotencyRequest,
  answer: Answer,
  createdAt: string,
): Promise<void> {
  await tx
    .insertInto('idempotency_key')
    .values({
      owner: key.owner,
      key: key.key,
      chunk: key.chunk ?? 0,
      request_hash: key.requestHash,
      status: answer.status,
      headers: answer.headers === undefined || answer.headers === null ? null : JSON.stringify(answer.headers),
      body: answer.body,
      created_at: createdAt,
    })
    .execute();
}

/** By arrays: with a parameter per value, an archived location's 20,000 alerts passed the protocol's limit of 65,535. */
export async function insertJournal(tx: Transaction<Tables>, rows: JournalEntry[]): Promise<void> {
  const column = (of: (row: JournalEntry) => string | null): string => textArray(rows.map(of));
  await sql`
    INSERT INTO journal_entry (id, at, kind, actor, request_id, subject, ledger_count, data)
    SELECT id, at, kind, actor, request_id, subject, 0, data
    FROM unnest(${numberArray(rows.map(({ id }) => id))}::bigint[], ${timeArray(rows.map(({ at }) => at))}::timestamptz[],
      ${column(({ kind }) => kind)}::text[], ${column(({ actor }) => actor)}::text[],
      ${column(({ requestId }) => requestId)}::text[], ${column(({ subject }) => subject)}::text[],
      ${column(({ data }) => data)}::text[]) AS k (id, at, kind, actor, request_id, subject, data)
  `.execute(tx);
  const runs = eventRuns(rows);
  const at = timeArray(runs.map(() => rows[0]?.at ?? 0));
  await sql`
    INSERT INTO event_batch (first_id, last_id, at, ledger_until)
    SELECT first_id, last_id, at, at
    FROM unnest(${numberArray(runs.map(({ firstId }) => firstId))}::bigint[],
      ${numberArray(runs.map(({ lastId }) => lastId))}::bigint[], ${at}::timestamptz[]) AS k (first_id, last_id, at)
  `.execute(tx);
}

/**
 * What became of a transaction. `in progress` also where nobody answers yet; a number that is "in the future" was lost
 * in a crash.
 */
export async function transactionStatus({ pool }: Database, transactionId: string): Promise<string | null> {
  try {
    const { rows } = await pool.query<{ status: string | null }>('SELECT pg_xact_status($1::xid8) AS status', [
      transactionId,
    ]);
    return rows[0]?.status ?? null;
  } catch (error) {
    return failureCode(error) === '22023' ? 'aborted' : 'in progress';
  }
}

/** Whether a transaction's own row is there; null where nobody answers. */
export async function isThere({ pool }: Database, evidence: Evidence): Promise<boolean | null> {
  const { text, values } = selectEvidence(evidence);
  try {
    const { rows } = await pool.query<[boolean]>({ text, values: [...values], rowMode: 'array' });
    return rows[0]?.[0] === true;
  } catch {
    return null;
  }
}
