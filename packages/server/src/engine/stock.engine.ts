import type { Answer, CommandMeta } from '../kernel/command.ts';
import type { Database } from '../platform/database/index.ts';
import { BatchEngine, type BatchEngineOptions } from './batch.engine.ts';
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
};

/** The engine over a database. */
export class StockEngine implements Engine {
  readonly #database: Database;
  readonly #batches: BatchEngine;
  readonly #onJournal: () => void;

  constructor(database: Database, { onJournal = () => undefined, onCommit, ...options }: StockEngineOptions) {
    this.#database = database;
    this.#onJournal = onJournal;
    this.#batches = new BatchEngine({
      ...options,
      onCommit: (entries) => {
        onJournal();
        onCommit?.(entries);
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
    const answer = await transact(this.#database, meta, work, options);
    this.#onJournal();
    return answer;
  }

  async close(): Promise<void> {
    await this.#batches.close();
  }
}
