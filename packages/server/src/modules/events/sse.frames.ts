import { keepNewest } from '../../kernel/bounded.map.ts';
import type { Problem } from '../../kernel/problem.ts';
import type { EventSpan } from './event.tail.ts';
import { matcherOf, type EventFilter, type StreamEvent } from './event.types.ts';

/** The frames of the HTML standard, section 9.2: an event's JSON is one line, so it is one `data` field. */
export function eventFrame({ position, type, json }: StreamEvent): string {
  return `id: ${position}\nevent: ${type}\ndata: ${json}\n\n`;
}

/**
 * Only a comment, which keeps proxies from closing what is idle, and an `id` without data: no event for anybody, and yet
 * the place from which the reader resumes, so that a rare topic never falls behind what is kept.
 */
export function heartbeatFrame(position: number): string {
  return `: heartbeat\nid: ${position}\n\n`;
}

/** Sent at once. The `id` is where the stream begins: whoever is cut before the first event resumes from there. */
export function openingFrame(position: number, retryMs: number): string {
  return `: holdfast events\n\nretry: ${retryMs}\nid: ${position}\n\n`;
}

/** The last frame of a stream that the server ends. */
export function endFrame({ code, detail }: Problem, retryMs: number): string {
  return `retry: ${retryMs}\nevent: error\ndata: ${JSON.stringify({ code, detail })}\n\n`;
}

/** What a reader asked for. Readers who asked for the same share one, and what is written for them is made once. */
export interface SharedFilter {
  matches: (event: StreamEvent) => boolean;
}

const FILTERS_MAX = 1_000;
const KEPT_BYTES = 16_777_216;
/** What it takes to note that there is nothing for a filter. */
const ENTRY_BYTES = 128;

/** Events as they are written to the connections, made once for all who get the same. */
export class FrameMaker {
  readonly #filters = new Map<string, SharedFilter>();
  readonly #made = new Map<EventSpan, Map<SharedFilter, Buffer | null>>();
  #madeBytes = 0;

  filterOf({ types = [], topics = [] }: EventFilter): SharedFilter {
    const key = JSON.stringify([types, topics]);
    const known = this.#filters.get(key);
    if (known !== undefined) return known;
    const filter = { matches: matcherOf({ types, topics }) };
    keepNewest(this.#filters, key, filter, FILTERS_MAX);
    return filter;
  }

  /** What a filter passes of the events of a span behind a position; null where that is nothing. */
  framesOf(span: EventSpan, after: number, filter: SharedFilter): Buffer | null {
    if (span.events.length === 0) return null;
    if (after > span.after) return framesOf(span, filter, after);
    const made = this.#madeOf(span);
    let frames = made.get(filter);
    if (frames === undefined) {
      frames = framesOf(span, filter, after);
      made.set(filter, frames);
      this.#madeBytes += ENTRY_BYTES + (frames?.length ?? 0);
    }
    return frames;
  }

  #madeOf(span: EventSpan): Map<SharedFilter, Buffer | null> {
    // Each of a thousand readers may have a filter of their own, and what is made for one is of use to nobody.
    if (this.#madeBytes > KEPT_BYTES) {
      this.#made.clear();
      this.#madeBytes = 0;
    }
    const known = this.#made.get(span);
    if (known !== undefined) return known;
    const made = new Map<SharedFilter, Buffer | null>();
    this.#made.set(span, made);
    return made;
  }
}

function framesOf(span: EventSpan, { matches }: SharedFilter, after: number): Buffer | null {
  let text = '';
  for (const event of span.events) if (event.position > after && matches(event)) text += eventFrame(event);
  return text === '' ? null : Buffer.from(text);
}
