import { isDeepStrictEqual } from 'node:util';
import { productView, type Engine, type ProductPatch, type ProductView } from '../../engine/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { CommandMeta } from '../../kernel/command.ts';
import { Problem, type ProblemDocument } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { createProducts, type NewProductBody } from '../catalog/index.ts';
import type { Field } from './column.mapping.ts';
import type { CsvRow } from './csv.file.ts';
import type { Tally } from './import.report.ts';
import { withRetries } from './import.retry.ts';
import { findProducts } from './import.sql.ts';
import type { Wording } from './import.wording.ts';
import { refusal, type Kind } from './row.reader.ts';

export const PRODUCT_FIELDS: readonly Field[] = [
  {
    name: 'sku',
    isRequired: true,
    aliases: ['StockCode', 'item', 'item number', 'item code', 'product code', 'article', 'article number', 'code'],
  },
  { name: 'name', isRequired: true, aliases: ['product name', 'item name', 'title', 'product', 'description'] },
  { name: 'description', aliases: ['long description', 'details', 'body'] },
  { name: 'category', aliases: ['product category', 'group', 'product type', 'department'] },
  { name: 'unitCost', aliases: ['cost', 'cost price', 'purchase price'] },
  { name: 'reorderPoint', aliases: ['reorder level', 'minimum stock', 'min stock', 'min'] },
  { name: 'reorderQuantity', aliases: ['reorder qty', 'order quantity', 'order qty'] },
  { name: 'maxLevel', aliases: ['maximum stock', 'max stock', 'max'] },
  { name: 'safetyStock', aliases: ['buffer', 'buffer stock'] },
  { name: 'attributes', aliases: [] },
];

export const PRODUCT_KINDS: Readonly<Record<string, Kind>> = {
  unitCost: 'number',
  reorderPoint: 'whole number',
  reorderQuantity: 'whole number',
  maxLevel: 'whole number',
  safetyStock: 'whole number',
  attributes: 'JSON object',
};

export interface ProductItem {
  row: CsvRow;
  value: NewProductBody;
}

export interface ProductImportOptions {
  database: Database;
  engine: Engine;
  clock: Clock;
  meta: CommandMeta;
  tally: Tally;
  /** Aborted: what failed is not tried again. */
  signal: AbortSignal | undefined;
  /** Products that exist take the values of their rows. */
  updates: boolean;
  wording: Wording;
  dryRun: boolean;
}

/**
 * Makes the products of rows, and changes those that exist where that is wanted. It looks before it writes, so that a
 * file may be imported again, after a kill or a year: what is already as its row says is left alone.
 */
export class ProductImport {
  readonly #options: ProductImportOptions;
  /** Skus that a dry run would have made: as many as the file has new ones. */
  readonly #imagined = new Set<string>();

  constructor(options: ProductImportOptions) {
    this.#options = options;
  }

  /** Rows of one sku are done one after another: of each sku one is in a round. */
  async importChunk(items: readonly ProductItem[]): Promise<void> {
    let waiting = items;
    while (waiting.length > 0) {
      const round = new Map<string, ProductItem>();
      const later: ProductItem[] = [];
      for (const item of waiting) {
        if (round.has(item.value.sku)) later.push(item);
        else round.set(item.value.sku, item);
      }
      await this.#importRound([...round.values()]);
      waiting = later;
    }
  }

  async #importRound(items: readonly ProductItem[]): Promise<void> {
    const { database, clock, signal } = this.#options;
    const skus = items.map(({ value }) => value.sku);
    const rows = await withRetries(clock, signal, () => findProducts(database, skus));
    const present = new Map(rows.map((row) => [row.sku, productView(row)]));
    await this.#create(items.filter(({ value }) => !present.has(value.sku)));
    await Promise.all(
      items.flatMap((item) => {
        const product = present.get(item.value.sku);
        return product === undefined ? [] : [this.#meet(item, product)];
      }),
    );
  }

  async #create(items: readonly ProductItem[]): Promise<void> {
    const { engine, clock, meta, tally, dryRun, signal } = this.#options;
    if (items.length === 0) return;
    if (dryRun) return this.#imagine(items);
    const bodies = items.map(({ value }) => value);
    const answer = await withRetries(clock, signal, () => createProducts(engine, bodies, meta));
    const { results } = JSON.parse(answer.body ?? '') as { results: { ok: boolean; error?: ProblemDocument }[] };
    for (const [place, { row }] of items.entries()) {
      const { ok = false, error } = results[place] ?? {};
      if (ok) tally.counts.created += 1;
      // Somebody else made it between the look and the write.
      else tally.refuse(refusal(row, error?.code ?? 'unknown', error?.detail ?? 'It was not made.'));
    }
  }

  #imagine(items: readonly ProductItem[]): void {
    const { tally, updates } = this.#options;
    for (const { row, value } of items) {
      const isNew = !this.#imagined.has(value.sku);
      this.#imagined.add(value.sku);
      if (isNew) tally.counts.created += 1;
      else if (updates) tally.counts.updated += 1;
      else tally.refuse(refusal(row, 'duplicate_sku', `An earlier row has the sku ${value.sku}.`));
    }
  }

  /** A row whose product is there. */
  async #meet({ row, value }: ProductItem, product: ProductView): Promise<void> {
    const { engine, clock, meta, tally, updates, wording, dryRun, signal } = this.#options;
    const patch = differenceOf(value, product);
    const names = Object.keys(patch);
    if (product.archivedAt !== null) {
      tally.refuse(refusal(row, 'product_archived', `The product ${value.sku} is archived.`));
    } else if (names.length === 0) {
      tally.counts.unchanged += 1;
    } else if (!updates) {
      const reason = `The product ${value.sku} is there, with another ${names.join(', ')}: ${wording.update} would change it.`;
      tally.refuse(refusal(row, 'duplicate_sku', reason));
    } else {
      try {
        const command = { kind: 'updateProduct', sku: value.sku, patch, ifMatch: null } as const;
        if (!dryRun) await withRetries(clock, signal, () => engine.submit(command, meta));
        tally.counts.updated += 1;
      } catch (error) {
        if (!(error instanceof Problem) || error.status >= 500) throw error;
        tally.refuse(refusal(row, error.code, error.detail));
      }
    }
  }
}

/** What the row says and the product does not. A field without a value in the row is left as it is. */
function differenceOf(value: NewProductBody, product: ProductView): ProductPatch {
  const present: Record<string, unknown> = { ...product };
  const differing = Object.entries(value).filter(([name, wanted]) => !isDeepStrictEqual(wanted, present[name]));
  return Object.fromEntries(differing);
}
