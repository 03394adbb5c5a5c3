import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/keys',
  title: 'API keys',
  group: 'Manage',
  order: 430,
  icon: 'key',
  key: 'k',
  scope: 'admin',
  keywords: 'secrets scopes tokens',
  routes: [{ path: '', load: async () => (await import('./keys.view.tsx')).KeysView }],
});
