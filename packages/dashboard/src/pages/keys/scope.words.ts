import type { Item } from '../../api/queries.ts';

export type ApiKey = Item<'/api/v1/api-keys'>;
export type KeyScope = ApiKey['scopes'][number];

/** What each scope lets a key do, the common ones first. */
export const SCOPE_WORDS: Record<KeyScope, string> = {
  read: 'See everything but keys and people',
  reserve: 'Reserve, confirm, ship and cancel; and read',
  stock: 'Adjust, transfer, set levels, acknowledge alerts; and read',
  admin: 'Everything, keys included',
  limit: 'Ask for rate limits, and nothing else',
  ingest: 'Send events and metrics, and nothing else',
  notify: 'Send notifications, and nothing else',
  files: 'Keep files, and nothing else',
};
