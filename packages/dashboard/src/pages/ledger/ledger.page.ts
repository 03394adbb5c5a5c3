import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/ledger',
  title: 'Ledger',
  group: 'Watch',
  order: 320,
  icon: 'book',
  key: 'l',
  scope: 'read',
  keywords: 'movements history audit why',
  routes: [{ path: '', load: async () => (await import('./ledger.view.tsx')).LedgerView }],
});
