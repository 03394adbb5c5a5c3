import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../../kernel/problem.ts';
import { EventBroadcast, type FollowedFeed, type Follower, type FollowerSink } from './event.follower.ts';
import type { FeedListener } from './event.feed.ts';
import { positionGone } from './event.problems.ts';
import { eventsAfter, EventTail, type EventSpan } from './event.tail.ts';
import type { StreamEvent } from './event.types.ts';

function eventAt(position: number): StreamEvent {
  const type = 'stock.changed';
  return { position, type, subject: 'A', time: '', topics: [], json: `{"position":${position}}` };
}

/** A stream in memory: some positions are events, the others are entries that are none. */
class MemoryFeed implements FollowedFeed {
  readonly tail = new EventTail();
  /** What is numbered, and how far the feed has told it. */
  #events: StreamEvent[] = [];
  #head = 0;
  #forgotten = 0;
  #listeners = new Set<FeedListener>();
  position: number | null = null;
  reads = 0;
  failures = 0;

  append(isEvent: readonly boolean[]): void {
    for (const each of isEvent) {
      this.#head += 1;
      if (each) this.#events.push(eventAt(this.#head));
    }
  }

  /** The feed looks: it begins at the head, and goes on from there by spans of up to `most`. */
  look(most = 5): void {
    if (this.#listeners.size === 0) return;
    if (this.position === null) {
      this.position = this.#head;
      this.tail.restart(this.#head);
      this.#tell();
    }
    while (this.position < this.#head) {
      const span = this.#span(this.position, most);
      this.position = span.position;
      this.tail.push(span);
      this.#tell();
    }
  }

  forget(position: number): void {
    this.#forgotten = Math.min(this.#head, Math.max(this.#forgotten, position));
  }

  now(): Promise<number> {
    return Promise.resolve(this.#head);
  }

  extent(): Promise<{ head: number; forgotten: number }> {
    return Promise.resolve({ head: this.#head, forgotten: this.#forgotten });
  }

  async read(after: number, { limit }: { limit: number }) {
    this.reads += 1;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('the database is away');
    }
    await Promise.resolve();
    if (after < this.#forgotten) throw positionGone(after, this.#forgotten);
    return { ...this.#span(after, Math.min(limit, 7)), events: [...this.#span(after, Math.min(limit, 7)).events] };
  }

  subscribe(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      this.position = null;
      this.tail.clear();
    };
  }

  #span(after: number, most: number): EventSpan {
    const position = Math.max(after, Math.min(this.#head, after + most));
    const events = this.#events.filter((event) => event.position > after && event.position <= position);
    return { after, position, events };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener.onSpan?.();
  }
}

class MemorySink implements FollowerSink {
  readonly positions: number[] = [];
  gone: Problem | null = null;
  isFull = false;

  take(span: EventSpan, after: number): void {
    for (const { position } of eventsAfter(span, after)) this.positions.push(position);
  }

  onGone(problem: Problem): void {
    this.gone = problem;
  }
}

/** All that was begun has gone on as far as it could. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

type Step =
  | { is: 'append'; isEvent: boolean[] }
  | { is: 'look' }
  | { is: 'join'; back: number }
  | { is: 'leave' }
  | { is: 'full'; who: number }
  | { is: 'room'; who: number }
  | { is: 'wait' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ is: fc.constant('append' as const), isEvent: fc.array(fc.boolean(), { maxLength: 12 }) }),
  },
  { weight: 4, arbitrary: fc.constant({ is: 'look' as const }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('join' as const), back: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.constant({ is: 'leave' as const }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('full' as const), who: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('room' as const), who: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.constant({ is: 'wait' as const }) },
);

describe('followers', () => {
  it('have every event behind their position once and in order, whenever they come and however they pause', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const feed = new MemoryFeed();
        const broadcast = new EventBroadcast(feed);
        const here: { from: number; sink: MemorySink; follower: Follower }[] = [];
        const join = async (back: number): Promise<void> => {
          const from = Math.max(0, (await feed.now()) - back);
          const sink = new MemorySink();
          here.push({ from, sink, follower: broadcast.follow(await broadcast.startAt(from), sink) });
        };
        for (const each of steps) {
          if (each.is === 'append') feed.append(each.isEvent);
          if (each.is === 'look') feed.look();
          if (each.is === 'join') await join(each.back);
          if (each.is === 'leave') here.shift()?.follower.stop();
          if (each.is === 'wait') await settle();
          const one = 'who' in each ? here[each.who % Math.max(1, here.length)] : undefined;
          if (one === undefined) continue;
          one.sink.isFull = each.is === 'full';
          if (!one.sink.isFull) one.follower.goOn();
        }
        for (const { sink, follower } of here) {
          sink.isFull = false;
          follower.goOn();
        }
        feed.look();
        await settle();
        feed.look();
        await settle();
        const { events } = await feed.read(0, { limit: 7 });
        const all = [...events];
        for (let after = 7; after < (await feed.now()); after += 7) {
          all.push(...(await feed.read(after, { limit: 7 })).events);
        }
        for (const { from, sink } of here) {
          const wanted = all.map(({ position }) => position).filter((position) => position > from);
          // Whose page was read for somebody else, too early for it, looks again after a moment.
          await vi.waitFor(() => expect(sink.positions).toEqual(wanted), { interval: 5, timeout: 10_000 });
        }
      }),
      { numRuns: 150 },
    );
  });

  it('of whom a thousand come back at once share what is read', async () => {
    const feed = new MemoryFeed();
    const broadcast = new EventBroadcast(feed);
    feed.append(Array.from({ length: 3_000 }, () => true));
    const sinks = Array.from({ length: 1_000 }, () => new MemorySink());
    for (const sink of sinks) broadcast.follow(0, sink);
    feed.look();
    for (let round = 0; round < 20; round += 1) await settle();
    for (const sink of sinks) expect(sink.positions.length).toBe(3_000);
    // By pages of 7 here: each was read about once, and not a thousand times.
    expect(feed.reads).toBeLessThan(2_000);
  });

  it('go on when the database comes back', async () => {
    const feed = new MemoryFeed();
    const failures: unknown[] = [];
    const broadcast = new EventBroadcast(feed, (error) => failures.push(error));
    feed.append([true, true]);
    feed.failures = 1;
    const sink = new MemorySink();
    broadcast.follow(0, sink);
    await expect.poll(() => sink.positions, { timeout: 3_000 }).toEqual([1, 2]);
    expect(failures).toHaveLength(1);
  });

  it('are told when what they need is kept no longer', async () => {
    const feed = new MemoryFeed();
    const broadcast = new EventBroadcast(feed);
    feed.append([true, true, true]);
    const sink = new MemorySink();
    sink.isFull = true;
    const follower = broadcast.follow(0, sink);
    feed.forget(2);
    sink.isFull = false;
    follower.goOn();
    await settle();
    expect(sink.gone).toMatchObject({ code: 'position_gone', extensions: { earliest: 2 } });
    await expect(broadcast.startAt(1)).rejects.toMatchObject({ code: 'position_gone' });
    expect(await broadcast.startAt(2)).toBe(2);
  });
});

describe('the tail', () => {
  it('is bounded, and knows what it has', () => {
    const tail = new EventTail();
    expect([tail.covers(0), tail.next(0)]).toEqual([false, undefined]);
    tail.restart(10);
    for (let after = 10; after < 30_010; after += 10) {
      tail.push({
        after,
        position: after + 10,
        events: Array.from({ length: 10 }, (_, at) => eventAt(after + 1 + at)),
      });
    }
    expect([tail.covers(30_010), tail.covers(20_010), tail.covers(20_009)]).toEqual([true, true, false]);
    expect(tail.next(30_010)).toBeUndefined();
    for (const position of [20_010, 25_001, 30_000, 30_009]) {
      const span = tail.next(position);
      expect(span?.after).toBeLessThanOrEqual(position);
      expect(span?.position).toBeGreaterThan(position);
      expect(eventsAfter(span as EventSpan, position)[0]?.position).toBe(position + 1);
    }
  });
});
