import type { Answer, CommandMeta } from '../kernel/command.ts';
import type { Database } from '../platform/database/index.ts';
import { BatchEngine, type BatchEngineOptions } from './batch.engine.ts';
import type { Changed } from './batch.context.ts';
import type { Command } from './stock.command.ts';
import { transact, type TransactOptions, type Work } from './transact.ts';

/** What modules know of the engine. */
export interface Engine {
  /** A command of stock, or of what decisions about stock read. */
  submit(command: Command, meta: CommandMeta): Promise<Answer>;
  /** Any other command: one transaction with its journal entries and its idempotency key. */
  transact(meta: CommandMeta, work: Work, options?: TransactOptions): Promise<Answer>;
}

export type StockEngineOptions = Omit<BatchEngineOptions, 'connect' | 'role'> & {
  /** Something was committed here, perhaps: there may be new journal entries. */
  onJournal?: () => void;
  /** What was committed here, or may have been, has changed; told before anybody is answered. */
  onChanged?: (changed: Changed) => void;
};

const EVERYTHING: Changed = { skus: new Set(), everything: true };

/** The engine over a database. */
export class StockEngine implements Engine {
  readonly #database: Database;
  readonly #batches: BatchEngine;
  readonly #onJournal: () => void;
  readonly #onChanged: (changed: Changed) => void;

  constructor(database: Database, options: StockEngineOptions) {
    const { onJournal = () => undefined, onChanged = () => undefined, onCommit, onBatch, ...rest } = options;
    this.#database = database;
    this.#onJournal = onJournal;
    this.#onChanged = onChanged;
    this.#batches = new BatchEngine({
      ...rest,
      onCommit: (entries, changed) => {
        onChanged(changed);
        onJournal();
        onCommit?.(entries, changed);
      },
      onBatch: (report) => {
        // It may have been committed all the same.
        if (report.result === 'unknown') onChanged(EVERYTHING);
        onBatch?.(report);
      },
      connect: (name) => database.openLane(name),
      role: () => database.servingRole,
    });
  }

  /** Commands that wait or are in flight. */
  get depth(): number {
    return this.#batches.depth;
  }

  submit(command: Command, meta: CommandMeta): Promise<Answer> {
    return this.#batches.submit(command, meta);
  }

  async transact(meta: CommandMeta, work: Work, options?: TransactOptions): Promise<Answer> {
    try {
      const answer = await transact(this.#database, meta, work, options);
      this.#onJournal();
      return answer;
    } finally {
      // Whatever became of it: a location says what is available at all its levels.
      if (options?.lockLocation !== undefined) this.#onChanged(EVERYTHING);
    }
  }

  async close(): Promise<void> {
    await this.#batches.close();
  }
}
