import type { DemoClient } from './demo.client.ts';
import type { DemoDataset } from './demo.dataset.ts';
import { HOME, WAREHOUSES } from './demo.places.ts';
import type { StockPlan } from './demo.stock.ts';
import { inParallel } from './parallel.ts';

const BATCH = 2_000;
const AT_ONCE = 16;

/** Makes the warehouses and the catalog, and receives the stock. What is there from an earlier run is left. */
export async function setUp(client: DemoClient, data: DemoDataset, plan: StockPlan, runId: string): Promise<void> {
  for (const { code, name, priority, lat, lng } of WAREHOUSES) {
    const location = { code, name, type: 'warehouse', priority, lat, lng };
    await client.expect('POST', '/locations', location, [201, 409]);
  }
  const products = data.products.map(({ sku, name, price }) => ({
    sku,
    name,
    // The data has prices only: they stand in for costs.
    ...(price === null ? {} : { unitCost: price }),
    reorderPoint: plan.reorderPoints.get(sku) ?? 0,
  }));
  for (const batch of batches(products)) await client.expect('POST', '/products/batch', { products: batch }, [200]);
  // The reorder point is that of the whole demand, which the home warehouse serves.
  const elsewhere = plan.receipts.filter(({ location }) => location !== HOME.code);
  await inParallel(elsewhere, AT_ONCE, async ({ sku, location, quantity }) => {
    const reorderPoint = Math.floor(quantity * 0.1);
    await client.expect('PATCH', `/inventory/${sku}/locations/${location}`, { reorderPoint }, [200]);
  });
  const reference = { type: 'demo', id: runId };
  const adjustments = plan.receipts.map((receipt) => ({ ...receipt, type: 'add', movement: 'receipt', reference }));
  for (const batch of batches(adjustments)) {
    await client.expect('POST', '/adjustments', { adjustments: batch }, [200]);
  }
}

function batches<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, index) =>
    items.slice(index * BATCH, (index + 1) * BATCH),
  );
}
