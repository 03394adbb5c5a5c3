import { Loop } from '../../kernel/loop.ts';
import type { Database } from '../../platform/database/index.ts';
import { forgetRuns } from './stream.sql.ts';

export interface RetentionOptions {
  database: Database;
  /** So long an event can be read again. The ledger and the journal stay. */
  keptMs: number;
  intervalMs?: number;
  onDone?: (report: { runsForgotten: number }) => void;
  onError?: (error: unknown) => void;
}

const RUNS_AT_ONCE = 5_000;
const ROUNDS_MAX = 400;
const AFTER_ERROR_MS = 10_000;

/** Forgets the stream's oldest positions. Safe on any number of instances. */
export class StreamRetention {
  readonly #options: RetentionOptions;
  readonly #loop: Loop;

  constructor(options: RetentionOptions) {
    this.#options = options;
    const { intervalMs = 300_000, onDone = () => undefined, onError = () => undefined } = options;
    const run = async (): Promise<number> => {
      onDone({ runsForgotten: await this.runOnce() });
      return intervalMs;
    };
    this.#loop = new Loop(run, { afterErrorMs: AFTER_ERROR_MS, onError });
  }

  /** @returns how many runs were forgotten */
  async runOnce(): Promise<number> {
    const { database, keptMs } = this.#options;
    let forgotten = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const some = await forgetRuns(database, keptMs, RUNS_AT_ONCE);
      forgotten += some;
      if (some < RUNS_AT_ONCE) break;
    }
    return forgotten;
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
