import { Loop } from '../../kernel/loop.ts';
import type { Database } from '../../platform/database/index.ts';
import { reportDuty } from './job.sql.ts';

interface Tally {
  runs: number;
  failures: number;
  result: unknown;
}

const EVERY_MS = 10_000;

/** Tells the jobs page what the duties that run all the time have done, all of them together every few seconds. */
export class DutyReports {
  readonly #database: Database;
  readonly #tallies = new Map<string, Tally>();
  readonly #loop: Loop;

  constructor({ database, onError }: { database: Database; onError: (error: unknown) => void }) {
    this.#database = database;
    const run = async (): Promise<number> => {
      await this.runOnce();
      return EVERY_MS;
    };
    this.#loop = new Loop(run, { afterErrorMs: EVERY_MS, onError });
  }

  /** @param job the type of the duty's job */
  note(job: string, result: unknown): void {
    const tally = this.#tallies.get(job) ?? { runs: 0, failures: 0, result: null };
    this.#tallies.set(job, { ...tally, runs: tally.runs + 1, result });
  }

  async runOnce(): Promise<void> {
    const told = [...this.#tallies];
    this.#tallies.clear();
    for (const [job, tally] of told) await reportDuty(this.#database.kysely, job, tally);
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
