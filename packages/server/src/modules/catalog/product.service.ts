import { productView, stockProblems, type Engine, type Outcome, type ProductView } from '../../engine/index.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { toPage, type Page } from '../../kernel/page.ts';
import { Problem, type ProblemDocument } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { parseSort } from '../../platform/database/keyset.ts';
import { etagOf } from '../../platform/http/index.ts';
import { chunksOf, commitInChunks } from '../bulk.chunks.ts';
import type { NewProductBody, ProductQuery } from './product.schema.ts';
import {
  findProduct,
  insertProducts,
  listProducts,
  productOrder,
  productPosition,
  type NewProduct,
  type ProductSortField,
} from './product.sql.ts';

/** One commit makes at most so many products. */
const CHUNK_MAX = 500;

/** @throws Problem `duplicate_sku` */
export async function createProduct(engine: Engine, body: NewProductBody, meta: CommandMeta): Promise<Answer> {
  return engine.transact(meta, async (tx, now) => {
    const [row] = await insertProducts(tx, [toNewProduct(body)], now);
    if (row === undefined) throw duplicateSku(body.sku);
    const product = productView(row);
    return {
      status: 201,
      body: product,
      headers: { location: `/api/v1/products/${product.sku}`, etag: etagOf(product.version) },
      journal: [created(product)],
    };
  });
}

type BatchResult =
  { index: number; ok: true; product: ProductView } | { index: number; ok: false; error: ProblemDocument };

/**
 * Makes the products that can be made and says of each what became of it. Chunk by chunk, each one commit with its slice
 * of the answer under the idempotency key: a repeat goes on at the first chunk that is missing.
 */
export async function createProducts(
  engine: Engine,
  products: readonly NewProductBody[],
  meta: CommandMeta,
): Promise<Answer> {
  return commitInChunks(chunksOf(products, CHUNK_MAX), meta, (slice, offset, chunkMeta) =>
    engine.transact(chunkMeta, async (tx, now) => {
      const rows = await insertProducts(tx, firstOfEach(slice).map(toNewProduct), now);
      return chunkOutcome(slice, offset, rows.map(productView));
    }),
  );
}

/** @throws Problem `product_not_found` */
export async function getProduct(database: Database, sku: string): Promise<ProductView> {
  const row = await findProduct(database.kysely, sku);
  if (row === undefined) throw new Problem(stockProblems.productNotFound, `No product has the sku ${sku}.`);
  return productView(row);
}

/** @throws Problem `invalid_cursor` */
export async function pageOfProducts(database: Database, query: ProductQuery): Promise<Page<ProductView>> {
  const { limit, cursor, sort = 'sku', archived = false, search, category } = query;
  const { field, descending } = parseSort<ProductSortField>(sort);
  const list = { route: 'products', sort, archived, search, category };
  const order = productOrder(field, descending);
  const rows = await listProducts(database.kysely, { archived, search, category }, order, { list, cursor, limit });
  return toPage(list, limit, rows, (row) => productPosition(field, row), productView);
}

/** Of the items that share a sku the first may be made. */
function firstOfEach(products: readonly NewProductBody[]): NewProductBody[] {
  const first = new Map<string, NewProductBody>();
  for (const product of products) if (!first.has(product.sku)) first.set(product.sku, product);
  return [...first.values()];
}

function chunkOutcome(slice: readonly NewProductBody[], offset: number, made: ProductView[]): Outcome {
  const waiting = new Map(made.map((product) => [product.sku, product]));
  const results = slice.map(({ sku }, place): BatchResult => {
    const product = waiting.get(sku);
    // What was made answers the first item of its sku, and the others find it taken.
    waiting.delete(sku);
    if (product !== undefined) return { index: offset + place, ok: true, product };
    return { index: offset + place, ok: false, error: duplicateSku(sku).toJSON() };
  });
  return { status: 200, body: { succeeded: made.length, results }, journal: made.map(created) };
}

function created(product: ProductView) {
  return { kind: 'product.created', subject: product.sku, data: product };
}

function duplicateSku(sku: string): Problem {
  return new Problem(stockProblems.duplicateSku, `A product, perhaps an archived one, already has the sku ${sku}.`);
}

function toNewProduct(body: NewProductBody): NewProduct {
  return {
    sku: body.sku,
    name: body.name,
    description: body.description ?? null,
    category: body.category ?? null,
    attributes: body.attributes ?? null,
    unitCost: body.unitCost ?? null,
    reorderPoint: body.reorderPoint ?? null,
    reorderQuantity: body.reorderQuantity ?? null,
    maxLevel: body.maxLevel ?? null,
    safetyStock: body.safetyStock ?? 0,
  };
}
