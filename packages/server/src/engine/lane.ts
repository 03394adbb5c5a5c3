import {
  failureCode,
  isConflict,
  isConnectionLost,
  isLockTimeout,
  SentBehindFailure,
  type LaneConnection,
} from '../platform/database/index.ts';
import { RolledBack, StaleFootprint, TouchesStuck, type BatchOutcome, type Sent } from './batch.context.ts';
import { selectBackendIsGone, selectEvidence, selectTransactionStatus, type Statement } from './read.sql.ts';

/** What became of a batch. */
export type BatchResult =
  | ({ kind: 'done' } & BatchOutcome)
  /** Nothing was done; the same batch may be tried again. */
  | { kind: 'again' }
  /** Nothing was done; these commands wait for stuck levels, the others do not. */
  | { kind: 'stuck'; indexes: ReadonlySet<number> }
  /** A lock was not to be had in time. */
  | { kind: 'lock_timeout' }
  /** Nothing was done: something was not any more what it was decided on. */
  | { kind: 'changed' }
  /** Nothing was done, for a reason that lies in one of the commands. */
  | { kind: 'failed'; error: unknown }
  /** Nothing was done: the database could not be reached. */
  | { kind: 'away' }
  /** Nothing was done, since the batch before it on the connection failed. */
  | { kind: 'behind' }
  /** COMMIT was sent, and what became of it could not be learned in time. */
  | { kind: 'unknown' };

export interface LaneOptions {
  name: string;
  connect: (name: string) => Promise<LaneConnection>;
  onLost: (error: unknown) => void;
}

/** A batch on a connection; throws where nothing of it is done. It tells when its COMMIT is on its way. */
export type BatchWork = (client: LaneConnection, onCommit: (sent: Sent | null) => void) => Promise<BatchOutcome>;

const SETTLE_PAUSE_MS = 50;
/** What became of a batch is still found out for so long past its deadline. */
const SETTLE_MARGIN_MS = 400;
/** Before a database that was not there is asked again. */
const AWAY_PAUSE_MS = 100;
const INVALID_PARAMETER = '22023';
/** Of `refuse_unless`, in migrations/0010_known_levels.sql. */
const HAS_CHANGED = 'HF001';

/** A batch that is under way on a lane. */
interface Flight {
  /** Its COMMIT was sent, and nothing is known to have gone wrong. */
  isCommitting: boolean;
  sent: Sent | null;
}

/**
 * One connection on which batches run, one after the other. The next one's locks and reads may be sent while one's COMMIT
 * is under way: the server does them when it has committed, without waiting for us in between.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #flights = new Set<Flight>();
  #client: LaneConnection | null = null;
  /** One that is awaited; by two batches where both were lost. */
  #connecting: Promise<LaneConnection> | null = null;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#flights.size > 0;
  }

  /** Whether it is at nothing but a COMMIT, behind which another batch may be sent. */
  get isCommitting(): boolean {
    const [flight] = this.#flights;
    return this.#flights.size === 1 && flight?.isCommitting === true && this.#isPipelined;
  }

  get #isPipelined(): boolean {
    return this.#client?.isPipelined === true && !this.#client.hasFailed;
  }

  /**
   * Runs one batch and says what became of it: never throws.
   *
   * @param deadlineMs on the monotonic clock: by then there is an answer, if need be by cutting the connection
   * @param onCommit told when COMMIT is on its way
   */
  async run(work: BatchWork, deadlineMs: number, onCommit: () => void): Promise<BatchResult> {
    const flight: Flight = { isCommitting: false, sent: null };
    this.#flights.add(flight);
    let client: LaneConnection | null = null;
    let timer: NodeJS.Timeout | undefined;
    try {
      const connected = await this.#connected(deadlineMs);
      client = connected;
      timer = setTimeout(() => connected.cut(), Math.max(1, deadlineMs - performance.now()));
      const outcome = await work(connected, (sent) => {
        flight.sent = sent;
        flight.isCommitting = true;
        onCommit();
      });
      return { kind: 'done', ...outcome };
    } catch (error) {
      flight.isCommitting = false;
      return await this.#settle(client, error, flight.sent, deadlineMs);
    } finally {
      clearTimeout(timer);
      this.#flights.delete(flight);
    }
  }

  /** Runs something else on the connection; null where it could not be done. */
  async runAlone<Result>(
    work: (client: LaneConnection) => Promise<Result>,
    deadlineMs: number,
  ): Promise<Result | null> {
    const flight: Flight = { isCommitting: false, sent: null };
    this.#flights.add(flight);
    let client: LaneConnection | null = null;
    try {
      client = await this.#connected(deadlineMs);
      return await within(work(client), deadlineMs);
    } catch (error) {
      if (isConnectionLost(error)) this.#drop(client);
      return null;
    } finally {
      this.#flights.delete(flight);
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    this.#connecting = null;
    await client?.end().catch(() => undefined);
  }

  async #connected(deadlineMs: number): Promise<LaneConnection> {
    if (this.#client !== null) return this.#client;
    const connecting = this.#connecting ?? this.#connect();
    try {
      return await within(connecting, deadlineMs);
    } catch (error) {
      if (this.#connecting === connecting) this.#connecting = null;
      throw error;
    }
  }

  #connect(): Promise<LaneConnection> {
    const connecting = this.#options.connect(this.#options.name).then(async (client) => {
      // A connection that comes too late is not kept.
      if (this.#connecting !== connecting) await client.end();
      else this.#keep(client);
      return client;
    });
    this.#connecting = connecting;
    return connecting;
  }

  #keep(client: LaneConnection): void {
    this.#connecting = null;
    this.#client = client;
    client.onLost((error) => {
      if (this.#client === client) this.#client = null;
      if (error !== null) this.#options.onLost(error);
    });
  }

  async #settle(
    client: LaneConnection | null,
    error: unknown,
    sent: Sent | null,
    deadlineMs: number,
  ): Promise<BatchResult> {
    // Its transaction is over; a ROLLBACK would end that of a batch behind it.
    if (error instanceof RolledBack) return { kind: 'again' };
    // A server that ends the session says why, in any words: a panic after a COMMIT that is durable says "disk full".
    if (client === null || isConnectionLost(error) || !(await rollBack(client))) {
      this.#drop(client);
      this.#options.onLost(error);
      // Before COMMIT was sent the transaction cannot have committed.
      if (sent !== null) return this.#askWhatBecameOf(sent, deadlineMs);
      await pause(AWAY_PAUSE_MS);
      return { kind: 'away' };
    }
    if (failureCode(error) === '0A000') {
      // A newer instance has migrated: what this session prepared fits the tables no longer.
      this.#drop(client);
      return { kind: 'again' };
    }
    if (error instanceof SentBehindFailure) return { kind: 'behind' };
    if (failureCode(error) === HAS_CHANGED) return { kind: 'changed' };
    if (error instanceof TouchesStuck) return { kind: 'stuck', indexes: error.indexes };
    if (isLockTimeout(error)) return { kind: 'lock_timeout' };
    if (error instanceof StaleFootprint || isConflict(error)) return { kind: 'again' };
    return { kind: 'failed', error };
  }

  /**
   * A connection was lost after COMMIT was sent. The server knows whether the transaction ended, once it has noticed
   * that its client is gone (`pg_xact_status` says "in progress" until then); whether it committed, only the batch's own
   * rows show.
   */
  async #askWhatBecameOf({ by, evidence, outcome }: Sent, deadlineMs: number): Promise<BatchResult> {
    // The answer is still worth a moment past the deadline: nothing has been said to the callers yet.
    const untilMs = deadlineMs + SETTLE_MARGIN_MS;
    while (performance.now() < untilMs) {
      let client: LaneConnection | null = null;
      try {
        client = await this.#connected(untilMs);
        const { rows } = await within(client.query(selectWhatBecameOf(by)), untilMs);
        const status = rows[0]?.[0];
        if (status === 'aborted') return { kind: 'again' };
        if (status === 'committed' || status === true) {
          const found = await within(client.query(selectEvidence(evidence)), untilMs);
          return found.rows[0]?.[0] === true ? { kind: 'done', ...outcome } : { kind: 'again' };
        }
        if (status !== 'in progress' && status !== false) return { kind: 'unknown' };
      } catch (error) {
        // A number that is "in the future" has not come again yet: the crash lost ours.
        if (failureCode(error) === INVALID_PARAMETER) return { kind: 'again' };
        if (isConnectionLost(error)) this.#drop(client);
      }
      await pause(SETTLE_PAUSE_MS);
    }
    return { kind: 'unknown' };
  }

  #drop(client: LaneConnection | null): void {
    if (this.#client === client) this.#client = null;
    client?.cut();
  }
}

/** Text by the transaction's number; else whether its server process has ended. */
function selectWhatBecameOf(by: Sent['by']): Statement {
  return 'transactionId' in by ? selectTransactionStatus(by.transactionId) : selectBackendIsGone(by.backend);
}

/** Whether the session is still of use. One that has fallen silent meanwhile is cut at the deadline. */
async function rollBack(client: LaneConnection): Promise<boolean> {
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @throws ETIMEDOUT at the deadline, on the monotonic clock */
export async function within<Result>(work: Promise<Result>, deadlineMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(Object.assign(new Error('timeout expired'), { code: 'ETIMEDOUT' })),
      Math.max(1, deadlineMs - performance.now()),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
