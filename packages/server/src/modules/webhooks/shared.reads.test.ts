import { describe, expect, it } from 'vitest';
import { SharedReads } from './shared.reads.ts';
import { MemoryFeed } from './webhooks.fixture.ts';

const positionsOf = ({ events }: { events: readonly { position: number }[] }) => events.map(({ position }) => position);

describe('reads of one place', () => {
  it('are made once, whatever each wants of them', async () => {
    const feed = new MemoryFeed();
    for (const subject of ['A', 'B', 'A']) feed.push(subject);
    const shared = new SharedReads(feed);
    const [all, some] = await Promise.all([
      shared.read(0, { limit: 10 }),
      shared.read(0, { limit: 10, topics: ['product:B'] }),
    ]);
    const later = await shared.read(0, { limit: 10, types: ['reservation.*'] });
    expect([all, some, later].map(positionsOf)).toEqual([[1, 2, 3], [2], []]);
    expect([all, some, later].map(({ position }) => position)).toEqual([3, 3, 3]);
    expect(feed.reads).toBe(1);
  });

  it('that found nothing are made again, and so are those that failed', async () => {
    const feed = new MemoryFeed();
    const shared = new SharedReads(feed);
    expect(await shared.read(0, { limit: 10 })).toEqual({ events: [], position: 0 });
    feed.push('A');
    expect(positionsOf(await shared.read(0, { limit: 10 }))).toEqual([1]);
    feed.forget(1);
    const other = new SharedReads(feed);
    await expect(other.read(0, { limit: 10 })).rejects.toMatchObject({ code: 'position_gone' });
    await expect(other.read(0, { limit: 10 })).rejects.toMatchObject({ code: 'position_gone' });
    expect(feed.reads).toBe(4);
  });

  it('that began before the stream went on are not shared with those who ask after', async () => {
    const feed = new MemoryFeed();
    const shared = new SharedReads(feed);
    shared.onAdvance(() => undefined);
    const before = shared.read(0, { limit: 10 });
    feed.push('A');
    const after = shared.read(0, { limit: 10 });
    expect(positionsOf(await before)).toEqual([]);
    expect(positionsOf(await after)).toEqual([1]);
  });

  it('that are large are not kept', async () => {
    const feed = new MemoryFeed();
    for (const subject of ['A', 'B']) feed.push(subject).json += 'x'.repeat(1_000_000);
    const shared = new SharedReads(feed);
    await Promise.all([shared.read(0, { limit: 2 }), shared.read(0, { limit: 2 })]);
    expect(feed.reads).toBe(1);
    await shared.read(0, { limit: 2 });
    expect(feed.reads).toBe(2);
  });

  it('are forgotten, the oldest first', async () => {
    const feed = new MemoryFeed();
    for (let index = 0; index < 40; index += 1) feed.push('A');
    const shared = new SharedReads(feed);
    for (let after = 0; after < 20; after += 1) await shared.read(after, { limit: 1 });
    await shared.read(0, { limit: 1 });
    await shared.read(19, { limit: 1 });
    expect(feed.reads).toBe(21);
  });
});
