import { Loop } from '../kernel/loop.ts';
import type { Database } from '../platform/database/index.ts';
import { deleteOldKeys, makePartitions } from './expiry.sql.ts';

export interface HousekeeperOptions {
  database: Database;
  intervalMs?: number;
  onDone?: (report: HousekeepingReport) => void;
  onError?: (error: unknown) => void;
}

export interface HousekeepingReport {
  partitionsMade: number;
  keysDeleted: number;
}

const MONTHS_AHEAD = 3;
const KEYS_AT_ONCE = 5_000;
const ROUNDS_MAX = 200;
const AFTER_ERROR_MS = 10_000;

/** Forgets idempotency keys of yesterday and makes partitions ahead. Safe on any number of instances. */
export class Housekeeper {
  readonly #database: Database;
  readonly #loop: Loop;

  constructor(options: HousekeeperOptions) {
    const { database, intervalMs = 600_000, onDone = () => undefined, onError = () => undefined } = options;
    this.#database = database;
    const run = async (): Promise<number> => {
      onDone(await this.runOnce());
      return intervalMs;
    };
    this.#loop = new Loop(run, { afterErrorMs: AFTER_ERROR_MS, onError });
  }

  /** @throws where a month could not be made yet, because somebody reads the ledger for long: as a dump does */
  async runOnce(): Promise<HousekeepingReport> {
    let keysDeleted = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const deleted = await deleteOldKeys(this.#database, KEYS_AT_ONCE);
      keysDeleted += deleted;
      if (deleted < KEYS_AT_ONCE) break;
    }
    const partitionsMade = await makePartitions(this.#database, MONTHS_AHEAD);
    return { partitionsMade, keysDeleted };
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
