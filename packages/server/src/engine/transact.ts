import type { Kysely, Transaction } from 'kysely';
import { toRfc3339 } from '../kernel/clock.ts';
import type { Answer, CommandMeta } from '../kernel/command.ts';
import { Problem, problems } from '../kernel/problem.ts';
import { isConflict, isConnectionLost, isLockTimeout, type Tables } from '../platform/database/index.ts';
import { keyReused } from './decide.ts';
import { BLOCK_SIZE } from './numbers.ts';
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

export interface TransactContext {
  kysely: Kysely<Tables>;
  role: () => string | null;
}

const ATTEMPTS_MAX = 40;
const PAUSE_MS = 60;
const ANSWER_WITHIN_MS = 4_500;

/**
 * Any command that is not of stock: one transaction with its journal entries and its idempotency key.
 *
 * @throws Problem: what `work` refuses with, and 503 where the database was away or the outcome stayed unknown
 */
export async function transact(
  context: TransactContext,
  meta: CommandMeta,
  work: Work,
  options: TransactOptions = {},
): Promise<Answer> {
  const untilMs = performance.now() + ANSWER_WITHIN_MS;
  for (let attempt = 1; ; attempt += 1) {
    const sent: { transactionId: string | null; answer: Answer | null } = { transactionId: null, answer: null };
    try {
      return await context.kysely
        .transaction()
        .execute((tx) =>
          inTransaction(context, tx, meta, work, options, (id, answer) =>
            Object.assign(sent, { transactionId: id, answer }),
          ),
        );
    } catch (error) {
      if (error instanceof Problem) throw error;
      const mayRetry = attempt < ATTEMPTS_MAX && performance.now() + PAUSE_MS < untilMs;
      if (isConnectionLost(error) && sent.transactionId !== null && sent.answer !== null) {
        const status = await whatBecameOf(context, sent.transactionId, untilMs);
        if (status === 'committed') return sent.answer;
        if (status !== 'aborted')
          throw new Problem(
            problems.outcomeUnknown,
            'The database was lost while it committed: repeat the request with the same Idempotency-Key.',
          );
      } else if (!isConnectionLost(error) && !isConflict(error) && !isLockTimeout(error)) {
        throw error;
      }
      if (!mayRetry) throw error;
      await pause(PAUSE_MS);
    }
  }
}

async function inTransaction(
  context: TransactContext,
  tx: Transaction<Tables>,
  meta: CommandMeta,
  work: Work,
  options: TransactOptions,
  onCommit: (transactionId: string, answer: Answer) => void,
): Promise<Answer> {
  await statements.begin(tx, context.role());
  const stored = await storedAnswer(tx, meta);
  if (stored !== null) return stored;
  if (options.lockLocation !== undefined) await statements.lockLocationFlags(tx);
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
  onCommit(clock.transactionId, answer);
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

async function whatBecameOf(context: TransactContext, transactionId: string, untilMs: number): Promise<string | null> {
  while (performance.now() < untilMs) {
    const status = await statements.transactionStatus(context.kysely, transactionId).catch(() => 'in progress');
    if (status !== 'in progress') return status;
    await pause(PAUSE_MS);
  }
  return null;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
