import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/inventory',
  title: 'Inventory',
  group: 'Stock',
  order: 120,
  icon: 'boxes',
  key: 'i',
  scope: 'read',
  keywords: 'stock levels products',
  routes: [
    { path: '', load: async () => (await import('./inventory.view.tsx')).InventoryView },
    { path: '/$sku', load: async () => (await import('./product.view.tsx')).ProductView },
  ],
});
