import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { redisName, redisProgram, startRedis, type RedisProcess } from '../../../test/redis.process.ts';
import { readInstallationName } from '../instances/index.ts';
import { MONTH_MS, startLimitedApp, type LimitedApp } from './limits.fixture.ts';

describe.skipIf(redisProgram === null)(`two instances with ${redisName}`, () => {
  let redis: RedisProcess;
  let one: LimitedApp;
  let other: LimitedApp;

  beforeAll(async () => {
    redis = await startRedis();
    const env = { REDIS_URL: redis.url };
    one = await startLimitedApp({ env, duties: true });
    other = await startLimitedApp({ env, duties: true, connection: one.test.connection });
    const isUp = async (app: LimitedApp): Promise<unknown> =>
      ((await app.ask('GET', '/rate-limits/stats')).body['store'] as { isUp: boolean }).isUp;
    for (const app of [one, other]) await vi.waitUntil(() => isUp(app), 20_000);
  });
  afterAll(async () => {
    await other.close();
    await one.close();
    await redis.stop();
  });

  it.each(['token_bucket', 'sliding_window', 'fixed_window'])(
    '%s: exactly N of 10 × N at once pass',
    async (algorithm) => {
      const limit = 40;
      const id = await one.rule({ algorithm, limit, subject: 'global', match: { path: '/api/v1/locations' } });
      await expect.poll(async () => (await other.ask('GET', `/rate-limits/${id}/status`)).status).toBe(200);
      const answers = await Promise.all(
        Array.from({ length: 10 * limit }, (_unused, index) => (index % 2 ? one : other).ask('GET', '/locations')),
      );
      // Whom the limit let pass: a machine that is busy may refuse them for a reason of its own.
      expect(answers.filter(({ status }) => status !== 429)).toHaveLength(limit);
      expect((await other.ask('GET', `/rate-limits/${id}/status`)).body).toMatchObject({
        remaining: 0,
        scope: 'shared',
      });
      await one.reset();
    },
  );

  it('counts under the name of its database: a copy of it, with the same rules, counts by itself', async () => {
    await one.rule({ match: { path: '/api/v1/locations' } });
    await one.ask('GET', '/locations');
    const client = new Redis(redis.url);
    const keys = await client.keys('*:limit:*');
    client.disconnect();
    const name = await readInstallationName(one.test.database.kysely);
    expect(keys.map((key) => key.split(':limit:')[0])).toContain(`holdfast:${name}`);
    expect(new Set(keys.map((key) => key.split(':limit:')[0])).size).toBe(1);
    await one.reset();
  });

  it('a change holds on the other one within a second', async () => {
    const id = await one.rule({ limit: 1_000, match: { path: '/api/v1/locations' } });
    await expect.poll(async () => (await other.ask('GET', '/locations')).headers['ratelimit']).toBeDefined();
    // The quickest of three: the machine may be busy with other things.
    const rounds: number[] = [];
    for (const limit of [7, 8, 9]) {
      const began = performance.now();
      await one.ask('PATCH', `/rate-limits/${id}`, { body: { limit } });
      await expect
        .poll(async () => (await other.ask('GET', '/locations')).headers['x-ratelimit-limit'], { interval: 10 })
        .toBe(String(limit));
      rounds.push(performance.now() - began);
    }
    expect(Math.min(...rounds)).toBeLessThan(1_000);
    await one.reset();
    await expect.poll(async () => (await other.ask('GET', '/locations')).headers['ratelimit']).toBeUndefined();
  });

  it('batches are charged once more for their lines, and refunds go back', async () => {
    const id = await one.rule({ limit: 10, refund: 'refused', match: { path: '/api/v1/adjustments' } });
    const line = { sku: 'NONE', location: 'NONE', type: 'add', quantity: 1 };
    const adjust = (count: number) =>
      one.ask('POST', '/adjustments', {
        body: { adjustments: Array.from({ length: count }, () => line), atomic: true },
      });
    const first = await adjust(8);
    expect(first.status).toBe(409);
    const left = async (): Promise<unknown> =>
      (await one.ask('GET', `/rate-limits/${id}/status?subject=127.0.0.1`)).body['remaining'];
    await expect.poll(left).toBe(10);
    await one.reset();
  });

  it('while Redis is away, each rule does what it says, within 100 ms', async () => {
    const match = (path: string): object => ({ match: { path: `/api/v1/${path}` } });
    await one.rule({ limit: 2, onStoreError: 'allow', ...match('locations') });
    await one.rule({ limit: 2, onStoreError: 'deny', ...match('alerts') });
    await one.rule({ limit: 4, onStoreError: 'local', ...match('transfers') });
    await expect.poll(() => one.test.server.rateLimits.instances, { timeout: 20_000 }).toBe(2);
    redis.freeze();
    // The quickest of a few: the machine may be busy with other things.
    const rounds: number[] = [];
    while (rounds.length < 20 && !(Math.min(...rounds) < 100)) {
      const began = performance.now();
      expect((await one.ask('GET', '/locations')).status).toBe(200);
      rounds.push(performance.now() - began);
    }
    expect(Math.min(...rounds)).toBeLessThan(100);
    expect(await one.admitted(5, 'GET', '/locations')).toBe(5);
    expect(await one.admitted(2, 'GET', '/alerts')).toBe(0);
    // Two instances are known, so each grants half of it.
    expect(await one.admitted(5, 'GET', '/transfers')).toBe(2);
    for (const path of ['/locations', '/alerts', '/transfers']) {
      const { headers } = await one.ask('GET', path);
      expect(Math.abs(Number(headers['x-ratelimit-reset']) - Date.now() / 1_000)).toBeLessThan(MONTH_MS / 1_000 + 1);
    }
    redis.thaw();
    await expect.poll(async () => (await one.ask('GET', '/alerts')).status).toBe(200);
    await one.reset();
  });
});
