import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/alerts',
  title: 'Alerts',
  group: 'Watch',
  order: 310,
  icon: 'bell',
  key: 'a',
  scope: 'read',
  keywords: 'low out of stock overstock shortage',
  routes: [{ path: '', load: async () => (await import('./alerts.view.tsx')).AlertsView }],
});
