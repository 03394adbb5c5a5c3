import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router';
import { pages } from './page.registry.ts';
import { lazyPage } from './lazy.page.ts';
import { NotFound } from './not.found.tsx';
import { PageError } from './page.error.tsx';
import { PageLoading } from './page.loading.tsx';
import { Shell } from './shell.tsx';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const routes = pages.flatMap((page) =>
  page.routes.map(({ path, load }) =>
    createRoute({
      getParentRoute: () => root,
      path: `${page.path === '/' ? '' : page.path}${path}` || '/',
      component: lazyPage(load),
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
