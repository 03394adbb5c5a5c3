import type { PagedRows } from '../api/use.pages.ts';

/** So many are looked for in the list; of more, each is taken for a row of its own that is not there. */
const KEYS_MAX = 1_000;
/** New ones are at the top. */
const LOOKED_AT_MAX = 1_000;

/** Rows that events told of since the list was last asked for anew. */
export interface News {
  /** Of which list. */
  of: string;
  keys: ReadonlySet<string>;
  others: number;
}

export function noNews(of: string): News {
  return { of, keys: new Set(), others: 0 };
}

export function withNews(news: News, key: string): News {
  if (news.keys.has(key)) return news;
  if (news.keys.size >= KEYS_MAX) return { ...news, others: news.others + 1 };
  return { ...news, keys: new Set(news.keys).add(key) };
}

/** How many of them the list does not have. */
export function unlisted<Row>(
  { keys, others }: News,
  { count, rowAt }: Pick<PagedRows<Row>, 'count' | 'rowAt'>,
  keyOf: (row: Row) => string,
): number {
  if (keys.size === 0) return others;
  const missing = new Set(keys);
  for (let index = 0; index < Math.min(count, LOOKED_AT_MAX); index += 1) {
    const row = rowAt(index);
    if (row !== null) missing.delete(keyOf(row));
  }
  return missing.size + others;
}
