import { boundMs } from '../../kernel/instant.ts';
import { validationFailed, type Problem } from '../../kernel/problem.ts';
import type { StreamEvent } from '../events/index.ts';
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
/** Twice as much was not written within the time of a transaction, beside a busy machine. */
export const REPLAY_MAX_CHARS = 32_000_000;
const READ_LIMIT = 2_000;
const READS_WITHIN_MS = 3_000;

/**
 * The events of a range that pass a filter, up to a position.
 *
 * @throws Problem `position_gone`; `validation_failed` where they are too many for one replay, carry too much, or are too far
 * apart
 */
export async function eventsOfRange(
  feed: EventSource,
  range: ReplayRange,
  filter: ReplayFilter,
  upTo: number,
): Promise<StreamEvent[]> {
  const bounds = boundsOf(range, upTo);
  const after = bounds.from === null ? await feed.positionBefore(bounds.fromMs) : bounds.from - 1;
  const last = bounds.toMs === Infinity ? bounds.to : Math.min(bounds.to, await feed.positionBehind(bounds.toMs));
  const found: StreamEvent[] = [];
  let chars = 0;
  const untilMs = performance.now() + READS_WITHIN_MS;
  for (let position = Math.max(0, after); position < last;) {
    if (performance.now() > untilMs) throw tooLong(position);
    const batch = await feed.read(position, { limit: READ_LIMIT, ...wanted(filter) });
    if (batch.position === position) break;
    for (const event of batch.events) {
      const ms = Date.parse(event.time);
      if (event.position > last) return found;
      if (ms < bounds.fromMs || ms >= bounds.toMs) continue;
      found.push(event);
      chars += event.json.length;
      if (chars > REPLAY_MAX_CHARS && found.length > 1) throw tooLarge(event.position);
    }
    if (found.length > REPLAY_MAX) throw tooMany();
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

function wanted({ types, topics }: ReplayFilter): { types: readonly string[]; topics?: readonly string[] } {
  return topics.length === 0 ? { types } : { types, topics };
}

function tooMany(): Problem {
  const message = `must be earlier: one replay takes ${REPLAY_MAX} events at most`;
  return validationFailed([{ path: '/to', message }]);
}

function tooLarge(position: number): Problem {
  const megabytes = REPLAY_MAX_CHARS / 1_000_000;
  const message = `must be before position ${position}: one replay takes ${megabytes} MB of events at most`;
  return validationFailed([{ path: '/to', message }]);
}

/** The filter passes next to nothing of a long stretch. */
function tooLong(position: number): Problem {
  const message = `must be earlier: within ${READS_WITHIN_MS / 1_000} s the stream was looked through up to position ${position}`;
  return validationFailed([{ path: '/to', message }]);
}
