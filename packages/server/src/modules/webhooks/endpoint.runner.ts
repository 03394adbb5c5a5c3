import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Random } from '../../kernel/random.ts';
import type { StreamEvent } from '../events/index.ts';
import { ATTEMPTS_SHOWN } from './delivery.schema.ts';
import { selectBodies } from './delivery.sql.ts';
import type { Endpoint } from './endpoint.load.ts';
import { Latch } from '../../kernel/latch.ts';
import { skipForgotten } from './progress.sql.ts';
import { circuitAfterFailure, CLOSED, isGivenUp, verdictOn, type Circuit, type Health } from './retry.rules.ts';
import { Settlement } from './settlement.ts';
import type { Slots } from './slots.ts';
import { StreamReader, type EventSource } from './stream.reader.ts';
import { newItem, SubjectLanes, type Item, type Lane } from './subject.lanes.ts';
import type { Send, Sent } from './webhook.sender.ts';

/** What became of an attempt: `retried` is one that failed and will be made again. */
export type DeliveryResult = 'delivered' | 'retried' | 'set_aside' | 'failed';

export interface RunnerDeps {
  database: Database;
  feed: EventSource;
  send: Send;
  clock: Clock;
  random: Random;
  slots: Slots;
  /** By the database's time. */
  newItemId: () => string;
  /** The endpoint, as it was read, is to be sent nothing any more. */
  disable: (endpoint: Pick<Endpoint, 'id' | 'version'>, reason: 'gone' | 'unreachable') => Promise<void>;
  onResult: (result: DeliveryResult) => void;
  /** An event was set aside or given up; a stretch of the stream was gone. */
  onTold: (message: string, details: object) => void;
  onError: (error: unknown) => void;
}

/** At most so many requests at once to one endpoint. It begins with one, and gets one more with every success. */
const WINDOW_MAX = 8;
/** Reading goes on while fewer events than this are unsettled, which carry less, and fewer than that wait in the log. */
const BACKLOG_MAX = 500;
const BACKLOG_MAX_CHARS = 8_000_000;
const WAITING_MAX = 5_000;
const BODIES_AT_ONCE = 20;
const BODIES_BYTES = 1_000_000;
const UNWRITTEN_MAX = 500;
const FLUSH_AT = 64;
const FLUSH_EVERY_MS = 100;
const AFTER_ERROR_MS = 500;
const AFTER_DISABLING_MS = 5_000;

/** Sends one endpoint its events, for as long as its instance holds the lease of it. */
export class EndpointRunner {
  readonly endpoint: Endpoint;
  readonly #deps: RunnerDeps;
  readonly #lanes = new SubjectLanes();
  readonly #settlement: Settlement;
  readonly #reader: StreamReader;
  readonly #latch = new Latch();
  readonly #abort = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #circuit: Circuit;
  #window = 1;
  /** Events that it took since this runner began. */
  #taken = 0;
  #isOver = false;
  #isLost = false;
  #safeUntilMs: number;
  #quietUntilMs = -Infinity;
  #flushNotBeforeMs = -Infinity;
  /** The last flush failed. */
  #isAfterError = false;
  #flushing: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();

  /** @param safeUntilMs how long the lease lasts, on the monotonic clock */
  constructor(endpoint: Endpoint, safeUntilMs: number, deps: RunnerDeps) {
    this.endpoint = endpoint;
    this.#deps = deps;
    this.#safeUntilMs = safeUntilMs;
    this.#circuit = endpoint.circuit;
    const { lease, position } = endpoint;
    this.#settlement = new Settlement({ database: deps.database, clock: deps.clock, lease, position });
    for (const item of endpoint.pending) this.#lanes.add(item).isParked = true;
    this.#reader = new StreamReader({
      feed: deps.feed,
      clock: deps.clock,
      position,
      types: endpoint.events,
      topics: endpoint.topics,
      onRead: (events, readPosition) => this.#onRead(events, readPosition),
      onForgotten: (from, to) => this.#onForgotten(from, to),
      onError: deps.onError,
    });
  }

  /** The lease is another's now. */
  get isLost(): boolean {
    return this.#isLost;
  }

  get isCircuitOpen(): boolean {
    return this.#circuit.probeAtMs !== null;
  }

  /** All events up to here were delivered, or stand in the log. */
  get position(): number {
    return this.#settlement.position;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There may be new events. */
  advance(): void {
    this.#reader.advance();
    this.#latch.set();
  }

  renewed(safeUntilMs: number): void {
    this.#safeUntilMs = Math.max(this.#safeUntilMs, safeUntilMs);
    this.#latch.set();
  }

  /** Ends at once and writes nothing more. */
  lose(): void {
    this.#isLost = true;
    this.#isOver = true;
    this.#abort.abort();
    this.#latch.set();
  }

  /** Sends nothing more, waits a moment for answers that are on their way, and writes what came of them. */
  async stop(graceMs: number): Promise<void> {
    this.#isOver = true;
    this.#latch.set();
    await this.#running;
    const timer = setTimeout(() => this.#abort.abort(), graceMs);
    await Promise.all(this.#inFlight);
    clearTimeout(timer);
    await this.#flushing;
    this.#isAfterError = false;
    while (!this.#isLost && !this.#isAfterError && this.#settlement.unwritten > 0) await this.#flush();
  }

  /**
   * Reads, sends and writes until nothing can be done for the time being.
   *
   * @returns how long that is, in milliseconds, unless something happens before
   */
  async runOnce(): Promise<number> {
    while (!this.#isOver) {
      while (this.#isReadable()) await this.#reader.readOn();
      this.#dispatch();
      this.#flushWhenWorthwhile();
      const isIdle = this.#inFlight.size === 0 && this.#flushing === null && this.#settlement.unwritten === 0;
      if (isIdle && !this.#isReadable()) return this.#restMs();
      await this.#latch.wait(this.#restMs());
    }
    return Infinity;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      let restMs = AFTER_ERROR_MS;
      try {
        restMs = await this.runOnce();
      } catch (error) {
        this.#deps.onError(error);
      }
      if (!this.#isOver) await this.#latch.wait(restMs);
    }
  }

  /** There is more to read, and room for it. */
  #isReadable(): boolean {
    const { backlog, backlogChars } = this.#settlement;
    const hasRoom = backlog < BACKLOG_MAX && backlogChars < BACKLOG_MAX_CHARS && this.#lanes.size < WAITING_MAX;
    return hasRoom && !this.#isOver && this.#reader.hasMore;
  }

  #onRead(events: readonly StreamEvent[], position: number): void {
    const items = events.map((event) => newItem(event, this.#deps.newItemId()));
    this.#settlement.read(items, position);
    // Behind one that failed it waits in the log.
    for (const item of items) if (this.#lanes.add(item).isParked) this.#settlement.note(item);
  }

  /** It was away for longer than the stream is kept: it goes on with what is left, and what it missed is told. */
  async #onForgotten(from: number, to: number): Promise<void> {
    const { database, onTold } = this.#deps;
    await skipForgotten(database.kysely, this.endpoint.lease, { from, to });
    onTold('a webhook missed events that were kept no longer', { webhook: this.endpoint.id, from, to });
  }

  /** When the next event may be sent; Infinity where something else has to happen first. */
  #sendableAtMs(): number {
    const { clock, slots } = this.#deps;
    const nowMs = clock.monotonic();
    const { size } = this.#inFlight;
    const isFull = size >= (this.isCircuitOpen ? 1 : this.#window) || (size > 0 && !slots.hasFree);
    if (isFull || this.#isOver || this.#settlement.unwritten >= UNWRITTEN_MAX) return Infinity;
    if (nowMs >= this.#safeUntilMs) return Infinity;
    const dueMs = this.#lanes.hasReady ? -Infinity : this.#lanes.nextDueMs;
    return Math.max(dueMs, this.#circuit.probeAtMs ?? -Infinity, this.#quietUntilMs);
  }

  #restMs(): number {
    const nowMs = this.#deps.clock.monotonic();
    const flushAtMs = this.#settlement.unwritten > 0 && this.#flushing === null ? this.#flushNotBeforeMs : Infinity;
    return Math.max(0, Math.min(this.#sendableAtMs(), flushAtMs, this.#reader.retryAtMs) - nowMs);
  }

  #dispatch(): void {
    const nowMs = this.#deps.clock.monotonic();
    this.#lanes.promote(nowMs);
    while (this.#sendableAtMs() <= nowMs) {
      const lane = this.isCircuitOpen ? this.#lanes.takeLeastTried() : this.#lanes.take();
      if (lane === null) return;
      this.#launch(lane);
    }
  }

  /** An endpoint's first request needs no slot: whoever holds the others, it is never kept waiting. */
  #launch(lane: Lane): void {
    const { slots, onError, clock } = this.#deps;
    const isBorrowed = this.#inFlight.size > 0;
    if (isBorrowed) slots.take();
    const attempt = this.#attempt(lane)
      .catch((error: unknown) => {
        onError(error);
        const [head] = lane.items;
        if (head !== undefined) head.dueMs = clock.monotonic() + AFTER_ERROR_MS;
        this.#lanes.putBack(lane);
      })
      .finally(() => {
        this.#inFlight.delete(attempt);
        if (isBorrowed) slots.release();
        this.#latch.set();
      });
    this.#inFlight.add(attempt);
  }

  async #attempt(lane: Lane): Promise<void> {
    const [item] = lane.items;
    if (item === undefined) return;
    const { clock, send } = this.#deps;
    if (item.body === null) await this.#loadBodies(lane);
    if (item.body === null) {
      this.#lanes.putBack(lane);
      return;
    }
    const nowMs = clock.monotonic();
    if (item.firstAttemptMs === null) {
      item.firstAttemptMs = nowMs;
      item.takenBefore = this.#taken;
    }
    const secrets = this.endpoint.secrets.filter(({ untilMs }) => untilMs > nowMs).map(({ secret }) => secret);
    const message = { id: messageIdOf(item.position), body: item.body };
    const sent = await send({ url: this.endpoint.url, secrets }, message, this.#abort.signal);
    if (sent.result === 'broken_off') {
      if (item.attempts === 0) item.firstAttemptMs = null;
      this.#lanes.putBack(lane);
      return;
    }
    item.attempts += 1;
    item.history = [...item.history, sent.attempt].slice(-ATTEMPTS_SHOWN);
    if (sent.result === 'delivered') this.#onDelivered(lane, item);
    else this.#onFailed(lane, item, sent, item.firstAttemptMs);
  }

  async #loadBodies(lane: Lane): Promise<void> {
    const wanted = this.#lanes.bodiesWanted(lane, BODIES_AT_ONCE);
    const bodies = await selectBodies(
      this.#deps.database.kysely,
      wanted.map(({ id }) => id),
      BODIES_BYTES,
    );
    for (const item of wanted) item.body = bodies.get(item.id) ?? null;
    // Of a webhook that was deleted the log is gone, and so is this one in a moment.
    if (lane.items[0]?.body === null && !this.#isOver) throw new Error('a delivery that waited is gone from the log');
  }

  #onDelivered(lane: Lane, item: Item): void {
    const wasOpen = this.isCircuitOpen;
    this.#taken += 1;
    this.#circuit = CLOSED;
    this.#window = Math.min(this.#window + 1, WINDOW_MAX);
    this.#end(lane, item, 'delivered');
    if (wasOpen) this.#lanes.recall(this.#deps.clock.monotonic());
  }

  #onFailed(lane: Lane, item: Item, sent: Sent, firstAttemptMs: number): void {
    const { clock, random } = this.#deps;
    const nowMs = clock.monotonic();
    this.#window = Math.max(1, Math.floor(this.#window / 2));
    this.#quietUntilMs = Math.max(this.#quietUntilMs, nowMs + sent.retryAfterMs);
    // One event that is refused again and again says nothing of the others.
    if (sent.isOfEndpoint || item.attempts === 1) this.#circuit = circuitAfterFailure(this.#circuit, nowMs, random());
    if (!this.isCircuitOpen || !sent.isOfEndpoint) item.refusals += 1;
    const verdict = verdictOn({ ...item, firstAttemptMs }, this.#healthSince(item), nowMs, random());
    if (verdict.kind === 'retry') this.#park(lane, item, this.#dueBy(verdict.atMs, nowMs));
    else this.#end(lane, item, verdict.kind);

    if (sent.result === 'gone') this.#disable('gone');
    else if (isGivenUp(this.#circuit, nowMs)) this.#disable('unreachable');
  }

  #healthSince(item: Item): Health {
    if (this.isCircuitOpen) return 'dead';
    return this.#taken > item.takenBefore ? 'taking' : 'failing';
  }

  /** A dead endpoint is looked at again with whatever there is, and were it with this event alone. */
  #dueBy(atMs: number, nowMs: number): number {
    const { probeAtMs } = this.#circuit;
    return probeAtMs === null || probeAtMs <= nowMs ? atMs : Math.min(atMs, probeAtMs);
  }

  /** The lane waits for its first event, in the log: the stream may be left behind. */
  #park(lane: Lane, item: Item, atMs: number): void {
    item.dueMs = atMs;
    lane.isParked = true;
    for (const one of lane.items) if (!one.isStored || one === item) this.#settlement.note(one);
    this.#lanes.putBack(lane);
    this.#deps.onResult('retried');
  }

  #end(lane: Lane, item: Item, status: Exclude<Item['status'], 'pending'>): void {
    item.status = status;
    this.#settlement.note(item);
    this.#lanes.removeHead(lane);
    this.#deps.onResult(status);
    if (status === 'delivered') return;
    const { position, type, subject, attempts } = item;
    const message =
      status === 'set_aside' ? 'a webhook refused an event, which was set aside' : 'an event was given up';
    this.#deps.onTold(message, { webhook: this.endpoint.id, position, type, subject, attempts });
  }

  #disable(reason: 'gone' | 'unreachable'): void {
    this.#quietUntilMs = this.#deps.clock.monotonic() + AFTER_DISABLING_MS;
    const { disable, onError } = this.#deps;
    disable(this.endpoint, reason).catch(onError);
  }

  #flushWhenWorthwhile(): void {
    const { unwritten } = this.#settlement;
    if (unwritten === 0 || this.#flushing !== null) return;
    const nowMs = this.#deps.clock.monotonic();
    const isWorthwhile = unwritten >= FLUSH_AT || this.#inFlight.size === 0 || nowMs >= this.#flushNotBeforeMs;
    const isHeldBack = this.#isAfterError && nowMs < this.#flushNotBeforeMs;
    if (!isWorthwhile || isHeldBack) return;
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = null;
      this.#latch.set();
    });
  }

  async #flush(): Promise<void> {
    const { clock, onError } = this.#deps;
    try {
      const safeUntilMs = await this.#settlement.flush(this.#circuit);
      if (safeUntilMs === null) return this.lose();
      this.#safeUntilMs = Math.max(this.#safeUntilMs, safeUntilMs);
      this.#flushNotBeforeMs = clock.monotonic() + FLUSH_EVERY_MS;
      this.#isAfterError = false;
    } catch (error) {
      this.#flushNotBeforeMs = clock.monotonic() + AFTER_ERROR_MS;
      this.#isAfterError = true;
      onError(error);
    }
  }
}

/** Positions are never given twice, not even after a restore: they name an event for ever. */
export function messageIdOf(position: number): string {
  return `evt_${position}`;
}
