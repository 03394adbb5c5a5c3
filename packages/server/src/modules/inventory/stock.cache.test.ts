import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { BEHIND_AFTER_MS, StockCache, type Fill, type StockEvent } from './stock.cache.ts';

/** A stream and a clock that a test moves. */
class TestStream {
  position: number | null = 10;
  upToDateMs = 1_000;
  nowMs = 1_000;
  listener: { onEvents(events: readonly StockEvent[]): void; onGap(): void } | null = null;

  subscribe(listener: NonNullable<TestStream['listener']>): () => void {
    this.listener = listener;
    return () => (this.listener = null);
  }

  tell(...topics: string[]): void {
    this.position = (this.position ?? 0) + 1;
    this.listener?.onEvents([{ position: this.position, type: 'stock.changed', topics }]);
    this.upToDateMs = this.nowMs;
  }
}

describe('the cache of answers about stock', () => {
  let stream: TestStream;
  let cache: StockCache;

  beforeEach(() => {
    stream = new TestStream();
    cache = new StockCache({ stream, clock: { now: () => 0, monotonic: () => stream.nowMs } });
    cache.start();
  });

  /** What is asked for the second time is kept. */
  const begin = (sku: string, question = ''): Fill | null => {
    cache.begin(sku, question);
    const fill = cache.begin(sku, question);
    return typeof fill === 'string' ? null : fill;
  };
  const keep = (sku: string, body: string, question = ''): boolean => {
    const fill = begin(sku, question);
    return fill !== null && cache.end(fill, question, { body, etag: `"${body}"`, askedMs: fill.askedMs });
  };
  const found = (sku: string, question = ''): string | null => cache.find(sku, question)?.body ?? null;
  const changed = (...skus: string[]): void => cache.changed({ skus: new Set(skus), everything: false });

  test('what was read is answered until the product changes, here or elsewhere', () => {
    expect(keep('MUG', 'one')).toBe(true);
    expect(keep('MUG', 'at WH1', 'WH1')).toBe(true);
    expect([found('MUG'), found('MUG', 'WH1'), found('MUG', 'WH2'), found('JUG')]).toEqual([
      'one',
      'at WH1',
      null,
      null,
    ]);
    changed('JUG');
    expect(found('MUG')).toBe('one');
    changed('MUG');
    expect([found('MUG'), found('MUG', 'WH1')]).toEqual([null, null]);
    keep('MUG', 'two');
    stream.tell('reservations', 'product:MUG', 'location:WH1');
    expect(found('MUG')).toBeNull();
  });

  test('what was asked before a change is not kept after it', () => {
    const before = begin('MUG');
    changed('MUG');
    const after = begin('MUG');
    const answer = { body: 'new', etag: '"2"', askedMs: 1_000 };
    expect(after === null ? null : cache.end(after, '', answer)).toBe(true);
    expect(before === null ? null : cache.end(before, '', { ...answer, body: 'old' })).toBe(false);
    expect(found('MUG')).toBe('new');
  });

  test('of two that were asked side by side the later one stays', () => {
    const [first, second] = [begin('MUG'), begin('MUG')];
    if (first === null || second === null) throw new Error('nothing can be kept');
    cache.end(second, '', { body: 'later', etag: '"2"', askedMs: 1_005 });
    cache.end(first, '', { body: 'earlier', etag: '"1"', askedMs: 1_004 });
    expect(found('MUG')).toBe('later');
  });

  test('names and locations make everything old, new ones nothing', () => {
    keep('MUG', 'one');
    stream.listener?.onEvents([{ position: 11, type: 'product.created', topics: ['product:JUG'] }]);
    expect(found('MUG')).toBe('one');
    stream.listener?.onEvents([{ position: 12, type: 'product.updated', topics: ['product:JUG'] }]);
    expect(found('MUG')).toBeNull();
    keep('MUG', 'one');
    stream.listener?.onEvents([{ position: 13, type: 'location.updated', topics: ['location:WH1'] }]);
    expect(found('MUG')).toBeNull();
    keep('MUG', 'one');
    cache.changed({ skus: new Set(), everything: true });
    expect(found('MUG')).toBeNull();
    keep('MUG', 'one');
    stream.listener?.onGap();
    expect(found('MUG')).toBeNull();
  });

  test('a stream that is behind is not believed, nor one whose place is not known yet', () => {
    keep('MUG', 'one');
    stream.nowMs += BEHIND_AFTER_MS;
    expect(found('MUG')).toBeNull();
    expect(begin('MUG')).toBeNull();
    stream.upToDateMs = stream.nowMs;
    expect(found('MUG')).toBe('one');
    stream.position = null;
    expect(found('MUG')).toBeNull();
  });

  test('it is as old as the last word of the stream, or as its own question', () => {
    expect(found('MUG')).toBeNull();
    stream.nowMs = 1_040;
    keep('MUG', 'one');
    stream.nowMs = 1_100;
    const answer = cache.find('MUG', '');
    expect(answer === null ? null : cache.ageMs(answer)).toBe(60);
    stream.upToDateMs = 1_090;
    expect(answer === null ? null : cache.ageMs(answer)).toBe(10);
  });

  test('what is asked once is not kept, and what is asked again is', () => {
    expect([cache.begin('MUG', ''), cache.begin('MUG', 'WH1')]).toEqual(['first', 'first']);
    expect(cache.begin('MUG', '')).toMatchObject({ sku: 'MUG', position: 10 });
    stream.nowMs += BEHIND_AFTER_MS;
    expect(cache.begin('MUG', '')).toBe('behind');
  });

  test('before the stream runs nothing is kept, and after it has stopped nothing is left', () => {
    cache.stop();
    expect(keep('MUG', 'one')).toBe(false);
    expect(stream.listener).toBeNull();
    cache.start();
    expect(keep('MUG', 'one')).toBe(true);
    expect(stream.listener).not.toBeNull();
    cache.stop();
    expect([cache.bytes, stream.listener]).toEqual([0, null]);
  });

  test('another life of the database makes everything old', () => {
    keep('MUG', 'one');
    stream.tell('product:JUG');
    expect(found('MUG')).toBe('one');
    stream.position = 2 ** 32;
    stream.tell('product:JUG');
    expect(found('MUG')).toBeNull();
    expect(cache.holds('MUG', 2 ** 32 + 1)).toBe(false);
  });

  test('many events and few hits: it lets go of the stream for ten seconds, and tries again', () => {
    keep('MUG', 'one');
    for (let event = 0; event < 150; event += 1) {
      stream.tell('product:JUG');
      found('MUG');
    }
    cache.look();
    expect(found('MUG')).toBe('one');
    for (let event = 0; event < 150; event += 1) stream.tell('product:JUG');
    cache.look();
    expect([stream.listener, found('MUG'), cache.begin('MUG', '')]).toEqual([null, null, 'behind']);
    stream.nowMs += 10_000;
    stream.upToDateMs = stream.nowMs;
    expect(keep('MUG', 'two')).toBe(true);
    expect(stream.listener).not.toBeNull();
  });

  test('nobody reads: after ten seconds nobody follows', () => {
    keep('MUG', 'one');
    stream.nowMs += 10_001;
    stream.upToDateMs = stream.nowMs;
    cache.look();
    expect([stream.listener, cache.bytes]).toEqual([null, 0]);
  });

  test('what others have read holds where no later event has come, and no commit of ours is on its way', () => {
    expect(cache.holds('MUG', 9)).toBe(false);
    expect(cache.holds('MUG', 10)).toBe(true);
    stream.tell('product:MUG');
    expect([cache.holds('MUG', 10), cache.holds('MUG', 11), cache.holds('JUG', 10)]).toEqual([false, true, true]);
    changed('JUG');
    expect(cache.holds('JUG', 11)).toBe(false);
    stream.nowMs += 2_000;
    stream.tell('product:JUG');
    expect([cache.holds('JUG', 11), cache.holds('JUG', 12)]).toEqual([false, true]);
    stream.listener?.onGap();
    expect([cache.holds('MUG', 12), cache.holds('MUG', 13)]).toEqual([false, true]);
  });
});

/**
 * One product whose value is a number that only rises. Commits of this instance are told at once, those of another with
 * an event, some steps later; readings see the value of the moment in which they are asked, and end in any order.
 */
test('whatever happens in whatever order: never older than our own commits, nor than what the stream has told', () => {
  const step = fc.oneof(
    fc.constant('commit here' as const),
    fc.constant('commit elsewhere' as const),
    fc.constant('tell' as const),
    fc.constant('ask' as const),
    fc.nat(3).map((which) => ({ end: which })),
    fc.constant('read' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const stream = new TestStream();
      const cache = new StockCache({ stream, clock: { now: () => 0, monotonic: () => stream.nowMs } });
      cache.start();
      let value = 0;
      /** What a reader may rely on. */
      let known = 0;
      const untold: number[] = [];
      const asked: { fill: ReturnType<StockCache['begin']>; saw: number }[] = [];
      for (const one of steps) {
        stream.nowMs += 0.001;
        if (one === 'commit here') {
          value += 1;
          untold.push(value);
          cache.changed({ skus: new Set(['MUG']), everything: false });
          known = value;
        } else if (one === 'commit elsewhere') {
          value += 1;
          untold.push(value);
        } else if (one === 'tell') {
          const told = untold.shift();
          if (told !== undefined) {
            stream.tell('product:MUG');
            known = Math.max(known, told);
          }
        } else if (one === 'ask') {
          asked.push({ fill: cache.begin('MUG', ''), saw: value });
        } else if (one === 'read') {
          const answer = cache.find('MUG', '');
          if (answer !== null) expect(Number(answer.body)).toBeGreaterThanOrEqual(known);
        } else {
          const [ended] = asked.splice(one.end % Math.max(1, asked.length), 1);
          if (ended !== undefined && typeof ended.fill !== 'string') {
            const { fill, saw } = ended;
            cache.end(fill, '', { body: String(saw), etag: `"${saw}"`, askedMs: fill.askedMs });
          }
        }
      }
      cache.stop();
    }),
    { numRuns: 2_000 },
  );
});
