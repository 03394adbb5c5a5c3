import type { Page } from './page.ts';

const modules = import.meta.glob<{ page: Page }>('../pages/*/*.page.ts', { eager: true });

/** Every page, in the order of the navigation. */
export const pages: readonly Page[] = Object.values(modules)
  .map(({ page }) => page)
  .sort((left, right) => left.order - right.order);

export const GROUPS: readonly Page['group'][] = ['Stock', 'Orders', 'Watch', 'Manage'];
