import type { ComponentType } from 'react';
import type { Scope } from '../api/session.store.ts';
import type { IconName } from '../ui/icon.tsx';

/** One route of a page: its component is loaded when it is first shown. */
export interface PageRoute {
  /** Below the page's own path, as TanStack Router spells it: `''`, `'/$sku'`. */
  path: string;
  /** Where it takes more than its page. */
  scope?: Scope;
  load: () => Promise<ComponentType>;
}

/**
 * A page of the dashboard. `src/pages/<name>/<name>.page.ts` exports one as `page`, and it has its link, its key, its
 * place in the palette and its routes; there is no other list to add it to. The folder's name is the page's path, `home`
 * being `/`: the server knows from it which paths are pages.
 */
export interface Page {
  path: `/${string}`;
  title: string;
  /** Where its link stands. */
  group: 'Stock' | 'Orders' | 'Watch' | 'Manage';
  /** Among the links of its group, and in all. */
  order: number;
  icon: IconName;
  /** `g`, then this, goes there. */
  key?: string;
  /** Who has it not does not see the page. */
  scope: Scope;
  /** What else people call it, for the palette. */
  keywords?: string;
  routes: PageRoute[];
}

export function definePage(page: Page): Page {
  return page;
}
