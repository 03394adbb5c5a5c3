import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/events',
  title: 'Events',
  group: 'Watch',
  order: 330,
  icon: 'pulse',
  key: 'e',
  scope: 'read',
  keywords: 'stream live tail cloudevents',
  routes: [{ path: '', load: async () => (await import('./events.view.tsx')).EventsView }],
});
