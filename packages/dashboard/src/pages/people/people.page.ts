import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/people',
  title: 'People',
  group: 'Manage',
  order: 435,
  icon: 'person',
  key: 'p',
  scope: 'admin',
  keywords: 'users staff accounts passwords sign in',
  routes: [{ path: '', load: async () => (await import('./people.view.tsx')).PeopleView }],
});
