import type { StreamEvent } from './event.types.ts';

/** The events between two positions: above `after`, up to and with `position`. */
export interface EventSpan {
  readonly events: readonly StreamEvent[];
  readonly after: number;
  readonly position: number;
}

const EVENTS_MAX = 10_000;
const CHARS_MAX = 8_000_000;
const SPANS_MAX = 10_000;

/**
 * The last spans of the stream that this instance has followed, without a hole between them: whoever comes back after a
 * moment, and a thousand of them at once, is served from here and not by the database.
 */
export class EventTail {
  #spans: EventSpan[] = [];
  /** Everything above this position, up to where the feed is, is here. */
  #after: number | null = null;
  #events = 0;
  #chars = 0;

  /** What is followed from now on begins here. */
  restart(position: number): void {
    this.clear();
    this.#after = position;
  }

  clear(): void {
    this.#spans = [];
    this.#after = null;
    this.#events = 0;
    this.#chars = 0;
  }

  push(span: EventSpan): void {
    this.#spans.push(span);
    this.#count(span, 1);
    while (this.#events > EVENTS_MAX || this.#chars > CHARS_MAX || this.#spans.length > SPANS_MAX) {
      const oldest = this.#spans.shift();
      if (oldest === undefined) return;
      this.#count(oldest, -1);
      this.#after = oldest.position;
    }
  }

  /** Whether it has everything behind a position. */
  covers(position: number): boolean {
    return this.#after !== null && position >= this.#after;
  }

  /** The first span that goes beyond a position; undefined where nothing is newer. */
  next(position: number): EventSpan | undefined {
    const newest = this.#spans.at(-1);
    if (newest === undefined || newest.position <= position) return undefined;
    // Who follows live wants the newest.
    if (newest.after <= position) return newest;
    let low = 0;
    let high = this.#spans.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#spans[middle]?.position ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return this.#spans[low];
  }

  #count({ events }: EventSpan, sign: 1 | -1): void {
    this.#events += sign * events.length;
    for (const { json } of events) this.#chars += sign * json.length;
  }
}

const PIECE_CHARS = 65_536;
const pieces = new WeakMap<EventSpan, readonly EventSpan[]>();

/** A span in pieces of some 64 KiB, or of one event that is larger: for readers who take no more at a time. */
export function piecesOf(span: EventSpan): readonly EventSpan[] {
  const known = pieces.get(span);
  if (known !== undefined) return known;
  const made: EventSpan[] = [];
  let [events, chars, after]: [StreamEvent[], number, number] = [[], 0, span.after];
  for (const event of span.events) {
    const before = events.at(-1);
    if (before !== undefined && chars + event.json.length > PIECE_CHARS) {
      made.push({ events, after, position: before.position });
      [events, chars, after] = [[], 0, before.position];
    }
    events.push(event);
    chars += event.json.length;
  }
  made.push(made.length === 0 ? span : { events, after, position: span.position });
  pieces.set(span, made);
  return made;
}

/** The events of a span that lie behind a position. */
export function eventsAfter({ events, after }: EventSpan, position: number): readonly StreamEvent[] {
  return position <= after ? events : events.filter((event) => event.position > position);
}
