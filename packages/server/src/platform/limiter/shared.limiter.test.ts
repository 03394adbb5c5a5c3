import { expect, test } from 'vitest';
import {
  counterOf,
  KIND,
  MemoryStore,
  NEVER,
  newCharge,
  SharedLimiter,
  type Charge,
  type LimitStore,
} from './index.ts';

const counter = counterOf('rule', KIND.fixed, 3_600_000);
const bucket = counterOf('bucket', KIND.bucket, 3_600_000);
const charge = (more: Partial<Charge>): Charge =>
  newCharge({ counter, subject: 'ada', limit: 10, burst: 10, cost: 1, ...more });
const answerOf = ({ allowed, remaining, resetMs, retryMs, atMs }: Charge): unknown[] => [
  allowed,
  remaining,
  resetMs,
  retryMs,
  atMs,
];

/** A limiter of one of some instances, whose shared store is away until it is told otherwise. */
function limiterOf({ instances = 3 } = {}) {
  const away: unknown[] = [];
  const given: (readonly Charge[])[] = [];
  const gone = new Error('gone');
  const time = { ms: 3_600_000 };
  const local = new MemoryStore({ clock: { now: () => time.ms, monotonic: () => time.ms } });
  const shared: LimitStore = {
    take: () => Promise.reject(gone),
    peek: () => Promise.reject(gone),
    refund: (charges) => {
      given.push(charges);
      return Promise.reject(gone);
    },
  };
  const limiter = new SharedLimiter({ shared, local, instances: () => instances, onAway: (error) => away.push(error) });
  return { limiter, shared, away, given, gone };
}

test('while the shared store is away each rule gets what it asked for, and whoever watches is told', async () => {
  const { limiter, away, gone } = limiterOf();
  const asked = async (more: Partial<Charge>): Promise<unknown[]> => {
    const one = { ...charge(more), resetMs: 8, atMs: 7 };
    return [await limiter.take([one]), ...answerOf(one)];
  };
  expect(await asked({ onStoreError: 'allow' })).toEqual([true, true, 10, 0, 0, 0]);
  expect(await asked({ onStoreError: 'deny' })).toEqual([false, false, 0, 0, 1_000, 0]);
  expect(await asked({ onStoreError: 'deny', shadow: true })).toEqual([true, false, 0, 0, 1_000, 0]);
  // A third of ten, and of five.
  expect(await asked({ onStoreError: 'local' })).toEqual([true, true, 2, 3_600_000, 0, 0]);
  const slow = { onStoreError: 'local', counter: bucket, burst: 5 } as const;
  expect(await asked(slow)).toEqual([true, true, 0, 1_200_000, 0, 0]);
  expect(await asked(slow)).toEqual([false, false, 0, 1_200_000, 1_200_000, 0]);
  // More than the share, and not more than the limit; and more than that.
  expect(await asked({ onStoreError: 'local', cost: 4 })).toEqual([false, false, 2, 3_600_000, 1_000, 0]);
  expect((await asked({ onStoreError: 'local', cost: 10 }))[4]).toBe(1_000);
  expect(await asked({ onStoreError: 'local', cost: 11 })).toEqual([false, false, 2, 3_600_000, NEVER, 0]);
  // What a bucket never holds, not even when the store is back.
  expect((await asked({ ...slow, cost: 5 }))[4]).toBe(1_000);
  expect((await asked({ ...slow, cost: 6 }))[4]).toBe(NEVER);
  expect(await asked({ onStoreError: 'local', cost: 11, shadow: true })).toEqual([true, false, 2, 3_600_000, NEVER, 0]);
  expect(await asked({ onStoreError: 'local', cost: 3 })).toEqual([false, false, 2, 3_600_000, 3_600_000, 0]);
  expect(away).toEqual(Array.from({ length: 13 }, () => gone));
});

test('a request that one rule refuses spends nothing of the local share of another', async () => {
  const { limiter, away, gone } = limiterOf({ instances: 10 });
  const local = (): Charge => charge({ onStoreError: 'local' });
  expect(await limiter.take([charge({ onStoreError: 'deny' }), local()])).toBe(false);
  const seen = local();
  await limiter.peek([seen]);
  expect([answerOf(seen), away]).toEqual([
    [true, 1, 0, 0, 0],
    [gone, gone],
  ]);
  // One of ten for each of ten; nor for more instances is it less than one, nor for none that are known.
  expect([await limiter.take([local()]), await limiter.take([local()])]).toEqual([true, false]);
  for (const instances of [11, 0]) {
    for (const of of [counter, bucket]) {
      const one = charge({ onStoreError: 'local', counter: of });
      expect(await limiterOf({ instances }).limiter.take([one])).toBe(true);
      expect(one.remaining).toBe(instances === 0 ? 9 : 0);
    }
  }
});

test('what the shared store granted is given back to it, and nothing else is', async () => {
  const { limiter, shared, away, given, gone } = limiterOf();
  const [there, here] = [charge({ atMs: 1 }), charge({ atMs: 0 })];
  await limiter.refund([there, here]);
  expect([given, away]).toEqual([[[there]], [gone]]);
  shared.take = () => false;
  shared.peek = ([one]) => void Object.assign(one ?? {}, { remaining: 4 });
  expect(await limiter.take([there])).toBe(false);
  await limiter.peek([there]);
  expect([there.remaining, there.atMs, away.length]).toEqual([4, 1, 1]);
});
