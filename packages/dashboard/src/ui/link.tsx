import { Link as RouterLink } from '@tanstack/react-router';
import type { ReactNode } from 'react';

interface LinkProps {
  /** A path of the dashboard, its parts already encoded; see `pathOf`. */
  to: string;
  search?: Record<string, string>;
  /** It leads here only from this very path, not from one below it. */
  isExact?: boolean;
  className?: string | undefined;
  'aria-current'?: 'page';
  'aria-label'?: string;
  children: ReactNode;
}

/** A real link to a page: opens in a new tab as any other, and is loaded ahead when pointed at. */
export function Link({ to, search, isExact = false, ...rest }: LinkProps) {
  return (
    <RouterLink
      to={to}
      {...(search === undefined ? {} : { search })}
      activeOptions={{ exact: isExact, includeSearch: false }}
      {...rest}
    />
  );
}

/** `/inventory/SKU%2F1` of `pathOf('/inventory', 'SKU/1')`. */
export function pathOf(page: string, ...parts: string[]): string {
  return [page, ...parts.map(encodeURIComponent)].join('/');
}
