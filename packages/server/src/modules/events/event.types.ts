/** What a ledger entry is as an event. */
export const STOCK_CHANGED = 'stock.changed';

/** The journal's kinds that are events of their own; the others (keys, people, settings) are the audit's alone. */
export const JOURNAL_EVENTS = [
  'reservation.created',
  'reservation.confirmed',
  'reservation.shipped',
  'reservation.cancelled',
  'reservation.expired',
  'reservation.changed',
  'reservation.extended',
  'transfer.created',
  'alert.opened',
  'alert.acknowledged',
  'alert.resolved',
  'level.updated',
  'product.created',
  'product.updated',
  'product.archived',
  'location.created',
  'location.updated',
  'location.archived',
  'rate_limit.limited',
  'run.queued',
  'run.held',
  'run.skipped',
  'run.started',
  'run.progressed',
  'run.retrying',
  'run.succeeded',
  'run.failed',
  'run.cancel_requested',
  'run.cancelled',
  'run.deadline_at_risk',
  'run.deadline_missed',
] as const;

export const EVENT_TYPES = [STOCK_CHANGED, ...JOURNAL_EVENTS] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** One event of the stream, ready to be sent. */
export interface StreamEvent {
  /** Where it stands; rises along the stream, with gaps. */
  position: number;
  type: EventType;
  /** The sku, code or id that it is about. */
  subject: string;
  /** RFC 3339. */
  time: string;
  /**
   * What one can subscribe to and gets it: `product:<sku>`, `location:<code>`, `alerts`, `reservations`, `rate-limits`,
   * `jobs`, `job:<id>`.
   */
  topics: readonly string[];
  /** The CloudEvent on one line. */
  json: string;
}

/** `types` may hold `reservation.*` and `*`. Absent: everything. Of topics one suffices. */
export interface EventFilter {
  types?: readonly string[] | undefined;
  topics?: readonly string[] | undefined;
}

/** Whether an event passes; made once for a filter. */
export function matcherOf({ types, topics }: EventFilter): (event: StreamEvent) => boolean {
  const hasType = typeMatcher(types);
  if (topics === undefined || topics.length === 0) return ({ type }) => hasType(type);
  const wanted = new Set(topics);
  return (event) => hasType(event.type) && event.topics.some((topic) => wanted.has(topic));
}

function typeMatcher(types: readonly string[] | undefined): (type: string) => boolean {
  if (types === undefined || types.length === 0 || types.includes('*')) return () => true;
  const exact = new Set(types);
  const groups = new Set(types.filter((type) => type.endsWith('.*')).map((type) => type.slice(0, -1)));
  return (type) => exact.has(type) || groups.has(type.slice(0, type.indexOf('.') + 1));
}
