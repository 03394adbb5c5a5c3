import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/webhooks',
  title: 'Webhooks',
  group: 'Manage',
  order: 420,
  icon: 'hook',
  key: 'w',
  scope: 'admin',
  keywords: 'deliveries endpoints replay',
  routes: [
    { path: '', load: async () => (await import('./webhooks.view.tsx')).WebhooksView },
    { path: '/$id', load: async () => (await import('./webhook.view.tsx')).WebhookPage },
  ],
});
