import type { ApiClient } from './api.client.ts';
import { codeOf, skuOf, type StockSize } from './traffic.ts';

export interface SeedReport {
  products: number;
  levels: number;
  productsPerSecond: number;
  levelsPerSecond: number;
}

/** Enough on hand that no reserve of a benchmark is refused. */
const ON_HAND = 1_000_000_000;
/** Items per call; the routes take up to 10,000. */
const CHUNK = 5_000;

interface BulkAnswer {
  succeeded: number;
  failed: number;
  results: unknown[];
}

/** Makes the locations, which are called the same for all stock. */
export async function seedLocations(api: ApiClient, locations: number): Promise<void> {
  for (let location = 0; location < locations; location += 1) {
    await api.post('/locations', { code: codeOf(location), name: `Location ${location}`, type: 'warehouse' });
  }
}

/** Makes locations, products and stock. */
export async function seedStock(api: ApiClient, stock: StockSize): Promise<SeedReport> {
  await seedLocations(api, stock.locations);
  return seedProducts(api, stock);
}

/** Makes the products and their stock by the API's own bulk routes, which is a figure of its own. */
export async function seedProducts(
  api: ApiClient,
  { products, locations, firstProduct = 0 }: StockSize,
): Promise<SeedReport> {
  const productItems = Array.from({ length: products }, (_, product) => ({
    sku: skuOf(firstProduct + product),
    name: `Product ${firstProduct + product}`,
    category: `category-${product % 50}`,
  }));
  const productSeconds = await postInChunks(productItems, (chunk) => api.post('/products/batch', { products: chunk }));
  const levelItems = Array.from({ length: products * locations }, (_, level) => ({
    sku: skuOf(firstProduct + Math.floor(level / locations)),
    location: codeOf(level % locations),
    type: 'add',
    movement: 'receipt',
    quantity: ON_HAND,
  }));
  const levelSeconds = await postInChunks(levelItems, (chunk) => api.post('/adjustments', { adjustments: chunk }));
  return {
    products,
    levels: levelItems.length,
    productsPerSecond: products / productSeconds,
    levelsPerSecond: levelItems.length / levelSeconds,
  };
}

async function postInChunks<T>(items: readonly T[], post: (chunk: T[]) => Promise<BulkAnswer>): Promise<number> {
  const startedAt = performance.now();
  for (let at = 0; at < items.length; at += CHUNK) {
    const chunk = items.slice(at, at + CHUNK);
    const { succeeded, failed, results } = await post(chunk);
    if (succeeded !== chunk.length || failed !== 0) {
      throw new Error(
        `seeding: ${failed} of ${chunk.length} failed, such as ${JSON.stringify(results[0]).slice(0, 300)}`,
      );
    }
  }
  return (performance.now() - startedAt) / 1000;
}
