import { describe, expect, test } from 'vitest';
import { freePort, until } from '../../../test/holdfast.process.ts';
import { redisName, redisProgram, startRedis } from '../../../test/redis.process.ts';
import { systemClock } from '../../kernel/clock.ts';
import { RedisLink } from './redis.link.ts';

interface Told {
  link: RedisLink;
  told: string[];
}

function linkTo(url: string): Told {
  const told: string[] = [];
  const link = new RedisLink({
    url,
    clock: systemClock,
    onUp: () => told.push('up'),
    onDown: (reason) => told.push(`down: ${String((reason as { code?: string }).code ?? reason)}`),
  });
  link.start();
  return { link, told };
}

/** How long it takes until a command is answered or given up. */
async function askedMs(link: RedisLink): Promise<{ ms: number; outcome: string }> {
  const sinceMs = performance.now();
  const outcome = await link.run((redis) => redis.set('key', 'value')).catch((error: Error) => error.name);
  return { ms: performance.now() - sinceMs, outcome };
}

test('nobody there: it says so once, commands are refused at once, and it closes at once', async () => {
  const { link, told } = linkTo(`redis://127.0.0.1:${await freePort()}`);
  await until('it says so', () => told.length > 0);
  const { ms, outcome } = await askedMs(link);
  expect(outcome).toBe('RedisAway');
  expect(ms).toBeLessThan(25);
  const sinceMs = performance.now();
  await link.close();
  expect(performance.now() - sinceMs).toBeLessThan(500);
  expect(told).toEqual(['down: ECONNREFUSED']);
});

describe.skipIf(redisProgram === null)(`the door to ${redisName}`, () => {
  test('one that is started later is found, and found again after it was killed', async () => {
    const redis = await startRedis();
    await redis.kill();
    const { link, told } = linkTo(redis.url);
    await until('it says so', () => told.length > 0);
    await redis.start();
    await until('it is there', () => link.isUp);
    expect(await askedMs(link)).toMatchObject({ outcome: 'OK' });
    await redis.kill();
    await until('it is away', () => !link.isUp);
    await redis.start();
    await until('it is there', () => link.isUp);
    expect(told.map((one) => one.split(':')[0])).toEqual(['down', 'up', 'down', 'up']);
    await link.close();
    await redis.stop();
  });

  test('one that stands still costs three callers a moment each, and the next nothing', async () => {
    const redis = await startRedis();
    const { link } = linkTo(redis.url);
    await until('it is there', () => link.isUp);
    redis.freeze();
    const outcomes: string[] = [];
    while (link.isUp) {
      const { ms, outcome } = await askedMs(link);
      outcomes.push(outcome);
      // 50 ms, and what a busy machine adds.
      expect(ms).toBeLessThan(500);
    }
    expect(outcomes.length).toBeLessThanOrEqual(3);
    expect(new Set(outcomes)).toEqual(new Set(['TooLate']));
    const { ms, outcome } = await askedMs(link);
    expect([outcome, ms < 25]).toEqual(['RedisAway', true]);
    redis.thaw();
    await until('it is there again', () => link.isUp);
    await link.close();
    await redis.stop();
  });

  test('one without memory refuses what needs some, and is still there', async () => {
    const redis = await startRedis();
    const { link } = linkTo(redis.url);
    await until('it is there', () => link.isUp);
    await redis.starve();
    expect(await askedMs(link)).toMatchObject({ outcome: 'ReplyError' });
    expect(link.isUp).toBe(true);
    expect(await link.run((it) => it.publish('channel', 'message'))).toBe(0);
    await link.close();
    await redis.stop();
  });
});
