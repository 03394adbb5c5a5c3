import type { Transaction } from 'kysely';
import { toRfc3339 } from '../kernel/clock.ts';
import type { Answer, CommandMeta } from '../kernel/command.ts';
import { Problem, problems } from '../kernel/problem.ts';
import { isConflict, isConnectionLost, isLockTimeout, type Database, type Tables } from '../platform/database/index.ts';
import { keyReused } from './decide.ts';
import { within } from './lane.ts';
import { BLOCK_SIZE } from './numbers.ts';
import type { Evidence } from './read.sql.ts';
import * as statements from './transact.sql.ts';

/** What a command that is not of stock did: its answer, and what the journal says of it. */
export interface Outcome {
  status: number;
  body: object | null;
  headers?: Record<string, string>;
  journal: { kind: string; subject: string; data: object | null }[];
  /** Members of the body that are stored as null under an idempotency key. */
  secret?: string[];
}

export type Work = (tx: Transaction<Tables>, nowMs: number) => Promise<Outcome>;

export interface TransactOptions {
  /** A location's flags change: no stock batch may be in flight meanwhile. */
  lockLocation?: number;
}

/** What was about to be committed when the answer failed to come. */
interface Sent {
  transactionId: string;
  /** null where nothing was written that would show it. */
  evidence: Evidence | null;
  answer: Answer;
}

const PAUSE_MS = 60;
const ANSWER_WITHIN_MS = 4_500;
/** Left for finding out what became of a COMMIT that was not answered. */
const SETTLE_WITHIN_MS = 700;
/** Another attempt is worth it for so long: one that is cut while it waits for a row says that the database is away. */
const ATTEMPT_MS = 500;

/**
 * Any command that is not of stock: one transaction with its journal entries and its idempotency key.
 *
 * @throws Problem: what `work` refuses with, and 503 where the database was away or the outcome stayed unknown
 */
export async function transact(
  database: Database,
  meta: CommandMeta,
  work: Work,
  options: TransactOptions = {},
): Promise<Answer> {
  const untilMs = performance.now() + ANSWER_WITHIN_MS;
  for (;;) {
    const commits: Sent[] = [];
    try {
      const timeoutMs = Math.max(1, untilMs - SETTLE_WITHIN_MS - performance.now());
      return await database.transaction(timeoutMs, (tx) =>
        inTransaction(database.servingRole, tx, meta, work, options, (sent) => void commits.push(sent)),
      );
    } catch (error) {
      if (error instanceof Problem) throw error;
      const [sent] = commits;
      const isRolledBack = isConflict(error) || isLockTimeout(error);
      // A server that ends the session says why, in any words: a panic after a COMMIT that is durable says "disk full".
      if (sent !== undefined && !isRolledBack) {
        // Late where the database falls silent when it is asked.
        const became = await within(whatBecameOf(database, sent, untilMs), untilMs).catch(() => 'unknown' as const);
        if (became === 'done') return sent.answer;
        if (became === 'unknown') throw outcomeUnknown();
      }
      if (!isConnectionLost(error) && !isRolledBack) throw error;
      const leftMs = untilMs - performance.now();
      if (leftMs < PAUSE_MS + ATTEMPT_MS + SETTLE_WITHIN_MS) throw error;
      await pause(PAUSE_MS);
    }
  }
}

export function outcomeUnknown(): Problem {
  const detail = 'The database was lost while it committed: repeat the request with the same Idempotency-Key.';
  return new Problem(problems.outcomeUnknown, detail);
}

async function inTransaction(
  role: string | null,
  tx: Transaction<Tables>,
  meta: CommandMeta,
  work: Work,
  options: TransactOptions,
  onCommit: (sent: Sent) => void,
): Promise<Answer> {
  await statements.begin(tx, role);
  const stored = await storedAnswer(tx, meta);
  if (stored !== null) return stored;
  if (options.lockLocation !== undefined) await statements.lockLocationFlags(tx, options.lockLocation);
  const clock = await statements.readClock(tx);
  const outcome = await work(tx, clock.nowMs);
  await journal(tx, meta, outcome, clock);
  const answer: Answer = {
    status: outcome.status,
    body: outcome.body === null ? null : JSON.stringify(outcome.body),
    headers: outcome.headers ?? null,
  };
  if (meta.idempotency !== null) {
    await statements.insertAnswer(
      tx,
      meta.idempotency,
      { ...answer, body: withoutSecrets(outcome) },
      toRfc3339(clock.nowMs),
    );
  }
  onCommit({ transactionId: clock.transactionId, evidence: evidenceOf(outcome, meta, clock), answer });
  return answer;
}

/** The answer that the key already has. Equal keys wait for one another here. */
async function storedAnswer(tx: Transaction<Tables>, meta: CommandMeta): Promise<Answer | null> {
  if (meta.idempotency === null) return null;
  const stored = await statements.lockAndReadAnswer(tx, meta.idempotency);
  if (stored === null) return null;
  if (stored.requestHash !== meta.idempotency.requestHash) throw keyReused(meta.idempotency.key);
  return { status: stored.status, body: stored.body, headers: stored.headers, replayed: true };
}

async function journal(
  tx: Transaction<Tables>,
  meta: CommandMeta,
  outcome: Outcome,
  clock: statements.Clock,
): Promise<void> {
  if (outcome.journal.length === 0) return;
  const blocks = [clock.block];
  while (blocks.length * BLOCK_SIZE < outcome.journal.length) blocks.push(await statements.nextBlock(tx));
  const rows = outcome.journal.map(({ kind, subject, data }, index) => ({
    id: (blocks[Math.floor(index / BLOCK_SIZE)] as number) + (index % BLOCK_SIZE),
    at: clock.nowMs,
    kind,
    actor: meta.actor,
    requestId: meta.requestId,
    subject,
    ledgerFrom: null,
    ledgerCount: 0,
    data: data === null ? null : JSON.stringify(data),
  }));
  await statements.insertJournal(tx, rows);
}

function withoutSecrets({ body, secret = [] }: Outcome): string | null {
  if (body === null) return null;
  if (secret.length === 0) return JSON.stringify(body);
  return JSON.stringify({ ...body, ...Object.fromEntries(secret.map((member) => [member, null])) });
}

function evidenceOf(outcome: Outcome, meta: CommandMeta, clock: statements.Clock): Evidence | null {
  if (outcome.journal.length > 0) return { of: 'journal', id: clock.block, atMs: clock.nowMs };
  if (meta.idempotency === null) return null;
  const { owner, key, chunk = 0 } = meta.idempotency;
  return { of: 'answer', owner, key, chunk, atMs: clock.nowMs };
}

/** As a lane does after a COMMIT that was not answered. */
async function whatBecameOf(database: Database, sent: Sent, untilMs: number): Promise<'done' | 'again' | 'unknown'> {
  while (performance.now() < untilMs) {
    const status = await statements.transactionStatus(database, sent.transactionId);
    if (status === 'aborted') return 'again';
    if (status === 'committed') {
      if (sent.evidence === null) return 'unknown';
      const isThere = await statements.isThere(database, sent.evidence);
      if (isThere !== null) return isThere ? 'done' : 'again';
    }
    await pause(PAUSE_MS);
  }
  return 'unknown';
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
