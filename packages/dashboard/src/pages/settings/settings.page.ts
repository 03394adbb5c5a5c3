import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/settings',
  title: 'Settings',
  group: 'Manage',
  order: 440,
  icon: 'sliders',
  key: 's',
  scope: 'read',
  keywords: 'configuration environment password sessions',
  routes: [{ path: '', load: async () => (await import('./settings.view.tsx')).SettingsView }],
});
