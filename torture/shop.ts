import type { ApiClient } from './api.client.ts';
import type { Place } from './journal.ts';

/** The stock that clients quarrel about. */
export interface Shop {
  skus: string[];
  locations: string[];
  /** On hand at every place when the shop opened. */
  onHand: number;
}

/** `reference.id` of the stock that was there from the start: it is nobody's effect. */
export const OPENING = 'opening stock';

/** Makes products and locations, and puts so much of every product in every place. */
export async function openShop(api: ApiClient, skus: number, locations: number, onHand: number): Promise<Shop> {
  const shop: Shop = {
    skus: Array.from({ length: skus }, (_, index) => `SKU-${index + 1}`),
    locations: Array.from({ length: locations }, (_, index) => `LOC-${index + 1}`),
    onHand,
  };
  for (const code of shop.locations) {
    await api.must({ method: 'POST', path: '/api/v1/locations', body: { code, name: code, type: 'warehouse' } });
  }
  await api.must({
    method: 'POST',
    path: '/api/v1/products/batch',
    body: { products: shop.skus.map((sku) => ({ sku, name: sku })) },
  });
  if (onHand > 0) await fill(api, placesOf(shop), onHand);
  return shop;
}

export function placesOf(shop: Shop): Place[] {
  return shop.skus.flatMap((sku) => shop.locations.map((location) => ({ sku, location })));
}

async function fill(api: ApiClient, places: Place[], quantity: number): Promise<void> {
  const reference = { type: 'torture', id: OPENING };
  const adjustments = places.map((place) => ({ ...place, type: 'add', quantity, movement: 'receipt', reference }));
  const { failed } = await api.must({ method: 'POST', path: '/api/v1/adjustments', body: { adjustments } });
  if (failed !== 0) throw new Error(`${String(failed)} levels could not be filled`);
}
