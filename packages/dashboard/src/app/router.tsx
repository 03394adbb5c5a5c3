import { createRootRoute, createRoute, createRouter, notFound } from '@tanstack/react-router';
import { pages } from './page.registry.ts';
import { lazyPage } from './lazy.page.ts';
import { NotFound } from './not.found.tsx';
import { PageError } from './page.error.tsx';
import { PageLoading } from './page.loading.tsx';
import { scopedPage } from './scoped.page.tsx';
import { Shell } from './shell.tsx';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const routes = pages.flatMap((page) =>
  page.routes.map(({ path, scope = page.scope, load }) =>
    createRoute({
      getParentRoute: () => root,
      path: `${page.path === '/' ? '' : page.path}${path}` || '/',
      component: scopedPage({ title: page.title, scope }, lazyPage(load)),
      // An address that was typed: as an id it would ask the API for something else (/jobs/upcoming).
      beforeLoad: ({ params }: { params: { id?: string } }) => {
        if (params.id !== undefined && !UUID.test(params.id)) notFound({ throw: true });
      },
      validateSearch: (search: Record<string, unknown>) => search as Record<string, string>,
    }),
  ),
);

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: 'intent',
  defaultPendingComponent: PageLoading,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
  // Text as it is typed, not JSON: `?status=low&search=mug`.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
    return text === '' ? '' : `?${text}`;
  },
});
