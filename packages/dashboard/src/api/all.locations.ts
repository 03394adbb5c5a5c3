import type { Item } from './queries.ts';

export type Location = Item<'/api/v1/locations'>;

/** What all of them are cached by: by this name events make them stale. */
export const ALL_LOCATIONS = ['/api/v1/locations', 'all'] as const;
