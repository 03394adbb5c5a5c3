import {
  failureCode,
  isConflict,
  isConnectionLost,
  isLockTimeout,
  type LaneConnection,
} from '../platform/database/index.ts';
import {
  RolledBack,
  StaleFootprint,
  TouchesStuck,
  type BatchContext,
  type BatchOutcome,
  type Sent,
} from './batch.context.ts';
import { runBatch } from './batch.ts';
import { selectEvidence, selectTransactionStatus } from './read.sql.ts';
import type { Asked } from './stock.command.ts';

/** What became of a batch. */
export type BatchResult =
  | ({ kind: 'done' } & BatchOutcome)
  /** Nothing was done; the same batch may be tried again. */
  | { kind: 'again' }
  /** Nothing was done; these commands wait for stuck levels, the others do not. */
  | { kind: 'stuck'; indexes: ReadonlySet<number> }
  /** A lock was not to be had in time. */
  | { kind: 'lock_timeout' }
  /** Nothing was done, for a reason that lies in one of the commands. */
  | { kind: 'failed'; error: unknown }
  /** Nothing was done: the database could not be reached. */
  | { kind: 'away' }
  /** COMMIT was sent, and what became of it could not be learned in time. */
  | { kind: 'unknown' };

export interface LaneOptions {
  name: string;
  connect: (name: string) => Promise<LaneConnection>;
  context: (isAlone: boolean) => Omit<BatchContext, 'onCommit'>;
  onLost: (error: unknown) => void;
}

const SETTLE_PAUSE_MS = 50;
const INVALID_PARAMETER = '22023';

/** One connection on which batches run, one after the other. */
export class Lane {
  readonly #options: LaneOptions;
  #client: LaneConnection | null = null;
  isBusy = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /**
   * Runs one batch and says what became of it: never throws.
   *
   * @param deadlineMs on the monotonic clock: by then there is an answer, if need be by cutting the connection
   */
  async run(asked: readonly Asked[], deadlineMs: number): Promise<BatchResult> {
    let sent: Sent | null = null;
    let timer: NodeJS.Timeout | undefined;
    try {
      const client = await this.#connected(deadlineMs);
      timer = setTimeout(() => client.cut(), Math.max(1, deadlineMs - performance.now()));
      const context: BatchContext = {
        ...this.#options.context(asked.length === 1),
        onCommit: (commit) => (sent = commit),
      };
      return { kind: 'done', ...(await runBatch(client, asked, context)) };
    } catch (error) {
      if (timer !== undefined) clearTimeout(timer);
      return await this.#settle(error, sent, deadlineMs);
    } finally {
      if (timer !== undefined) clearTimeout(timer);
    }
  }

  /** Runs something else on the connection; null where it could not be done. */
  async runAlone<Result>(
    work: (client: LaneConnection) => Promise<Result>,
    deadlineMs: number,
  ): Promise<Result | null> {
    try {
      return await work(await this.#connected(deadlineMs));
    } catch (error) {
      if (isConnectionLost(error)) this.#drop();
      return null;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  async #connected(deadlineMs: number): Promise<LaneConnection> {
    if (this.#client !== null) return this.#client;
    const connecting = this.#options.connect(this.#options.name);
    const client = await within(connecting, deadlineMs).catch((error: unknown) => {
      // A connection that comes too late is not kept.
      connecting.then((late) => late.end()).catch(() => undefined);
      throw error;
    });
    client.onLost((error) => {
      if (this.#client === client) this.#client = null;
      if (error !== null) this.#options.onLost(error);
    });
    this.#client = client;
    return client;
  }

  async #settle(error: unknown, sent: Sent | null, deadlineMs: number): Promise<BatchResult> {
    if (isConnectionLost(error)) {
      this.#drop();
      this.#options.onLost(error);
      // Before COMMIT was sent the transaction cannot have committed.
      return sent === null ? { kind: 'away' } : this.#askWhatBecameOf(sent, deadlineMs);
    }
    const isClean = await this.#rollBack();
    // A newer instance has migrated: what this session prepared fits the tables no longer.
    const isOutdated = failureCode(error) === '0A000';
    if (!isClean || isOutdated) this.#drop();
    if (isOutdated) return { kind: 'again' };
    if (error instanceof TouchesStuck) return { kind: 'stuck', indexes: error.indexes };
    if (isLockTimeout(error)) return { kind: 'lock_timeout' };
    if (error instanceof StaleFootprint || error instanceof RolledBack || isConflict(error)) return { kind: 'again' };
    return { kind: 'failed', error };
  }

  async #rollBack(): Promise<boolean> {
    try {
      await this.#client?.query('ROLLBACK');
      return this.#client !== null;
    } catch {
      return false;
    }
  }

  /**
   * A connection was lost after COMMIT was sent. The server knows whether the transaction ended, once it has noticed
   * that its client is gone (`pg_xact_status` says "in progress" until then); whether it committed, only the batch's own
   * rows show.
   */
  async #askWhatBecameOf({ transactionId, evidence, outcome }: Sent, deadlineMs: number): Promise<BatchResult> {
    // The answer is still worth a moment past the deadline: nothing has been said to the callers yet.
    const untilMs = deadlineMs + 400;
    while (performance.now() < untilMs) {
      try {
        const client = await this.#connected(untilMs);
        const { rows } = await within(client.query(selectTransactionStatus(transactionId)), untilMs);
        const status = rows[0]?.[0];
        if (status === 'aborted') return { kind: 'again' };
        if (status === 'committed') {
          const found = await within(client.query(selectEvidence(evidence)), untilMs);
          return found.rows[0]?.[0] === true ? { kind: 'done', ...outcome } : { kind: 'again' };
        }
        if (status !== 'in progress') return { kind: 'unknown' };
      } catch (error) {
        // A number that is "in the future" has not come again yet: the crash lost ours.
        if (failureCode(error) === INVALID_PARAMETER) return { kind: 'again' };
        if (isConnectionLost(error)) this.#drop();
      }
      await pause(SETTLE_PAUSE_MS);
    }
    return { kind: 'unknown' };
  }

  #drop(): void {
    const client = this.#client;
    this.#client = null;
    client?.cut();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function within<Result>(work: Promise<Result>, deadlineMs: number): Promise<Result> {
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
