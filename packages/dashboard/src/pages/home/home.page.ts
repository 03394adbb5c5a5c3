import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/',
  title: 'Home',
  group: 'Stock',
  order: 110,
  icon: 'home',
  key: 'h',
  scope: 'read',
  keywords: 'overview summary start',
  routes: [{ path: '', load: async () => (await import('./home.view.tsx')).HomeView }],
});
