import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/jobs',
  title: 'Jobs',
  group: 'Watch',
  order: 340,
  icon: 'jobs',
  key: 'j',
  scope: 'admin',
  keywords: 'scheduler cron runs workers queue dead letters graph timeline imports exports reports',
  routes: [
    { path: '', load: async () => (await import('./jobs.view.tsx')).JobsView },
    { path: '/runs', load: async () => (await import('./runs.view.tsx')).RunsView },
    { path: '/runs/$id', load: async () => (await import('./run.view.tsx')).RunPage },
    { path: '/next', load: async () => (await import('./next.view.tsx')).NextView },
    { path: '/graph', load: async () => (await import('./graph.view.tsx')).GraphView },
    { path: '/$id', load: async () => (await import('./job.view.tsx')).JobPage },
  ],
});
