import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/transfers',
  title: 'Transfers',
  group: 'Stock',
  order: 150,
  icon: 'swap',
  key: 't',
  scope: 'read',
  keywords: 'move between locations',
  routes: [
    { path: '', load: async () => (await import('./transfers.view.tsx')).TransfersView },
    { path: '/$id', load: async () => (await import('./transfer.view.tsx')).TransferPage },
  ],
});
