import { Problem, validationFailed } from '../../kernel/problem.ts';
import { boundMs } from '../../kernel/instant.ts';
import { eventProblems, type StreamEvent } from '../events/index.ts';
import type { EventSource } from './stream.reader.ts';

/** What is asked for: positions, both included, or instants, of which the second is not. */
export interface ReplayRange {
  from: number | string;
  to: number | string | undefined;
}

export interface ReplayFilter {
  types: readonly string[];
  topics: readonly string[];
}

export const REPLAY_MAX = 10_000;
const READ_LIMIT = 2_000;
/** Looking for the first event of an instant, the stream is halved so often at most. */
const HALVINGS_MAX = 60;
/** Times rise with positions but for clocks of transactions that overlap. */
const TIME_SLACK_MS = 60_000;
const READS_WITHIN_MS = 3_000;

/**
 * The events of a range that pass a filter, up to a position.
 *
 * @throws Problem `position_gone`; `validation_failed` where they are too many for one replay
 */
export async function eventsOfRange(
  feed: EventSource,
  range: ReplayRange,
  filter: ReplayFilter,
  upTo: number,
): Promise<StreamEvent[]> {
  const bounds = boundsOf(range, upTo);
  const after = bounds.from === null ? await positionBefore(feed, bounds.fromMs, upTo) : bounds.from - 1;
  const found: StreamEvent[] = [];
  const untilMs = performance.now() + READS_WITHIN_MS;
  for (let position = Math.max(0, after); position < bounds.to;) {
    const batch = await feed.read(position, { limit: READ_LIMIT, ...wanted(filter) });
    if (batch.position === position) break;
    for (const event of batch.events) {
      const ms = Date.parse(event.time);
      if (event.position > bounds.to || ms >= bounds.toMs + TIME_SLACK_MS) return found;
      if (ms >= bounds.fromMs && ms < bounds.toMs) found.push(event);
    }
    if (found.length > REPLAY_MAX || performance.now() > untilMs) throw tooLarge();
    position = batch.position;
  }
  return found;
}

interface Bounds {
  /** Included; null where only the instant is known. */
  from: number | null;
  /** Included. */
  to: number;
  fromMs: number;
  toMs: number;
}

/** @throws Problem `validation_failed` */
function boundsOf({ from, to }: ReplayRange, upTo: number): Bounds {
  const bounds = {
    from: typeof from === 'number' ? from : null,
    to: typeof to === 'number' ? Math.min(to, upTo) : upTo,
    fromMs: typeof from === 'string' ? boundMs(from) : -Infinity,
    toMs: typeof to === 'string' ? boundMs(to) : Infinity,
  };
  const isReversed = typeof from === typeof to && (bounds.fromMs > bounds.toMs || isAbove(from, to));
  if (isReversed) throw validationFailed([{ path: '/to', message: 'must not be before from' }]);
  return bounds;
}

function isAbove(from: number | string, to: number | string | undefined): boolean {
  return typeof from === 'number' && typeof to === 'number' && from > to;
}

/** A position before all events of an instant or later ones: the stream has no index by time, so it is halved. */
async function positionBefore(feed: EventSource, fromMs: number, upTo: number): Promise<number> {
  let low = await feed.forgotten();
  const isEarlier = async (position: number): Promise<boolean> => {
    const { events } = await feed.read(position, { limit: 1 });
    const [event] = events;
    return event !== undefined && Date.parse(event.time) < fromMs - TIME_SLACK_MS;
  };
  if (low > 0 && !(await isEarlier(low))) await refuseIfForgotten(feed, low, fromMs);
  let high = upTo;
  for (let halving = 0; halving < HALVINGS_MAX && high - low > 1; halving += 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isEarlier(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** @throws Problem `position_gone` where events since the instant were forgotten, as far as can be known */
async function refuseIfForgotten(feed: EventSource, forgotten: number, fromMs: number): Promise<void> {
  const { events } = await feed.read(forgotten, { limit: 1 });
  const [first] = events;
  if (first === undefined || Date.parse(first.time) <= fromMs) return;
  throw new Problem(
    eventProblems.positionGone,
    `The stream is kept from ${first.time} on. Take a later instant, or read the present state anew.`,
    { earliest: forgotten },
  );
}

function wanted({ types, topics }: ReplayFilter): { types: readonly string[]; topics?: readonly string[] } {
  return topics.length === 0 ? { types } : { types, topics };
}

function tooLarge(): Problem {
  const message = `must be earlier: one replay takes ${REPLAY_MAX} events at most`;
  return validationFailed([{ path: '/to', message }]);
}
