import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/products',
  title: 'Products',
  group: 'Stock',
  order: 130,
  icon: 'tag',
  key: 'c',
  scope: 'read',
  keywords: 'catalog skus articles import csv',
  routes: [
    { path: '', load: async () => (await import('./products.view.tsx')).ProductsView },
    { path: '/import', scope: 'admin', load: async () => (await import('./import.view.tsx')).ImportView },
  ],
});
