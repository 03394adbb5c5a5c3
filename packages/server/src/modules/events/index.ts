import type { HttpServer } from '../../platform/http/index.ts';
import type { EventFeed } from './event.feed.ts';
import { registerEventList } from './event.routes.ts';

export { EventFeed, type EventBatch, type FeedListener } from './event.feed.ts';
export { eventProblems } from './event.problems.ts';
export { isEventType, isTopic, parseFilter, Position } from './event.schema.ts';
export { EVENT_TYPES, matcherOf, type EventFilter, type EventType, type StreamEvent } from './event.types.ts';
export { Sequencer, type SequencerReport } from './stream.sequencer.ts';
export { StreamRetention } from './stream.retention.ts';

/** The stream of events: as a list. */
export function eventRoutes(deps: { feed: EventFeed }): (app: HttpServer) => void {
  return (app) => registerEventList(app, deps);
}
