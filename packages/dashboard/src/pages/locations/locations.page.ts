import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/locations',
  title: 'Locations',
  group: 'Stock',
  order: 140,
  icon: 'pin',
  key: 'o',
  scope: 'read',
  keywords: 'warehouses stores suppliers places',
  routes: [{ path: '', load: async () => (await import('./locations.view.tsx')).LocationsView }],
});
