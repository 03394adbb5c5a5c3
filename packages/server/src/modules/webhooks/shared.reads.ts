import { keepNewest } from '../../kernel/bounded.map.ts';
import { matcherOf, type StreamEvent } from '../events/index.ts';
import type { EventSource } from './stream.reader.ts';

interface Batch {
  events: readonly StreamEvent[];
  position: number;
}

/** Batches that are remembered: of 500 events of a kilobyte or less, a few megabytes. A larger one is not. */
const BATCHES_MAX = 16;
const BATCH_MAX_CHARS = 2_000_000;

/**
 * The stream, read once for all endpoints that stand at the same place, as those do that keep up. What was read behind a
 * position stays true for ever; only that nothing was there does not.
 */
export class SharedReads implements EventSource {
  readonly #feed: EventSource;
  readonly #batches = new Map<string, Promise<Batch>>();
  /** Reads that were not answered yet. */
  readonly #underWay = new Map<string, Promise<Batch>>();

  constructor(feed: EventSource) {
    this.#feed = feed;
  }

  head(): Promise<number> {
    return this.#feed.head();
  }

  now(): Promise<number> {
    return this.#feed.now();
  }

  forgotten(): Promise<number> {
    return this.#feed.forgotten();
  }

  positionBefore(instantMs: number): Promise<number> {
    return this.#feed.positionBefore(instantMs);
  }

  positionBehind(instantMs: number): Promise<number> {
    return this.#feed.positionBehind(instantMs);
  }

  async read(after: number, { limit, ...filter }: Parameters<EventSource['read']>[1]): Promise<Batch> {
    const { events, position } = await this.#batchAfter(after, limit);
    return { events: events.filter(matcherOf(filter)), position };
  }

  /** A read that began before is not shared with who asks after: it may have missed what the callback tells of. */
  onAdvance(callback: () => void): () => void {
    return this.#feed.onAdvance(() => {
      this.#underWay.clear();
      callback();
    });
  }

  #batchAfter(after: number, limit: number): Promise<Batch> {
    const key = `${after} ${limit}`;
    const known = this.#batches.get(key) ?? this.#underWay.get(key);
    if (known !== undefined) return known;
    const reading = this.#feed.read(after, { limit });
    this.#underWay.set(key, reading);
    const done = (batch: Batch | null): void => {
      if (this.#underWay.get(key) === reading) this.#underWay.delete(key);
      if (batch !== null && batch.position > after && isSmall(batch))
        keepNewest(this.#batches, key, reading, BATCHES_MAX);
    };
    reading.then(done, () => done(null));
    return reading;
  }
}

function isSmall({ events }: Batch): boolean {
  return events.reduce((sum, { json }) => sum + json.length, 0) <= BATCH_MAX_CHARS;
}
