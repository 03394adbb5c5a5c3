import { Problem } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { eventProblems, instantGone, positionGone } from './event.problems.ts';
import { EventTail, type EventSpan } from './event.tail.ts';
import { JOURNAL_EVENTS, matcherOf, type EventFilter, type StreamEvent } from './event.types.ts';
import { journalEvent, stockChanged } from './event.view.ts';
import { readState, selectJournal, selectLedger, selectPlace, selectRuns, type Run } from './stream.sql.ts';

/** Events after a position, and how far that is: beyond the last of them where what followed did not match. */
export interface EventBatch {
  events: StreamEvent[];
  position: number;
}

/** Whoever has been told up to `head` has been told of everything that was committed by then, on the monotonic clock. */
interface Mark {
  head: number;
  untilMs: number;
}

interface Look extends EventBatch {
  mark: Mark;
}

/** Who wants to know of every event from now on. */
export interface FeedListener {
  /** In the order of the stream, each once. Must not throw. */
  onEvents?(events: readonly StreamEvent[]): void;
  /** The tail goes further than before, or begins anew. Must not throw. */
  onSpan?(): void;
  /** Events may have been missed: the stream could not be followed for longer than it is kept. */
  onGap?(): void;
}

export interface FeedOptions {
  database: Database;
  /** Numbers what is committed and answers the head: so that "from now on" is exact. */
  number: () => Promise<{ head: number }>;
  /** Whether hints of other instances arrive: then it looks by itself only now and then. */
  isHinted?: () => boolean;
  onError?: (error: unknown) => void;
}

const POSITIONS_AT_ONCE = 1_000;
const INTERVAL_MS = 50;
/** Where hints arrive, one look in so many is made: hints may be lost. */
const HINTED_FACTOR = 10;
const AFTER_ERROR_MS = 200;
/** Times rise with positions but for clocks of transactions that overlap. */
const TIME_SLACK_MS = 60_000;

/**
 * The stream, read: once per instance for all who follow it live, and by the page for those who come from further back.
 * While nobody follows, nothing is read but the head.
 */
export class EventFeed {
  /** What was told last; empty while nobody follows. */
  readonly tail = new EventTail();
  readonly #options: Required<FeedOptions>;
  readonly #listeners = new Set<FeedListener>();
  readonly #wakers = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;
  #position: number | null = null;
  #reading: Promise<void> | null = null;
  #isStopped = false;
  /** Somebody says that there is more than the last look saw. */
  #isWoken = false;
  #seenHead = 0;
  #reached = 0;
  #upToDateMs = 0;
  /** The next that has not been reached. */
  #mark: Mark | null = null;

  constructor(options: FeedOptions) {
    this.#options = { isHinted: () => false, onError: () => undefined, ...options };
  }

  /** The last position that is given. */
  async head(): Promise<number> {
    return (await readState(this.#options.database)).head;
  }

  /** The head, after everything that is committed by now has its position. */
  async now(): Promise<number> {
    try {
      return (await this.#options.number()).head;
    } catch (error) {
      // Where a database takes no writes nothing is committed either: but for what was left, there is nothing to number.
      const { head, isBehind } = await readState(this.#options.database);
      if (isBehind) throw error;
      return head;
    }
  }

  /** Events up to this position are kept no longer. */
  async forgotten(): Promise<number> {
    return (await this.extent()).forgotten;
  }

  /** The last position that is given, and the last that is kept no longer. */
  async extent(): Promise<{ head: number; forgotten: number }> {
    return readState(this.#options.database);
  }

  /**
   * A position before all events of an instant, in milliseconds since the epoch, and of later ones.
   *
   * @throws Problem `position_gone` where some of them may be kept no longer
   */
  async positionBefore(instantMs: number): Promise<number> {
    const { before, firstMs } = await selectPlace(this.#options.database, instantMs - TIME_SLACK_MS);
    const forgotten = await this.forgotten();
    if (forgotten > 0 && firstMs !== null && firstMs > instantMs) throw instantGone(firstMs, forgotten);
    return before;
  }

  /** A position behind all events of before an instant. */
  async positionBehind(instantMs: number): Promise<number> {
    return (await selectPlace(this.#options.database, instantMs + TIME_SLACK_MS)).behind;
  }

  /** How far those who follow live have been told; null while nobody follows. */
  get position(): number | null {
    return this.#position;
  }

  /** When this instance last knew that it had told everything, on the monotonic clock of the process. */
  get upToDateMs(): number {
    return this.#upToDateMs;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /**
   * Events after a position, oldest first. `limit` bounds what is looked at, as does the size of what is read, so that
   * an answer may hold fewer events, or none, though more follow.
   *
   * @throws Problem `position_gone`
   */
  async read(after: number, { limit, ...filter }: EventFilter & { limit: number }): Promise<EventBatch> {
    const { events, position } = await this.#look(after, limit, filter);
    return { events, position };
  }

  async #look(after: number, limit: number, filter: EventFilter): Promise<Look> {
    const { database } = this.#options;
    // Each run has an entry at least.
    const runs = cut(await selectRuns(database.kysely, after, limit), after, limit);
    const last = runs.at(-1);
    // Looked at after the runs: what was forgotten in between is not taken for a gap that never was.
    const askedMs = performance.now();
    const { head, forgotten, behindMs } = await readState(database);
    if (after < forgotten) throw positionGone(after, forgotten);
    const mark = { head, untilMs: askedMs - behindMs };
    if (last === undefined) return { events: [], position: after, mark };
    const [journal, ledger] = await Promise.all([
      selectJournal(database.kysely, runs, JOURNAL_EVENTS),
      selectLedger(database.kysely, runs),
    ]);
    const matches = matcherOf(filter);
    const position = journal.cutAt === null ? last.position + (last.lastId - last.firstId) : journal.cutAt - 1;
    const events = [...journal.entries.map(journalEvent), ...ledger.map(stockChanged)]
      .filter((event) => event.position <= position && matches(event))
      .sort((one, other) => one.position - other.position);
    return { events, position, mark };
  }

  /** Tells of every event that is committed from now on, and perhaps of some of the last moment. */
  subscribe(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    this.wake();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#position = null;
      this.tail.clear();
    };
  }

  /** Calls, coalesced, whenever there may be something new to read. */
  onAdvance(callback: () => void): () => void {
    this.#wakers.add(callback);
    return () => this.#wakers.delete(callback);
  }

  /** This instance has numbered up to here. Where nobody follows, that is all that need be known. */
  reach(head: number): void {
    this.#reached = Math.max(this.#reached, head);
    if (this.#listeners.size > 0) this.wake();
    else this.#tellHead(head);
  }

  /** Some instance says that it has numbered up to here. */
  hear(head: number): void {
    if (!(head <= this.#reached)) this.wake();
  }

  /** The stream has gone on, or may have. */
  wake(): void {
    this.#isWoken = true;
    if (this.#reading !== null || this.#isStopped) return;
    this.#reading = this.#follow().finally(() => {
      this.#reading = null;
      // Somebody may have called between its last look and now.
      if (this.#isWoken) this.wake();
    });
  }

  start(): void {
    let looks = 0;
    this.#timer = setInterval(() => {
      looks += 1;
      if (!this.#options.isHinted() || looks % HINTED_FACTOR === 0) this.wake();
    }, INTERVAL_MS).unref();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#reading;
  }

  async #follow(): Promise<void> {
    while (this.#isWoken && !this.#isStopped) {
      this.#isWoken = false;
      try {
        await this.#advance();
      } catch (error) {
        this.#options.onError(error);
        await new Promise((resolve) => setTimeout(resolve, AFTER_ERROR_MS));
      }
    }
  }

  async #advance(): Promise<void> {
    if (this.#listeners.size === 0) {
      this.#tellHead(await this.head());
      return;
    }
    if (this.#position === null) this.#beginAt(await this.head());
    for (;;) {
      const after = this.#position;
      // The last listener may have gone meanwhile.
      if (after === null || this.#isStopped) return;
      const { events, position, mark } = await this.#readOrSkip(after);
      if (this.#position !== after) continue;
      if (position > after) {
        this.#position = position;
        this.#tell({ events, after, position });
        this.#tellHead(position);
      }
      this.#note(position, mark);
      if (position === after) return;
    }
  }

  async #readOrSkip(after: number): Promise<Look> {
    try {
      return await this.#look(after, POSITIONS_AT_ONCE, {});
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== eventProblems.positionGone.code) throw error;
      const head = await this.head();
      this.#beginAt(head);
      for (const listener of this.#listeners) listener.onGap?.();
      return { events: [], position: head, mark: { head, untilMs: -Infinity } };
    }
  }

  /** While commits come all the time, more are numbered by the time that these are told: then the mark before counts. */
  #note(position: number, mark: Mark): void {
    const reached = [mark, this.#mark].find((one) => one !== null && position >= one.head);
    if (reached != null) this.#upToDateMs = Math.max(this.#upToDateMs, reached.untilMs);
    if (position >= mark.head) this.#mark = null;
    else if (reached !== undefined || this.#mark === null) this.#mark = mark;
  }

  #beginAt(position: number): void {
    this.#position = position;
    this.#mark = null;
    this.tail.restart(position);
    for (const listener of this.#listeners) listener.onSpan?.();
  }

  #tell(span: EventSpan): void {
    this.tail.push(span);
    for (const listener of this.#listeners) {
      if (span.events.length > 0) listener.onEvents?.(span.events);
      listener.onSpan?.();
    }
  }

  #tellHead(head: number): void {
    if (head === this.#seenHead) return;
    this.#seenHead = head;
    for (const waker of this.#wakers) waker();
  }
}

/** The parts of the runs that lie after a position, `limit` entries at most. */
function cut(runs: Run[], after: number, limit: number): Run[] {
  const parts: Run[] = [];
  let left = limit;
  for (const run of runs) {
    if (left <= 0) break;
    const skipped = Math.max(0, after + 1 - run.position);
    const firstId = run.firstId + skipped;
    const lastId = Math.min(run.lastId, firstId + left - 1);
    parts.push({ ...run, firstId, lastId, position: run.position + skipped });
    left -= lastId - firstId + 1;
  }
  return parts;
}
