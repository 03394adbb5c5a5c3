import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import type { AdjustRequest, Engine } from '../../engine/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { Problem, problems, type ProblemDocument } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { LocationCode, Quantity, Shape, Sku, text, UnitCost } from '../../platform/http/schemas.ts';
import type { Field } from './column.mapping.ts';
import type { CsvRow } from './csv.file.ts';
import { ImportRefused } from './import.refused.ts';
import type { Tally } from './import.report.ts';
import { withRetries } from './import.retry.ts';
import { forecastLevels, type LevelForecast } from './import.sql.ts';
import type { Wording } from './import.wording.ts';
import { refusal, type Kind } from './row.reader.ts';

export const STOCK_FIELDS: readonly Field[] = [
  {
    name: 'sku',
    isRequired: true,
    aliases: ['StockCode', 'item', 'item number', 'item code', 'product code', 'article', 'article number', 'code'],
  },
  { name: 'location', isRequired: true, aliases: ['location code', 'warehouse', 'site', 'store', 'place'] },
  {
    name: 'quantity',
    isRequired: true,
    aliases: ['qty', 'onHand', 'on hand', 'stock', 'count', 'units', 'quantity on hand'],
  },
  { name: 'unitCost', aliases: ['cost', 'cost price', 'purchase price'] },
  { name: 'lot', aliases: ['lot number', 'batch', 'batch number'] },
  { name: 'reason', aliases: [] },
  { name: 'notes', aliases: ['note', 'comment', 'remark'] },
];

export const STOCK_KINDS: Readonly<Record<string, Kind>> = { quantity: 'whole number', unitCost: 'number' };

export const StockRow = Shape({
  sku: Sku,
  location: LocationCode,
  quantity: Quantity(0),
  unitCost: Type.Optional(UnitCost),
  lot: Type.Optional(text(255)),
  reason: Type.Optional(text(500)),
  notes: Type.Optional(text(5_000)),
});
export type StockRow = Static<typeof StockRow>;

/** `add`: units that came in. `set`: units that were counted. */
export type StockMode = 'add' | 'set';

const MOVEMENTS = { add: 'receipt', set: 'count' } as const;

export interface StockItem {
  row: CsvRow;
  value: StockRow;
}

export interface StockImportOptions {
  database: Database;
  engine: Engine;
  clock: Clock;
  meta: CommandMeta;
  tally: Tally;
  /** Aborted: what failed is not tried again. */
  signal: AbortSignal | undefined;
  mode: StockMode;
  /** Counts may go below what is promised. */
  force: boolean;
  wording: Wording;
  dryRun: boolean;
  /** What names this import: its movements carry it. */
  reference: string;
  /** Its idempotency keys begin with it. */
  keyName: string;
}

/** Runs after the first that may try refused rows again. */
const ATTEMPTS_MAX = 1_000;

interface Result {
  ok: boolean;
  movement?: { deltaOnHand: number };
  error?: ProblemDocument;
}

/**
 * Adjusts the levels of rows, a chunk of the file in one commit, under a key of the file's digest and the chunk's place:
 * an import that was killed goes on where it stopped, and one that was finished changes nothing. Rows that were refused
 * are tried again with each run, under a key of that run: their cause may be gone by then.
 */
export class StockImport {
  readonly #options: StockImportOptions;

  constructor(options: StockImportOptions) {
    this.#options = options;
  }

  async importChunk(items: readonly StockItem[], chunk: number): Promise<void> {
    const { mode, tally, dryRun } = this.#options;
    const moving = mode === 'add' ? items.filter(({ value }) => value.quantity > 0) : items;
    tally.counts.unchanged += items.length - moving.length;
    if (moving.length === 0) return;
    if (dryRun) return this.#forecast(moving);
    let waiting = moving;
    for (let attempt = 0; attempt < ATTEMPTS_MAX && waiting.length > 0; attempt += 1) {
      const requests = waiting.map(({ value }) => this.#requestOf(value));
      const answer = await this.#submit(requests, chunk, attempt);
      const isFresh = answer.replayed !== true;
      waiting = this.#settle(waiting, answer, isFresh);
      if (isFresh) return;
    }
  }

  /** Counts what was done. @returns what was refused by an earlier run, and is tried again */
  #settle(items: readonly StockItem[], answer: Answer, isFresh: boolean): StockItem[] {
    const { counts } = this.#options.tally;
    const { results } = JSON.parse(answer.body ?? '') as { results: Result[] };
    const again: StockItem[] = [];
    for (const [place, item] of items.entries()) {
      const { ok = false, movement, error } = results[place] ?? {};
      if (ok) {
        if (movement?.deltaOnHand === 0) counts.unchanged += 1;
        else counts.updated += 1;
        counts.units += item.value.quantity;
        if (!isFresh) counts.doneBefore += 1;
      } else if (isFresh) {
        this.#options.tally.refuse(refusal(item.row, error?.code ?? 'unknown', error?.detail ?? 'It was refused.'));
      } else {
        again.push(item);
      }
    }
    return again;
  }

  #requestOf(value: StockRow): AdjustRequest {
    const { mode, force, reference } = this.#options;
    return {
      ...value,
      type: mode,
      movement: MOVEMENTS[mode],
      reference: { type: 'import', id: reference },
      ...(force ? { force } : {}),
    };
  }

  async #submit(requests: AdjustRequest[], chunk: number, attempt: number): Promise<Answer> {
    const { engine, clock, meta, keyName, wording, signal } = this.#options;
    const requestHash = createHash('sha256').update(JSON.stringify(requests)).digest('hex');
    const key = `import:stock:${keyName}:${chunk}`;
    const idempotency = { owner: meta.idempotency?.owner ?? meta.actor, key, requestHash, chunk: attempt };
    const command = { kind: 'adjustMany', requests, atomic: false, offset: 0 } as const;
    try {
      return await withRetries(clock, signal, () => engine.submit(command, { ...meta, idempotency }));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== problems.idempotencyKeyReused.code) throw error;
      throw new ImportRefused(
        'This file was imported in another way before (other columns, mode or location), at least in part. Import it in ' +
          `the same way to go on; to import it anew, beside what was done, ${wording.again}.`,
      );
    }
  }

  /** What would become of the rows, by the levels as they are now. */
  async #forecast(items: readonly StockItem[]): Promise<void> {
    const { database, clock, tally, signal } = this.#options;
    const names = items.map(({ value }) => value);
    const levels = await withRetries(clock, signal, () => forecastLevels(database, names));
    for (const [place, { row, value }] of items.entries()) {
      const level = levels[place];
      const fault = level === undefined ? null : this.#faultOf(value, level);
      if (fault !== null) {
        tally.refuse(refusal(row, fault.code, fault.reason));
        continue;
      }
      if (this.#options.mode === 'set' && level?.onHand === value.quantity) tally.counts.unchanged += 1;
      else tally.counts.updated += 1;
      tally.counts.units += value.quantity;
    }
  }

  #faultOf({ sku, location, quantity }: StockRow, level: LevelForecast): { code: string; reason: string } | null {
    const { mode, force, wording } = this.#options;
    if (!level.hasProduct) return { code: 'product_not_found', reason: `There is no product ${sku}.` };
    if (!level.hasLocation) return { code: 'location_not_found', reason: `There is no location ${location}.` };
    if (level.productArchived) return { code: 'product_archived', reason: `The product ${sku} is archived.` };
    if (level.locationArchived) return { code: 'location_archived', reason: `The location ${location} is archived.` };
    const isBelow = mode === 'set' && quantity < level.promised && quantity < level.onHand;
    if (!isBelow || force) return null;
    const reason = `${level.promised} units are promised, ${quantity} would be left: ${wording.force} records it all the same.`;
    return { code: 'stock_below_promised', reason };
  }
}
