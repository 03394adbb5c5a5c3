import type { Transaction } from 'kysely';
import { PgBoss } from 'pg-boss';
import { systemClock } from '../../kernel/clock.ts';
import { append } from '../../kernel/grouping.ts';
import type { Database, Tables } from '../database/index.ts';
import { inTransaction, onPool } from './boss.sql.ts';
import { hasReadyTicket, isTicketFree, queueSchema, readyQueues, type ReadyQueue } from './ticket.queue.sql.ts';

/** A place in a queue. Whoever takes it does what it stands for, or another will. */
export interface Ticket {
  id: string;
  queue: string;
  /** Higher goes first. */
  priority: number;
  /** Not before; milliseconds since the epoch. */
  dueAtMs: number;
  /** Tickets of one group are bounded together: see {@link TicketQueue.take}. */
  group: string;
}

/** A ticket that was taken, by this taking of it: settling an earlier one settles nothing. */
export interface TakenTicket {
  id: string;
  queue: string;
  retryCount: number;
}

export interface TicketQueueOptions {
  database: Database;
  /** Their names; they are made where they are not there yet. */
  queues: readonly string[];
  onError: (error: unknown) => void;
  /** false: leaves it to others to find tickets whose holder is dead. */
  supervises?: boolean;
}

/** Who takes a ticket says so often that it is alive; after so long without a word the ticket is free again. */
export const HEARTBEAT_SECONDS = 10;
interface Opened {
  boss: PgBoss;
  schema: string;
}

/** How often dead holders are looked for. */
const SUPERVISE_SECONDS = 5;
/** A ticket whose holders have all died is given up after so many. */
export const RESCUES_MAX = 5;
const ABANDONED = 'holdfast_abandoned';
const DAY_SECONDS = 86_400;
/** What is settled stays in our own tables; here it is of no use. */
const DELETE_SETTLED_AFTER_SECONDS = 60;
const KEPT_WAITING_SECONDS = 400 * DAY_SECONDS;

/**
 * The queue of what may be taken up, by pg-boss: its order, its delays, who holds what and is he alive. It knows nothing
 * of what a ticket stands for. All that changes a ticket takes part in the caller's transaction.
 */
export class TicketQueue {
  readonly #options: TicketQueueOptions;
  #opening: Promise<Opened> | null = null;
  readonly #opened: Promise<Opened>;
  #setOpened: (opened: Opened) => void = () => undefined;
  #isClosed = false;

  constructor(options: TicketQueueOptions) {
    this.#options = options;
    this.#opened = new Promise((resolve) => (this.#setOpened = resolve));
  }

  /** Once the database is there. Until then whoever wants something of the queue waits. */
  async open(): Promise<void> {
    if (this.#isClosed) return;
    this.#opening ??= this.#open();
    try {
      this.#setOpened(await this.#opening);
    } catch (error) {
      this.#opening = null;
      throw error;
    }
  }

  async #open(): Promise<Opened> {
    const { database, queues, onError, supervises = true } = this.#options;
    const schema = await queueSchema(database.kysely);
    const boss = new PgBoss({
      db: onPool(database),
      schema,
      migrate: false,
      createSchema: false,
      schedule: false,
      supervise: supervises,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
      maintenanceIntervalSeconds: 60,
      queueCacheIntervalSeconds: 60,
      // The serving role owns no index.
      reindex: false,
      monitorVacuum: false,
    });
    boss.on('error', onError);
    try {
      await boss.start();
      await ensureQueues(boss, queues);
    } catch (error) {
      await halt(boss);
      throw error;
    }
    return { boss, schema };
  }

  async send(tx: Transaction<Tables>, tickets: readonly Ticket[]): Promise<void> {
    const { boss } = await this.#opened;
    for (const [queue, some] of byQueue(tickets)) {
      const jobs = some.map(({ id, priority, dueAtMs, group }) => ({
        id,
        priority,
        ...startOf(dueAtMs),
        group: { id: group, tier: group },
        data: { ticket: id },
      }));
      await boss.insert(queue, jobs, { db: inTransaction(tx) });
    }
  }

  /** Whether there is anything to be taken: a look that writes nothing, for those who look often. */
  async hasReady(queues: readonly string[]): Promise<boolean> {
    const { schema } = await this.#opened;
    return hasReadyTicket(this.#options.database.kysely, schema, queues);
  }

  /** Whether tickets were given up. */
  async hasAbandoned(): Promise<boolean> {
    return this.hasReady([ABANDONED]);
  }

  /** Queues and priorities that have something to be taken now, the highest priority first. */
  async ready(tx: Transaction<Tables>, queues: readonly string[]): Promise<ReadyQueue[]> {
    const { schema } = await this.#opened;
    return readyQueues(tx, schema, queues);
  }

  /**
   * Takes tickets, oldest first. Bounds hold where all takers follow one another.
   *
   * @param boundOf how many tickets of a group may be taken at once; a group that is not in it: one
   */
  async take(
    tx: Transaction<Tables>,
    { queue, priority }: Pick<ReadyQueue, 'queue' | 'priority'>,
    options: { max: number; boundOf: Readonly<Record<string, number>> },
  ): Promise<TakenTicket[]> {
    const { boss } = await this.#opened;
    const taken = await boss.fetch(queue, {
      batchSize: options.max,
      minPriority: priority,
      maxPriority: priority,
      groupConcurrency: { default: 1, tiers: { ...options.boundOf } },
      db: inTransaction(tx),
    });
    return taken.map(({ id, retryCount }) => ({ id, queue, retryCount }));
  }

  /** They are done with, however it went. What was taken again by somebody else stays his. */
  async settle(tx: Transaction<Tables>, tickets: readonly TakenTicket[]): Promise<void> {
    const { boss } = await this.#opened;
    for (const [queue, some] of byQueue(tickets)) {
      await boss.complete(queue, some, null, { db: inTransaction(tx) });
    }
  }

  /** Whether it waits to be taken, as one does whose holder is dead. */
  async isFree(tx: Transaction<Tables>, queue: string, id: string): Promise<boolean> {
    const { schema } = await this.#opened;
    return isTicketFree(tx, schema, { queue, id });
  }

  /** Nobody is to take it any more; somebody who has it is not stopped. */
  async withdraw(tx: Transaction<Tables>, queue: string, ids: readonly string[]): Promise<void> {
    const { boss } = await this.#opened;
    if (ids.length > 0) await boss.cancel(queue, [...ids], { db: inTransaction(tx) });
  }

  async raise(tx: Transaction<Tables>, queue: string, id: string, priority: number): Promise<void> {
    const { boss } = await this.#opened;
    await boss.update(queue, undefined, { id, priority, db: inTransaction(tx) });
  }

  /** The holder of these is alive. */
  async touch(tickets: readonly TakenTicket[]): Promise<void> {
    const { boss } = await this.#opened;
    for (const [queue, some] of byQueue(tickets)) await boss.touch(queue, some);
  }

  /** Tickets that were given up because whoever held them died each time. The caller settles what they stand for. */
  async takeAbandoned(tx: Transaction<Tables>, max: number): Promise<string[]> {
    const { boss } = await this.#opened;
    const options = { batchSize: max, db: inTransaction(tx) };
    const taken = await boss.fetch<{ ticket: string }>(ABANDONED, options);
    if (taken.length > 0) await boss.complete(ABANDONED, taken, null, { db: inTransaction(tx) });
    return taken.map(({ data }) => data.ticket);
  }

  /** Looks for dead holders now, rather than within seconds. */
  async supervise(): Promise<void> {
    const { boss } = await this.#opened;
    await boss.supervise();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = await this.#opening?.catch(() => null);
    if (opened) await halt(opened.boss);
  }
}

/** Ends its timers. The sessions that it asks by are ours, and stay. */
function halt(boss: PgBoss): Promise<void> {
  return boss.stop({ graceful: false, close: false });
}

async function ensureQueues(boss: PgBoss, queues: readonly string[]): Promise<void> {
  const there = new Set((await boss.getQueues()).map(({ name }) => name));
  const settings = {
    heartbeatSeconds: HEARTBEAT_SECONDS,
    retryLimit: RESCUES_MAX,
    retryDelay: 0,
    expireInSeconds: DAY_SECONDS - 1,
    retentionSeconds: KEPT_WAITING_SECONDS,
    deleteAfterSeconds: DELETE_SETTLED_AFTER_SECONDS,
  };
  if (!there.has(ABANDONED)) await boss.createQueue(ABANDONED, settings);
  const missing = queues.filter((queue) => !there.has(queue));
  await Promise.all(missing.map((queue) => boss.createQueue(queue, { ...settings, deadLetter: ABANDONED })));
}

/**
 * pg-boss throws away what nobody has taken for a while, counted from when it could be taken: what was due long ago, such
 * as a tick that is caught up with, is due from now on. By our own clock, which is not wrong by a day.
 */
function startOf(dueAtMs: number): { startAfter?: Date } {
  return dueAtMs < systemClock.now() - DAY_SECONDS * 1_000 ? {} : { startAfter: new Date(dueAtMs) };
}

function byQueue<Item extends { queue: string }>(items: readonly Item[]): Map<string, Item[]> {
  const queues = new Map<string, Item[]>();
  for (const item of items) append(queues, item.queue, item);
  return queues;
}
