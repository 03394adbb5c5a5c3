import type { Database } from '../platform/database/index.ts';
import { deleteOldKeys, makePartitions } from './expiry.sql.ts';

export interface HousekeeperOptions {
  database: Database;
  intervalMs?: number;
  onError?: (error: unknown) => void;
}

export interface HousekeepingReport {
  partitionsMade: number;
  keysDeleted: number;
}

const MONTHS_AHEAD = 3;
const KEYS_AT_ONCE = 5_000;
const ROUNDS_MAX = 200;

/** Makes partitions ahead and forgets idempotency keys of yesterday. Safe on any number of instances. */
export class Housekeeper {
  readonly #options: Required<HousekeeperOptions>;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: HousekeeperOptions) {
    this.#options = { intervalMs: 600_000, onError: () => undefined, ...options };
  }

  async runOnce(): Promise<HousekeepingReport> {
    const { database } = this.#options;
    const partitionsMade = await makePartitions(database, MONTHS_AHEAD);
    let keysDeleted = 0;
    for (let round = 0; round < ROUNDS_MAX && !this.#isStopped; round += 1) {
      const deleted = await deleteOldKeys(database, KEYS_AT_ONCE);
      keysDeleted += deleted;
      if (deleted < KEYS_AT_ONCE) break;
    }
    return { partitionsMade, keysDeleted };
  }

  start(): void {
    const loop = async (): Promise<void> => {
      try {
        await this.runOnce();
      } catch (error) {
        this.#options.onError(error);
      }
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => (this.#running = loop()), this.#options.intervalMs);
      this.#timer.unref();
    };
    this.#running = loop();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }
}
