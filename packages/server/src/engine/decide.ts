import type { Answer } from '../kernel/command.ts';
import type { IdSource } from '../kernel/ids.ts';
import { Problem, problems } from '../kernel/problem.ts';
import { adjust, transfer } from './adjust.rules.ts';
import { reserve } from './reserve.rules.ts';
import { cancel, changeLines, confirm, expire, extend, release, ship } from './reservation.rules.ts';
import { archiveProduct, changeLevelSettings, updateProduct } from './settings.rules.ts';
import type { AdjustManyCommand, Asked, Command, ReserveManyCommand } from './stock.command.ts';
import { Recorder, type Numbers } from './stock.recorder.ts';
import {
  emptyWrites,
  idempotencySlot,
  type Level,
  type StockState,
  type StoredAnswer,
  type Writes,
} from './stock.state.ts';

/** What became of one command. */
export type Outcome = { answer: Answer } | { problem: Problem };

export interface Decision {
  /** One per command, in their order. */
  outcomes: Outcome[];
  writes: Writes;
  /** What would change the decision if it were known: load it and decide again. */
  lapsedWanted: ReadonlyMap<Level, number>;
  alertsWanted: ReadonlySet<Level>;
  /** Atomic commands of which an item was refused: decide again without them. */
  doomed: Map<number, Problem>;
  /** Items that were refused of commands that were accepted. */
  refusedItems: number;
}

/**
 * Decides commands in their order of arrival over the locked state: the heart of Holdfast. It reads and changes only
 * `state`, and gives all that has to be written. A refused command leaves the state as it was.
 */
export function decide(
  asked: readonly Asked[],
  state: StockState,
  numbers: Numbers,
  ids: IdSource,
  doomed: ReadonlyMap<number, Problem> = new Map(),
): Decision {
  const writes = emptyWrites();
  const books = new Recorder(state, writes, numbers, ids);
  const newlyDoomed = new Map<number, Problem>();
  const outcomes = asked.map((one, index): Outcome => {
    const refusal = doomed.get(index);
    if (refusal !== undefined) return { problem: refusal };
    try {
      return { answer: decideOne(books, one) };
    } catch (error) {
      if (error instanceof AtomicRefusal) newlyDoomed.set(index, error.problem);
      if (error instanceof AtomicRefusal) return { problem: error.problem };
      if (error instanceof Problem) return { problem: error };
      throw error;
    }
  });
  const { lapsedWanted, alertsWanted, refusedItems } = books;
  return { outcomes, writes, lapsedWanted, alertsWanted, doomed: newlyDoomed, refusedItems };
}

/** Some items of an atomic command were done before one was refused: the whole batch is decided again without it. */
class AtomicRefusal extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

function decideOne(books: Recorder, { command, meta }: Asked): Answer {
  const stored = storedAnswer(books.state, { command, meta });
  if (stored !== null) return stored;
  books.begin({ actor: meta.actor, requestId: meta.requestId });
  const answer = apply(books, command);
  books.settleAlerts();
  if (meta.idempotency !== null) {
    const kept: StoredAnswer = {
      requestHash: meta.idempotency.requestHash,
      status: answer.status,
      headers: answer.headers ?? null,
      body: answer.body,
    };
    books.state.answers.set(idempotencySlot(meta.idempotency), kept);
    books.writes.answers.push({ idempotency: meta.idempotency, answer: kept });
  }
  return answer;
}

/** @throws Problem 422 where the key belongs to another request */
function storedAnswer(state: StockState, { meta }: Asked): Answer | null {
  if (meta.idempotency === null) return null;
  const stored = state.answers.get(idempotencySlot(meta.idempotency));
  if (stored === undefined) return null;
  if (stored.requestHash !== meta.idempotency.requestHash) throw keyReused(meta.idempotency.key);
  return { status: stored.status, body: stored.body, headers: stored.headers, replayed: true };
}

export function keyReused(key: string): Problem {
  return new Problem(problems.idempotencyKeyReused, `The key ${key} was used for another request: take a new one.`);
}

function apply(books: Recorder, command: Command): Answer {
  switch (command.kind) {
    case 'reserve': {
      const { id, body } = reserve(books, command.request);
      return { status: 201, body, headers: { location: `/api/v1/reservations/${id}`, etag: '"1"' } };
    }
    case 'reserveMany':
      return reserveMany(books, command);
    case 'confirm':
      return { status: 200, body: confirm(books, command) };
    case 'ship':
      return { status: 200, body: ship(books, command) };
    case 'cancel':
      return { status: 200, body: cancel(books, command) };
    case 'release':
      return { status: 200, body: release(books, command) };
    case 'extend':
      return { status: 200, body: extend(books, command) };
    case 'changeLines':
      return { status: 200, body: changeLines(books, command) };
    case 'expire':
      expire(books, command.id);
      return { status: 204, body: null };
    case 'adjust':
      return { status: 200, body: JSON.stringify(adjust(books, command.request)) };
    case 'adjustMany':
      return adjustMany(books, command);
    case 'transfer': {
      const { id, body } = transfer(books, command);
      return { status: 201, body, headers: { location: `/api/v1/transfers/${id}`, etag: '"1"' } };
    }
    case 'levelSettings': {
      const { version, body } = changeLevelSettings(books, command);
      return { status: 200, body, headers: { etag: `"${version}"` } };
    }
    case 'updateProduct': {
      const { product, body } = updateProduct(books, command);
      return { status: 200, body, headers: { etag: `"${product.version}"` } };
    }
    case 'archiveProduct':
      archiveProduct(books, command);
      return { status: 204, body: null };
  }
}

interface ItemResult {
  index: number;
  ok: boolean;
  error?: object;
}

/** Each reservation on its own. The answer is this chunk's slice of the results. */
function reserveMany(books: Recorder, command: ReserveManyCommand): Answer {
  const results: string[] = [];
  let succeeded = 0;
  for (const [index, request] of command.requests.entries()) {
    try {
      const { body } = reserve(books, request);
      books.settleAlerts();
      results.push(`{"index":${command.offset + index},"ok":true,"reservation":${body}}`);
      succeeded += 1;
    } catch (error) {
      books.refusedItems += 1;
      results.push(JSON.stringify(refusedItem(command.offset + index, error)));
    }
  }
  return { status: 200, body: `{"succeeded":${succeeded},"results":[${results.join(',')}]}` };
}

function adjustMany(books: Recorder, command: AdjustManyCommand): Answer {
  const results: ItemResult[] = [];
  let refusal: Problem | null = null;
  for (const [index, request] of command.requests.entries()) {
    try {
      results.push({ index: command.offset + index, ok: true, ...adjust(books, request) });
      books.settleAlerts();
    } catch (error) {
      results.push(refusedItem(command.offset + index, error));
      refusal ??= error as Problem;
    }
  }
  if (command.atomic && refusal !== null) throw new AtomicRefusal(wholeRefusal(refusal, results));
  const succeeded = results.filter(({ ok }) => ok).length;
  return { status: 200, body: JSON.stringify({ succeeded, results }) };
}

function refusedItem(index: number, error: unknown): ItemResult {
  if (!(error instanceof Problem)) throw error;
  return { index, ok: false, error: error.toJSON() };
}

/** The first refusal speaks for all; nothing was done, so the results name only what was refused. */
function wholeRefusal(refusal: Problem, results: ItemResult[]): Problem {
  const refused = results.filter((result) => !result.ok);
  const kind = { code: refusal.code, status: 409, title: refusal.title };
  const detail = `Nothing was done: item ${refused[0]?.index} was refused. ${refusal.detail}`;
  return new Problem(kind, detail, { ...refusal.extensions, index: refused[0]?.index, results: refused });
}
