import type { DemoDataset } from './demo.dataset.ts';
import { HOME, nearestWarehouse, WAREHOUSES } from './demo.places.ts';

/** What a warehouse receives of a product before the first order. */
export interface Receipt {
  sku: string;
  location: string;
  quantity: number;
}

export interface StockPlan {
  receipts: Receipt[];
  /** By sku. */
  reorderPoints: Map<string, number>;
  /** How many products get less than will be ordered. */
  shortProducts: number;
}

/** Of every so many products there will not be enough: a demo without refusals would show half of Holdfast. */
const SHORT_EVERY = 30;
const SHORT_SHARE = 0.6;

/**
 * Plans the stock from the orders and the write-offs that will come. Each warehouse gets what its nearest customers will want and a margin;
 * some margins are thin, so that stock runs low; and of some products there is too little.
 */
export function planStock({ products, events }: DemoDataset): StockPlan {
  const demand = new Map<string, Map<string, number>>();
  for (const { kind, country, lines } of events) {
    if (kind === 'return') continue;
    const { code } = kind === 'order' ? nearestWarehouse(country) : HOME;
    for (const { sku, quantity } of lines) {
      const byPlace = demand.get(sku) ?? new Map<string, number>();
      byPlace.set(code, (byPlace.get(code) ?? 0) + quantity);
      demand.set(sku, byPlace);
    }
  }
  const plan: StockPlan = { receipts: [], reorderPoints: new Map(), shortProducts: 0 };
  for (const [place, { sku }] of products.entries()) {
    const byPlace = demand.get(sku) ?? new Map<string, number>();
    const total = [...byPlace.values()].reduce((sum, units) => sum + units, 0);
    const isShort = place % SHORT_EVERY === SHORT_EVERY - 1 && total > 10;
    if (isShort) plan.shortProducts += 1;
    plan.reorderPoints.set(sku, Math.ceil(total * 0.1));
    // From a tenth to a half more than will be ordered.
    const share = isShort ? SHORT_SHARE : 1.1 + (place % 9) * 0.05;
    for (const { code } of WAREHOUSES) {
      const wanted = byPlace.get(code) ?? 0;
      const quantity = Math.ceil(wanted * share) + (code === HOME.code && !isShort ? 3 : 0);
      if (quantity > 0) plan.receipts.push({ sku, location: code, quantity });
    }
  }
  return plan;
}
