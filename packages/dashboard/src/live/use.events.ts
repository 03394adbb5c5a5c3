import { useEffect, useEffectEvent, useState } from 'react';
import type { PagedRows } from '../api/use.pages.ts';
import { onEvent } from './live.bus.ts';
import type { HoldfastEvent } from './live.rules.ts';
import { noNews, unlisted, withNews, type News } from './new.rows.rules.ts';

/** Calls `listener` for each event while the component is there. */
export function useEvents(listener: (event: HoldfastEvent) => void): void {
  const heard = useEffectEvent(listener);
  useEffect(() => onEvent((event) => heard(event)), []);
}

export interface NewRows {
  count: number;
  /** They are about to be shown. */
  reset: () => void;
}

/**
 * The rows that a list announces above itself: those that events of these kinds tell of and that are not in it. They may be:
 * events come before and after the answers that have what they tell of.
 */
export function useNewRows<Row>(
  rows: PagedRows<Row>,
  keyOf: (row: Row) => string,
  isNew: (event: HoldfastEvent) => boolean,
): NewRows {
  const { identity } = rows;
  const [news, setNews] = useState(() => noNews(identity));
  // Another list is asked for with them in it.
  const ofThis = (known: News): News => (known.of === identity ? known : noNews(identity));
  useEvents((event) => {
    if (isNew(event)) setNews((known) => withNews(ofThis(known), keyOf(event.data as Row)));
  });
  return { count: unlisted(ofThis(news), rows, keyOf), reset: () => setNews(noNews(identity)) };
}
