import type { Routes } from '../../platform/http/index.ts';
import type { EventFeed } from './event.feed.ts';
import type { EventBroadcast } from './event.follower.ts';
import { registerEventList } from './event.routes.ts';
import type { LiveConnections } from './live.connections.ts';
import { registerEventStream } from './sse.routes.ts';
import { registerEventSocket } from './ws.routes.ts';

export { asyncApiDocument, type EventPayloads } from './asyncapi.document.ts';
export { asyncApiRoutes } from './asyncapi.routes.ts';
export { EventFeed, type EventBatch, type FeedListener } from './event.feed.ts';
export { EventBroadcast } from './event.follower.ts';
export { LiveConnections } from './live.connections.ts';
export { eventProblems } from './event.problems.ts';
export { Position } from './event.schema.ts';
export { EVENT_TYPES, matcherOf, type EventFilter, type EventType, type StreamEvent } from './event.types.ts';
export { Sequencer, type SequencerReport } from './stream.sequencer.ts';
export { StreamRetention } from './stream.retention.ts';

export interface EventRoutesDeps {
  feed: EventFeed;
  broadcast: EventBroadcast;
  live: LiveConnections;
  /** Of browsers, whose pages may connect besides this server's own. */
  corsOrigins: readonly string[];
  onError: (error: unknown) => void;
}

/** The stream of events: as a list, and live. */
export function eventRoutes(deps: EventRoutesDeps): Routes {
  return async (app) => {
    registerEventList(app, deps);
    registerEventStream(app, deps);
    await registerEventSocket(app, deps);
  };
}
export { TOPIC_MESSAGE, TOPIC_PATTERN } from './event.schema.ts';
