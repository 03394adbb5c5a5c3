import { definePage } from '../../app/page.ts';

export const page = definePage({
  path: '/reservations',
  title: 'Reservations',
  group: 'Orders',
  order: 210,
  icon: 'hold',
  key: 'r',
  scope: 'read',
  keywords: 'orders holds carts',
  routes: [
    { path: '', load: async () => (await import('./reservations.view.tsx')).ReservationsView },
    { path: '/$id', load: async () => (await import('./reservation.view.tsx')).ReservationPage },
  ],
});
