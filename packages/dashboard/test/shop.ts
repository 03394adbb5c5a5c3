import type { DashboardServer } from './dashboard.server.ts';

/** A small shop with something on every page. */
export async function fillShop({ call }: Pick<DashboardServer, 'call'>): Promise<void> {
  const expect = async (method: string, path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await call(method, path, body);
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  for (const [code, name, priority] of [
    ['WH-LUTON', 'Luton', 10],
    ['WH-MILAN', 'Milan', 20],
  ] as const) {
    await expect('POST', '/locations', { code, name, type: 'warehouse', priority });
  }
  const products = PRODUCTS.map(([sku, name], index) => {
    return { sku, name, category: index % 2 === 0 ? 'kitchen' : 'garden', unitCost: 2.5 + index, reorderPoint: 10 };
  });
  await expect('POST', '/products/batch', { products });
  const adjustments = PRODUCTS.flatMap(([sku, , quantity]) => [
    { sku, location: 'WH-LUTON', type: 'add', quantity, movement: 'receipt', reason: 'first delivery' },
    { sku, location: 'WH-MILAN', type: 'add', quantity: Math.ceil(quantity / 3), movement: 'receipt' },
  ]);
  await expect('POST', '/adjustments', { adjustments });
  const held = [];
  for (let order = 1; order <= 6; order += 1) {
    const lines = [{ sku: PRODUCTS[order % PRODUCTS.length]?.[0] ?? 'MUG', quantity: order * 2, location: 'WH-LUTON' }];
    held.push(await expect('POST', '/reservations', { orderId: `ORDER-${1000 + order}`, lines, ttlSeconds: 600 }));
  }
  await expect('POST', `/reservations/${String(held[0]?.['id'])}/confirm`, {});
  await expect('POST', `/reservations/${String(held[1]?.['id'])}/confirm`, { ship: true });
  await expect('POST', `/reservations/${String(held[2]?.['id'])}/cancel`, { reason: 'changed their mind' });
  const transfer = { from: 'WH-LUTON', to: 'WH-MILAN', lines: [{ sku: 'MUG', quantity: 5 }] };
  await expect('POST', '/transfers', transfer);
  // Low, then out: two alerts.
  const damage = { sku: 'LAMP', location: 'WH-LUTON', type: 'subtract', movement: 'damage', reason: 'water' };
  await expect('POST', '/inventory/LAMP/adjust', { ...damage, sku: undefined, quantity: 15 });
  const theft = { location: 'WH-MILAN', type: 'subtract', movement: 'theft', quantity: 7 };
  await expect('POST', '/inventory/LAMP/adjust', theft);
}

const PRODUCTS: readonly (readonly [sku: string, name: string, quantity: number])[] = [
  ['MUG', 'Mug, blue', 120],
  ['BOWL', 'Bowl, oak', 64],
  ['LAMP', 'Lamp, brass', 20],
  ['HERON', 'Garden heron', 31],
  ['TRAY', 'Tray, enamel', 240],
  ['VASE', 'Vase, stoneware', 18],
];
