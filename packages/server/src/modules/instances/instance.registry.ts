import { Loop } from '../../kernel/loop.ts';
import type { Database } from '../../platform/database/index.ts';
import { forgetLost, listInstances, sayGone, sayHere, type InstanceFacts } from './instance.sql.ts';

export interface InstanceRegistryOptions {
  database: Database;
  /** What it says of itself, asked each time. */
  facts: () => InstanceFacts;
  intervalMs?: number;
  onError?: (error: unknown) => void;
}

/** Who has been silent for so long is not there any more, or cannot reach the database. */
export const LOST_AFTER_MS = 15_000;
const FORGET_AFTER_MS = 3_600_000;
const AFTER_ERROR_MS = 2_000;
/** A stop waits no longer for its word of farewell. */
const FAREWELL_WITHIN_MS = 1_000;

/** Keeps this instance's row alive, and forgets those of the dead. Safe on any number of instances. */
export class InstanceRegistry {
  readonly #options: Required<InstanceRegistryOptions>;
  readonly #loop: Loop;
  #isServing = false;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(options: InstanceRegistryOptions) {
    this.#options = { intervalMs: 5_000, onError: () => undefined, ...options };
    const { intervalMs, onError } = this.#options;
    const run = async (): Promise<number> => {
      await this.runOnce();
      return intervalMs;
    };
    this.#loop = new Loop(run, { afterErrorMs: AFTER_ERROR_MS, onError });
  }

  async runOnce(): Promise<void> {
    const { database, facts } = this.#options;
    await sayHere(database.kysely, facts());
    await forgetLost(database.kysely, FORGET_AFTER_MS);
  }

  /** What it says of itself has changed. */
  refresh(): void {
    if (this.#isServing) this.#refreshing = this.runOnce().catch(this.#options.onError);
  }

  start(): void {
    this.#isServing = true;
    this.#loop.start();
  }

  async stop(): Promise<void> {
    const { database, facts, onError } = this.#options;
    if (!this.#isServing) return;
    this.#isServing = false;
    await Promise.all([this.#loop.stop(), this.#refreshing]);
    const farewell = sayGone(database.kysely, facts().id).catch(onError);
    await Promise.race([farewell, new Promise((resolve) => setTimeout(resolve, FAREWELL_WITHIN_MS).unref())]);
  }

  /** How many instances are there, and how many of those that were there are silent. */
  async count(): Promise<{ up: number; lost: number }> {
    const rows = await listInstances(this.#options.database.kysely);
    const lost = rows.filter(({ silentMs }) => silentMs > LOST_AFTER_MS).length;
    return { up: rows.length - lost, lost };
  }
}
