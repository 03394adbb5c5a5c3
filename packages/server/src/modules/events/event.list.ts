import { decodeCursor, encodeCursor, type Page } from '../../kernel/page.ts';
import { validationFailed } from '../../kernel/problem.ts';
import type { EventFeed } from './event.feed.ts';
import { refuseUnknown } from './event.follower.ts';
import { parseFilter, type EventQuery } from './event.schema.ts';
import type { StreamEvent } from './event.types.ts';

/** Entries that one page looks through, at most: a filter that matches next to nothing gives short pages. */
const LOOK_MAX = 20_000;
const LOOK_AT_ONCE = 1_000;
/** Nor does it look on with so much in hand: an event may carry megabytes. */
const PAGE_CHARS = 8_000_000;

export interface EventList extends Page<StreamEvent> {
  position: number;
}

/**
 * A page of the stream, oldest first. Everything that was answered before is in it.
 *
 * @throws Problem `validation_failed`, `invalid_cursor`, `position_gone`
 */
export async function pageOfEvents(feed: EventFeed, query: EventQuery): Promise<EventList> {
  const { limit, cursor } = query;
  const filter = parseFilter(query);
  if (cursor !== undefined && query.after !== undefined) {
    throw validationFailed([{ path: 'after', message: 'cannot stand beside cursor' }]);
  }
  const list = { route: 'events', ...filter };
  const from = cursor === undefined ? query.after : Number(decodeCursor(list, cursor, ['integer'])[0]);
  const head = await feed.now();
  if (from !== undefined && from > head) await refuseUnknown(feed, from);
  const items: StreamEvent[] = [];
  let position = from ?? (await feed.forgotten());
  let chars = 0;
  for (let looked = 0; looked < LOOK_MAX && items.length <= limit && chars < PAGE_CHARS; looked += LOOK_AT_ONCE) {
    const batch = await feed.read(position, { limit: LOOK_AT_ONCE, ...filter });
    items.push(...batch.events);
    for (const { json } of batch.events) chars += json.length;
    if (batch.position === position) break;
    position = batch.position;
  }
  const kept = items.slice(0, limit);
  const last = kept.at(-1);
  if (items.length > limit && last !== undefined) position = last.position;
  return { items: kept, nextCursor: position < head ? encodeCursor(list, [position]) : null, position };
}
