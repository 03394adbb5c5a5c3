import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisName, redisProgram, startRedis, type RedisProcess } from '../../../test/redis.process.ts';
import { systemClock } from '../../kernel/clock.ts';
import { RedisLink } from '../redis/index.ts';
import { limitStoreSuite } from './limit.store.fixture.ts';
import {
  counterOf,
  KIND,
  MemoryStore,
  newCharge,
  RedisStore,
  SharedLimiter,
  type Charge,
  type RedisDoor,
} from './index.ts';

/** A plain connection, whose answers are waited for. */
function openDoor(url: string): { door: RedisDoor; redis: Redis } {
  const redis = new Redis(url);
  return { redis, door: { run: (command) => command(redis) } };
}

describe.skipIf(redisProgram === null)(`with ${redisName}`, () => {
  describe('counters in it', () => {
    limitStoreSuite(async () => {
      const server = await startRedis();
      const { door, redis } = openDoor(server.url);
      let ms = 0;
      const store = new RedisStore({ link: door, nowMs: () => ms });
      const close = async (): Promise<void> => {
        redis.disconnect();
        await server.stop();
      };
      return { store, setTime: (to) => void (ms = to), close };
    }, 25);
  });

  describe('the two stores', () => {
    let server: RedisProcess;
    beforeAll(async () => {
      server = await startRedis();
    });
    afterAll(() => server.stop());

    test('are twins: the same history, the same answers to the last number', async () => {
      const { door, redis } = openDoor(server.url);
      let ms = 1_795_000_000_000;
      const shared = new RedisStore({ link: door, nowMs: () => ms });
      const memory = new MemoryStore({ clock: { now: () => ms, monotonic: () => ms } });
      let histories = 0;
      const rule = fc.record({
        kind: fc.constantFrom(...Object.values(KIND)),
        limit: fc.integer({ min: 1, max: 100 }),
        windowMs: fc.integer({ min: 1, max: 3_000 }),
        burst: fc.integer({ min: 1, max: 150 }),
      });
      const step = fc.record({
        action: fc.constantFrom('take', 'take', 'take', 'peek', 'refund'),
        afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4_000 })),
        cost: fc.integer({ min: 0, max: 30 }),
        shadow: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(rule, { minLength: 1, maxLength: 3 }),
          fc.array(step, { minLength: 1, maxLength: 30 }),
          async (rules, steps) => {
            histories += 1;
            let last: Charge[] | null = null;
            for (const { action, afterMs, cost, shadow } of steps) {
              ms += afterMs;
              const charges = rules.map(({ kind, windowMs, limit, burst }, index) =>
                newCharge({
                  counter: counterOf(`${histories}-${index}`, kind, windowMs),
                  subject: 'ada',
                  limit,
                  burst,
                  cost,
                  shadow: shadow && index === 0,
                }),
              );
              const copies = (of: readonly Charge[]): Charge[] => of.map((charge) => ({ ...charge }));
              if (action === 'refund') {
                if (last === null) continue;
                memory.refund(copies(last));
                await shared.refund(copies(last));
                last = null;
                continue;
              }
              const [here, there] = [copies(charges), copies(charges)];
              const passes = [memory[action](here), await shared[action](there)];
              expect(there).toEqual(here);
              expect(passes[1]).toBe(passes[0]);
              if (action === 'take' && passes[0] === true) last = here.filter(({ allowed }) => allowed);
            }
          },
        ),
        { numRuns: 60 },
      );
      redis.disconnect();
    });

    test('exactly N of 10 × N pass over two instances, by Redis’s own clock', async () => {
      const [one, other] = [openDoor(server.url), openDoor(server.url)];
      const [here, there] = [new RedisStore({ link: one.door }), new RedisStore({ link: other.door })];
      for (const kind of Object.values(KIND)) {
        const limit = kind === KIND.log ? 100 : 500;
        const counter = counterOf(`race-${kind}`, kind, 3_600_000);
        const answers = await Promise.all(
          Array.from({ length: 10 * limit }, (_unused, index) =>
            (index % 2 === 0 ? here : there).take([
              newCharge({ counter, subject: 'hot', limit, burst: limit, cost: 1 }),
            ]),
          ),
        );
        expect(answers.filter(Boolean)).toHaveLength(limit);
      }
      one.redis.disconnect();
      other.redis.disconnect();
    });

    test('keys go when they say nothing any more, and Redis may forget the script', async () => {
      const { door, redis } = openDoor(server.url);
      await redis.flushall();
      const store = new RedisStore({ link: door });
      const counter = counterOf('short', KIND.fixed, 50);
      const charge = (): Charge => newCharge({ counter, subject: 'a', limit: 2, burst: 2, cost: 1 });
      await store.take([charge()]);
      await expect.poll(() => redis.keys('holdfast:limit:short*')).toEqual([]);
      await redis.script('FLUSH');
      expect(await store.take([charge()])).toBe(true);
      redis.disconnect();
    });

    test('many requests of one moment are few calls', async () => {
      const { redis } = openDoor(server.url);
      let [calls, asked] = [0, 0];
      const door: RedisDoor = {
        run: (command) => {
          calls += 1;
          return command(redis);
        },
      };
      const prefix = async (): Promise<string> => `holdfast:limit:${(asked += 1)}:`;
      const store = new RedisStore({ link: door, prefix });
      const counter = counterOf('gathered', KIND.bucket, 1_000);
      const charge = (): Charge => newCharge({ counter, subject: 'a', limit: 90, burst: 90, cost: 1 });
      await store.take([charge()]);
      calls = 0;
      await Promise.all(Array.from({ length: 200 }, () => store.take([charge()])));
      expect(calls).toBe(7);
      expect([await store.take([]), calls, asked]).toEqual([true, 7, 1]);
      redis.disconnect();
    });
  });

  describe('when Redis is away', () => {
    test('each rule gets what it asked for within 100 ms, and Redis counts again once it is back', async () => {
      const server = await startRedis();
      const link = new RedisLink({ url: server.url, clock: systemClock });
      link.start();
      await expect.poll(() => link.isUp).toBe(true);
      const local = new MemoryStore();
      const limiter = new SharedLimiter({ shared: new RedisStore({ link }), local, instances: () => 2 });
      const counter = counterOf('away', KIND.fixed, 3_600_000);
      const charge = (onStoreError: Charge['onStoreError']): Charge =>
        newCharge({ counter, subject: onStoreError, limit: 10, burst: 10, cost: 1, onStoreError });
      const admitted = async (policy: Charge['onStoreError'], tries: number): Promise<number> => {
        let count = 0;
        for (let round = 0; round < tries; round += 1) count += (await limiter.take([charge(policy)])) ? 1 : 0;
        return count;
      };
      expect(await admitted('local', 3)).toBe(3);

      server.freeze();
      // The quickest of three: the machine may be busy with other things.
      const rounds: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        const began = performance.now();
        const passes = await Promise.all(
          (['allow', 'deny', 'local'] as const).map((policy) =>
            limiter.take([{ ...charge(policy), subject: 'timed' }]),
          ),
        );
        rounds.push(performance.now() - began);
        expect(passes).toEqual([true, false, true]);
      }
      expect(Math.min(...rounds)).toBeLessThan(100);
      await expect.poll(() => link.isUp).toBe(false);
      expect(await admitted('local', 20)).toBe(5);
      server.thaw();
      await expect.poll(() => link.isUp, { timeout: 5_000 }).toBe(true);
      // Three are counted there from before, and the local share is not taken from it.
      expect(await admitted('local', 20)).toBe(7);

      await server.kill();
      await expect.poll(() => link.isUp).toBe(false);
      expect(await admitted('deny', 3)).toBe(0);
      expect(await admitted('allow', 30)).toBe(30);
      await server.start();
      await expect.poll(() => link.isUp, { timeout: 5_000 }).toBe(true);
      expect(await admitted('deny', 20)).toBe(10);
      await link.close();
      await server.stop();
    });
  });
});
