import { EventBroadcast, LiveConnections, type EventRoutesDeps } from '../modules/events/index.ts';
import type { Authenticate } from '../platform/auth/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { EventStream } from './events.ts';

interface LiveDeps {
  events: EventStream;
  authenticate: Authenticate;
  /** Of browsers, whose pages may connect besides this server's own. */
  corsOrigins: readonly string[];
  metrics: Metrics;
  onError: (error: unknown) => void;
}

/** What is served for as long as somebody listens: the event stream and the socket. */
export function openLive({ events, authenticate, corsOrigins, metrics, onError }: LiveDeps): EventRoutesDeps {
  const live = new LiveConnections({ authenticate, onError });
  metrics.collected(
    { name: 'holdfast_live_connections', help: 'Who follows the event stream here, over a connection.' },
    () => [{ labels: {}, value: live.size }],
  );
  return { feed: events.feed, broadcast: new EventBroadcast(events.feed, onError), live, corsOrigins, onError };
}
