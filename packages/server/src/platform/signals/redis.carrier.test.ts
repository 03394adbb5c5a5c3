import { describe, expect, inject, test } from 'vitest';
import { redisName, redisProgram, startRedis } from '../../../test/redis.process.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Database } from '../database/index.ts';
import { RedisLink } from '../redis/index.ts';
import { PostgresCarrier } from './postgres.carrier.ts';
import { RedisCarrier } from './redis.carrier.ts';
import { SignalHub } from './signal.hub.ts';
import type { Carrier } from './signals.ts';
import { signalsSuite, until, type SignalsRig } from './signals.fixture.ts';

interface RedisRig extends SignalsRig {
  redis: Awaited<ReturnType<typeof startRedis>>;
}

/** Two instances on one Redis, with what else they have. */
async function openRig(others: () => Carrier[] = () => []): Promise<RedisRig> {
  const redis = await startRedis();
  const links: RedisLink[] = [];
  const open = (): SignalHub => {
    const link = new RedisLink({ url: redis.url, clock: systemClock });
    links.push(link);
    link.start();
    const carrier = new RedisCarrier({ link, channel: () => Promise.resolve('holdfast:test'), clock: systemClock });
    return new SignalHub({ carriers: [carrier, ...others()], clock: systemClock });
  };
  const [a, b] = [open(), open()];
  return {
    a,
    b,
    redis,
    cut: () => redis.kill(),
    mend: () => redis.start(),
    close: async () => {
      await Promise.all([a.close(), b.close()]);
      await Promise.all(links.map((link) => link.close()));
      await redis.stop();
    },
  };
}

describe.skipIf(redisProgram === null)(`hints by ${redisName}`, () => {
  signalsSuite(() => openRig());

  test('a frozen Redis is seen to be one, and thawed it carries again', async () => {
    const rig = await openRig();
    rig.a.start();
    rig.b.start();
    await until(() => rig.a.isLive && rig.b.isLive);
    rig.redis.freeze();
    await until(() => !rig.a.isLive && !rig.b.isLive, 3_000);
    rig.redis.thaw();
    await until(() => rig.a.isLive && rig.b.isLive, 3_000);
    const heard: string[] = [];
    rig.b.on('events', (payload) => heard.push(payload));
    rig.a.publish('events', 'thawed');
    await until(() => heard.includes('thawed'));
    expect(rig.b.carriedBy).toBe('redis');
    await rig.close();
  });
});

describe.skipIf(redisProgram === null)(`hints by ${redisName}, and NOTIFY behind it`, () => {
  test(
    'killed, frozen or emptied: hints arrive all the while, and Redis carries them again',
    { timeout: 60_000 },
    async () => {
      const database = new Database({ connection: inject('postgres') });
      const rig = await openRig(() => [new PostgresCarrier(database)]);
      const { a, b, redis } = rig;
      const heard = new Set<string>();
      let gaps = 0;
      b.on(
        'events',
        (payload) => heard.add(payload),
        () => (gaps += 1),
      );
      a.start();
      b.start();
      const byRedis = (): boolean => a.carriedBy === 'redis' && b.carriedBy === 'redis';
      await until(byRedis);

      /** Publishes all the time, until something has come to pass; every hint must arrive, or be told as a gap. */
      const publishUntil = async (name: string, holds: () => boolean): Promise<void> => {
        let count = 0;
        const gapsBefore = gaps;
        const end = performance.now() + 400;
        await until(() => {
          a.publish('events', `${name} ${(count += 1)}`);
          return holds() && performance.now() > end;
        });
        a.publish('events', `${name} end`);
        await until(() => heard.has(`${name} end`));
        const missing = Array.from({ length: count }, (_, index) => `${name} ${index + 1}`).filter(
          (one) => !heard.has(one),
        );
        if (gaps === gapsBefore) expect(missing).toEqual([]);
      };

      await publishUntil('healthy', byRedis);
      await redis.flush();
      await publishUntil('emptied', byRedis);
      redis.freeze();
      await publishUntil('frozen', () => a.carriedBy === 'postgres' && b.carriedBy === 'postgres');
      redis.thaw();
      await publishUntil('thawed', byRedis);
      await redis.kill();
      await publishUntil('killed', () => a.carriedBy === 'postgres' && b.carriedBy === 'postgres');
      await redis.start();
      await publishUntil('started', byRedis);
      await redis.starve();
      await publishUntil('starved', byRedis);
      expect(gaps).toBeGreaterThan(0);
      await rig.close();
      await database.close();
    },
  );
});

test('one instance that does not hear Redis hears the others by NOTIFY', async () => {
  const database = new Database({ connection: inject('postgres') });
  const heard: string[] = [];
  const deafOnes: Carrier = { ...silentCarrier, isLive: false };
  const a = new SignalHub({ carriers: [silentCarrier, new PostgresCarrier(database)], clock: systemClock });
  const b = new SignalHub({ carriers: [deafOnes, new PostgresCarrier(database)], clock: systemClock });
  b.on('events', (payload) => heard.push(payload));
  a.start();
  b.start();
  await until(() => b.isLive);
  await until(() => {
    a.publish('events', 'wide');
    return heard.includes('wide');
  });
  expect(a.carriedBy).toBe('redis');
  await Promise.all([a.close(), b.close()]);
  await database.close();
});

/** Takes everything, and carries it to nobody. */
const silentCarrier: Carrier = {
  name: 'redis',
  isLive: true,
  open: () => undefined,
  send: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
