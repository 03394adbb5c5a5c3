import { describe, expect, test } from 'vitest';
import { limitStoreSuite } from './limit.store.fixture.ts';
import { counterOf, KIND, MemoryStore, newCharge, type Charge } from './index.ts';

function settable() {
  let ms = 0;
  return { clock: { now: () => ms, monotonic: () => ms }, setTime: (to: number) => void (ms = to) };
}

describe('counters in memory', () => {
  limitStoreSuite(() => {
    const { clock, setTime } = settable();
    return Promise.resolve({ store: new MemoryStore({ clock }), setTime, close: () => Promise.resolve() });
  }, 300);
});

test('a clock that was set, or a machine that slept, is followed: times are told and written down by it', () => {
  let [wallMs, ms] = [1_795_000_000_000, 0];
  const store = new MemoryStore({ clock: { now: () => wallMs, monotonic: () => ms } });
  const toldMs = (): number => {
    const charge = newCharge({
      counter: counterOf('rule', KIND.fixed, 60_000),
      subject: 's',
      limit: 9,
      burst: 9,
      cost: 1,
    });
    store.take([charge]);
    return charge.atMs;
  };
  for (const stepMs of [18_000_000, -36_000_000, 500]) {
    wallMs += stepMs + 1_000;
    ms += 1_000;
    store.sweep(1);
    // What it is put right by is less than a step, and of no account.
    expect(toldMs()).toBe(stepMs === 500 ? wallMs - 500 : wallMs);
  }
});

describe('memory is bounded', () => {
  const counter = counterOf('rule', KIND.bucket, 60_000);
  const chargeOf = (subject: string, more: Partial<Charge> = {}): Charge =>
    newCharge({ counter, subject, limit: 100, burst: 100, cost: 1, ...more });

  test('who is idle is forgotten, who is not stays', () => {
    const { clock, setTime } = settable();
    const store = new MemoryStore({ clock });
    for (let index = 0; index < 1_000; index += 1) store.take([chargeOf(`s${index}`)]);
    store.take([chargeOf('busy', { cost: 90 })]);
    setTime(600);
    expect(store.sweep(2_000)).toBe(1_000);
    expect(store.size).toBe(1);
    const busy = chargeOf('busy');
    store.peek([busy]);
    expect(busy.remaining).toBe(11);
  });

  test('who has a smaller limit than others is not idle sooner for it', () => {
    const { clock, setTime } = settable();
    const store = new MemoryStore({ clock });
    store.take([chargeOf('shop', { limit: 60_000, burst: 60_000, cost: 60_000 })]);
    store.take([chargeOf('guest', { limit: 1, burst: 1 })]);
    setTime(59_999);
    expect(store.sweep(2)).toBe(0);
    expect(store.take([chargeOf('guest', { limit: 1, burst: 1 })])).toBe(false);
    setTime(60_000);
    expect(store.sweep(2)).toBe(2);
  });

  test('50 MB of distinct subjects take no more than they may, and whoever asks all the time is still counted', () => {
    const { clock, setTime } = settable();
    const bytesMax = 10_000_000;
    const store = new MemoryStore({ clock, bytesMax });
    let admitted = 0;
    let bytes = 0;
    for (let index = 0; bytes < 50_000_000; index += 1) {
      const subject = `subject-${index}-${'x'.repeat(180)}`;
      bytes += subject.length;
      setTime(index / 100);
      store.take([chargeOf(subject)]);
      if (index % 20 === 0 && store.take([chargeOf('steady', { limit: 1, burst: 50 })])) admitted += 1;
    }
    expect(store.bytes).toBeLessThanOrEqual(bytesMax);
    expect(admitted).toBe(50);
  });

  test.each([
    [1, 460],
    [3, 239],
    [10, 170],
  ])('logs count by their length: of %d charges each there are %d', (charges, kept) => {
    const { clock, setTime } = settable();
    const store = new MemoryStore({ clock, bytesMax: 100_000 });
    const log = counterOf('log', KIND.log, 60_000);
    for (let index = 0; index < 2_000; index += 1) {
      for (let charge = 0; charge < charges; charge += 1) {
        setTime(index * 10 + charge);
        store.take([newCharge({ counter: log, subject: `s${index}`, limit: 10, burst: 10, cost: 1 })]);
      }
    }
    expect(store.bytes).toBeLessThanOrEqual(100_000);
    expect(store.size).toBe(kept);
  });

  test('what is forgotten gives back its bytes, whatever became of its log meanwhile', () => {
    const { clock, setTime } = settable();
    const store = new MemoryStore({ clock });
    const log = counterOf('log', KIND.log, 1_000);
    for (const at of [0, 10, 20, 900, 1_005, 1_015, 1_500]) {
      setTime(at);
      for (const subject of ['a', 'b']) {
        store.take([newCharge({ counter: log, subject, limit: 10, burst: 10, cost: 1 })]);
      }
    }
    expect(store.bytes).toBeGreaterThan(0);
    setTime(5_000);
    expect(store.sweep(10)).toBe(2);
    expect([store.size, store.bytes]).toEqual([0, 0]);
  });

  test('the counters of a rule that is gone are gone', () => {
    const store = new MemoryStore();
    store.take([chargeOf('a')]);
    store.forget(counter.id);
    expect([store.size, store.bytes]).toEqual([0, 0]);
  });
});
