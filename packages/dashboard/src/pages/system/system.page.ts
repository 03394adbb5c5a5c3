import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/system',
  title: 'System',
  group: 'Manage',
  order: 450,
  icon: 'server',
  key: 'y',
  scope: 'admin',
  keywords: 'health instances metrics lag batches audit',
  routes: [{ path: '', load: async () => (await import('./system.view.tsx')).SystemView }],
});
