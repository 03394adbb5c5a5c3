import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { freePort, until } from '../../../test/holdfast.process.ts';
import { redisName, redisProgram, startRedis } from '../../../test/redis.process.ts';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { RedisLink } from './redis.link.ts';

interface Told {
  link: RedisLink;
  told: string[];
}

function linkTo(url: string, clock: Clock = systemClock): Told {
  const told: string[] = [];
  const link = new RedisLink({
    url,
    clock,
    onUp: () => told.push('up'),
    onDown: (reason) => told.push(`down: ${String((reason as { code?: string }).code ?? reason)}`),
  });
  link.start();
  return { link, told };
}

/** What an operator does at it. */
async function operate<Answer>(url: string, work: (operator: Redis) => Promise<Answer>): Promise<Answer> {
  const operator = new Redis(url);
  const answer = await work(operator);
  operator.disconnect();
  return answer;
}

/** The connections that links have to it, by number. */
async function connectionsAt(url: string): Promise<string[]> {
  const all = String(await operate(url, (operator) => operator.client('LIST')));
  return [...all.matchAll(/^id=(\d+) .*name=holdfast /gm)].map(([, id]) => String(id));
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
    const seen: boolean[] = [];
    const unwatch = link.onChange(() => seen.push(link.isUp));
    await until('it says so', () => told.length > 0);
    await redis.start();
    await until('it is there', () => link.isUp);
    unwatch();
    expect([seen, await askedMs(link)]).toEqual([[false, true], expect.objectContaining({ outcome: 'OK' })]);
    await redis.kill();
    await until('it is away', () => !link.isUp);
    await redis.start();
    await until('it is there', () => link.isUp);
    // Why it went, and not why it was not there before it had come.
    expect(told).toEqual(['down: ECONNREFUSED', 'up', expect.not.stringContaining('ECONNREFUSED'), 'up']);
    expect(told[2]).toMatch(/^down: /);
    expect(seen).toHaveLength(2);
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
    // Three in a row, and not three in all.
    const outcomesOf = (...works: (() => Promise<unknown>)[]) =>
      Promise.all(works.map((work) => link.run(work).catch((error: Error) => error.name)));
    const never = () => new Promise<unknown>(() => undefined);
    for (const between of [() => Promise.resolve('done'), () => Promise.reject(new Error('refused'))]) {
      await outcomesOf(never, never);
      await outcomesOf(between);
      expect(await outcomesOf(never, never)).toEqual(['TooLate', 'TooLate']);
      expect(link.isUp).toBe(true);
      await outcomesOf(() => Promise.resolve('done'));
    }
    await link.close();
    // What was under way when it closed does not open it again.
    expect(link.isUp).toBe(false);
    expect(await outcomesOf(() => Promise.resolve('done'))).toEqual(['RedisAway']);
    await redis.stop();
  });

  test('one without memory, or that lets nobody delete, refuses what it refuses and is still there', async () => {
    const redis = await startRedis();
    await operate(redis.url, (operator) => operator.acl('SETUSER', 'default', '-del'));
    const { link } = linkTo(redis.url);
    await until('it is there', () => link.isUp);
    await redis.starve();
    expect(await askedMs(link)).toMatchObject({ outcome: 'ReplyError' });
    expect(link.isUp).toBe(true);
    expect(await link.run((it) => it.publish('channel', 'message'))).toBe(0);
    await link.close();
    await redis.stop();
  });

  test('a primary that became a replica is away until it is one again, and is not asked over and over', async () => {
    const redis = await startRedis();
    const time = { ms: 0 };
    const { link, told } = linkTo(redis.url, { now: () => time.ms, monotonic: () => time.ms });
    // It is heard of later than it was asked for.
    time.ms = 10_000;
    await until('it is there', () => link.isUp);
    let [current] = await connectionsAt(redis.url);
    /** Another one than so far. */
    const another = async (): Promise<boolean> => {
      const [found] = await connectionsAt(redis.url);
      if (found === undefined || found === current) return false;
      current = found;
      return true;
    };
    const lookedAt = async (times: number): Promise<void> => {
      const before = await redis.calls('ping');
      await until('it was looked at again', async () => (await redis.calls('ping')) >= before + times);
    };
    await redis.demote();
    await until('it is away', () => !link.isUp);
    // Whoever is the primary now may answer at the same address.
    await until('there is another connection', another);
    time.ms += 5_000;
    await lookedAt(2);
    expect([(await askedMs(link)).outcome, await connectionsAt(redis.url)]).toEqual(['RedisAway', [current]]);
    time.ms += 1;
    await until('there is another connection after five seconds', another);
    await lookedAt(2);
    expect(await connectionsAt(redis.url)).toEqual([current]);
    await redis.promote();
    await until('it is there', () => link.isUp);
    expect(told).toEqual(['up', expect.stringContaining('READONLY'), 'up']);
    await link.close();
    await until('it has no connection any more', async () => (await connectionsAt(redis.url)).length === 0);
    await redis.stop();
  });

  test('what it refuses is told without the password, and without what was asked', async () => {
    const redis = await startRedis();
    const { link } = linkTo(redis.url);
    await until('it is there', () => link.isUp);
    const refused: unknown = await link.run((it) => it.incrby('k', 'a subject')).catch((error: unknown) => error);
    expect(inspect(refused)).toContain('not an integer');
    expect(inspect(refused)).not.toContain('a subject');
    await link.close();

    await operate(redis.url, (operator) => operator.config('SET', 'requirepass', 'right'));
    const reasons: unknown[] = [];
    const url = redis.url.replace('//', '//:a-wrong-secret@');
    const locked = new RedisLink({ url, clock: systemClock, onDown: (reason) => reasons.push(reason) });
    locked.start();
    await until('it says so', () => reasons.length > 0);
    expect(inspect(reasons)).toContain('WRONGPASS');
    expect(inspect(reasons)).not.toContain('a-wrong-secret');
    await locked.close();
    await redis.stop();
  });
});
