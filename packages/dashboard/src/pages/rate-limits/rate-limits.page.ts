import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/rate-limits',
  title: 'Rate limits',
  group: 'Manage',
  order: 425,
  icon: 'gauge',
  key: 'm',
  scope: 'read',
  keywords: 'limiter throttle quota shadow refused 429 tiers',
  routes: [{ path: '', load: async () => (await import('./rate-limits.view.tsx')).RateLimitsView }],
});
