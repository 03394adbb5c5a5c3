import { EventFeed, Sequencer, StreamRetention } from '../modules/events/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { Signals } from '../platform/signals/index.ts';

interface EventDeps {
  config: Config;
  database: Database;
  metrics: Metrics;
  signals: Signals;
  /** The oldest of the stream was forgotten. */
  onTrimmed: (report: { runsForgotten: number }) => void;
  onError: (error: unknown) => void;
}

/** The stream of events of one instance. */
export interface EventStream {
  feed: EventFeed;
  retention: StreamRetention;
  /** Something was committed here, perhaps. */
  onJournal(): void;
  start(): void;
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const CHANNEL = 'events';

/** Numbers what this instance commits, tells the others, and follows what they tell. */
export function openEvents({ config, database, metrics, signals, onTrimmed, onError }: EventDeps): EventStream {
  const position = metrics.gauge({
    name: 'inventory_event_position',
    help: 'The last position of the event stream that this instance has given or seen.',
    aggregator: 'max',
  });
  const lag = metrics.histogram({
    name: 'inventory_event_lag_seconds',
    help: 'From the commit of an entry to its position in the stream; of each numbering the oldest.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const sequencer = new Sequencer({
    database,
    onError,
    onNumbered: ({ head, lagMs }) => {
      position.set(head);
      lag.observe(lagMs / 1_000);
      feed.reach(head);
      signals.publish(CHANNEL, String(head));
    },
  });
  const feed = new EventFeed({ database, number: () => sequencer.number(), isHinted: () => signals.isLive, onError });
  metrics.collected({ name: 'holdfast_event_subscribers', help: 'Who follows the event stream live, here.' }, () => [
    { labels: {}, value: feed.listeners },
  ]);
  const retention = new StreamRetention({
    database,
    keptMs: config.eventRetentionHours * HOUR_MS,
    onDone: onTrimmed,
    onError,
  });
  let isStarted = false;
  let unhear: (() => void) | null = null;
  return {
    feed,
    retention,
    onJournal: () => {
      if (isStarted) sequencer.wake();
    },
    start: () => {
      isStarted = true;
      unhear = signals.on(
        CHANNEL,
        (head) => feed.hear(head === '' ? Infinity : Number(head)),
        () => feed.wake(),
      );
      sequencer.start();
      feed.start();
      retention.start();
    },
    stop: async () => {
      isStarted = false;
      unhear?.();
      await Promise.all([retention.stop(), feed.stop()]);
      await sequencer.stop();
    },
  };
}
