import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp();
});
afterAll(() => test.close());

async function ask(method: Method, path: string, body?: object, headers: Record<string, string> = {}) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, headers, ...payload });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
}

const rule = (more: object = {}): Record<string, unknown> => ({
  name: 'Checkout',
  algorithm: 'token_bucket',
  limit: 100,
  windowMs: 60_000,
  subject: 'api_key',
  ...more,
});

/** As the owner of the tables. */
async function asOwner(statement: string): Promise<void> {
  const client = new pg.Client(test.connection);
  await client.connect();
  await client.query(statement);
  await client.end();
}

describe('the rules', () => {
  it('a fresh installation has sensible ones', async () => {
    const { body } = await ask('GET', '/rate-limits?sort=createdAt');
    expect(body.items.map(({ name, subject, limit }: Record<string, unknown>) => [name, subject, limit])).toEqual([
      ['Each API key', 'api_key', 120_000],
      ['Each person', 'user', 6_000],
      ['Without valid credentials', 'ip', 300],
      ['This machine', 'ip', 60_000_000],
    ]);
  });

  it('are made, read, changed and deleted', async () => {
    const made = await ask('POST', '/rate-limits', rule({ subject: 'header:X-Shop', match: { methods: ['POST'] } }));
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe(`/api/v1/rate-limits/${made.body.id}`);
    expect(made.body).toEqual({
      id: expect.any(String),
      name: 'Checkout',
      algorithm: 'token_bucket',
      precision: 'exact',
      limit: 100,
      windowMs: 60_000,
      burst: null,
      subject: 'header:x-shop',
      match: { methods: ['POST'], path: null, callers: null, from: null },
      tier: null,
      overrides: {},
      costs: [],
      refund: 'never',
      adaptive: null,
      schedule: { from: null, to: null },
      onStoreError: 'allow',
      mode: 'enforce',
      enabled: true,
      version: 1,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: made.body.createdAt,
    });
    const read = await ask('GET', `/rate-limits/${made.body.id}`);
    expect(read.body).toEqual(made.body);
    expect(read.headers['etag']).toBe('"1"');

    const patch = {
      name: 'Sale',
      burst: 200,
      tier: 'gold',
      overrides: { 'shop-1': { limit: 500 }, __proto__x: { limit: 5, burst: 9 } },
      costs: [{ methods: ['POST'], path: '/api/v1/reservations', cost: 5 }],
      adaptive: { inFlight: 50 },
      schedule: { from: '2026-11-27T00:00:00+01:00' },
      mode: 'shadow',
    };
    const stale = await ask('PATCH', `/rate-limits/${made.body.id}`, patch, { 'if-match': '"7"' });
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed']);
    const changed = await ask('PATCH', `/rate-limits/${made.body.id}`, patch, { 'if-match': '"1"' });
    expect(changed.body).toEqual({
      ...made.body,
      name: 'Sale',
      burst: 200,
      tier: 'gold',
      overrides: { 'shop-1': { limit: 500, burst: null }, __proto__x: { limit: 5, burst: 9 } },
      costs: [{ methods: ['POST'], path: '/api/v1/reservations', cost: 5 }],
      adaptive: { eventLoopDelayMs: null, inFlight: 50, floor: 0.25 },
      schedule: { from: '2026-11-26T23:00:00.000Z', to: null },
      mode: 'shadow',
      version: 2,
      updatedAt: expect.stringMatching(/Z$/),
    });
    for (const nothing of [{}, patch]) {
      expect((await ask('PATCH', `/rate-limits/${made.body.id}`, nothing)).body).toEqual(changed.body);
    }
    const cleared = await ask('PATCH', `/rate-limits/${made.body.id}`, {
      burst: null,
      tier: null,
      match: null,
      overrides: null,
      costs: null,
      adaptive: null,
      schedule: null,
    });
    expect(cleared.body).toMatchObject({
      burst: null,
      tier: null,
      match: { methods: null },
      overrides: {},
      costs: [],
      adaptive: null,
      schedule: { from: null, to: null },
    });

    expect((await ask('DELETE', `/rate-limits/${made.body.id}`)).status).toBe(204);
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await ask(method, `/rate-limits/${made.body.id}`)).body.code).toBe('rate_limit_not_found');
    }
    const audit = (await ask('GET', '/audit?limit=4')).body.items.map((entry: { kind: string }) => entry.kind);
    expect(audit).toEqual(['rate_limit.deleted', 'rate_limit.updated', 'rate_limit.updated', 'rate_limit.created']);
  });

  it('say how a sliding window is counted', async () => {
    const precision = async (more: object): Promise<string> => {
      const { body } = await ask(
        'POST',
        '/rate-limits',
        rule({ algorithm: 'sliding_window', enabled: false, ...more }),
      );
      await ask('DELETE', `/rate-limits/${body.id}`);
      return body.precision;
    };
    expect(await precision({ limit: 100 })).toBe('exact');
    expect(await precision({ limit: 101 })).toBe('approximate');
    expect(await precision({ limit: 10, overrides: { big: { limit: 1_000 } } })).toBe('approximate');
  });

  it.each([
    ['no name', { name: '' }, '/name'],
    ['an unknown algorithm', { algorithm: 'leaky' }, '/algorithm'],
    ['a limit of 0', { limit: 0 }, '/limit'],
    ['a negative limit', { limit: -5 }, '/limit'],
    ['a limit that is no whole number', { limit: 1.5 }, '/limit'],
    ['a limit in a string', { limit: '5' }, '/limit'],
    ['a window of 0', { windowMs: 0 }, '/windowMs'],
    ['a negative window', { windowMs: -1 }, '/windowMs'],
    ['a window of years', { windowMs: 100_000_000_000 }, '/windowMs'],
    ['a burst of 0', { burst: 0 }, '/burst'],
    ['a burst without a bucket', { algorithm: 'fixed_window', burst: 10 }, '/burst'],
    ['numbers that are not exact', { limit: 1_000_000_000, windowMs: 86_400_000 }, '/limit'],
    ['an unknown subject', { subject: 'session' }, '/subject'],
    ['a header without a name', { subject: 'header:' }, '/subject'],
    ['a header with a secret', { subject: 'header:Authorization' }, '/subject'],
    ['a header that anybody can write', { subject: 'header:X-Forwarded-For' }, '/subject'],
    ['a path without a slash', { match: { path: 'api' } }, '/match/path'],
    ['a path that could explode', { match: { path: `/${'*a'.repeat(30)}` } }, '/match/path'],
    ['a regular expression', { match: { path: '/(a+)+$' } }, '/match/path'],
    ['a long path', { match: { path: `/${'a'.repeat(5_000)}` } }, '/match/path'],
    ['an unknown method', { match: { methods: ['BREW'] } }, '/match/methods/0'],
    ['no methods', { match: { methods: [] } }, '/match/methods'],
    ['an unknown field', { color: 'red' }, '/color'],
    ['an unknown field of the match', { match: { host: 'x' } }, '/match/host'],
    ['an unknown policy', { onStoreError: 'panic' }, '/onStoreError'],
    ['an unknown mode', { mode: 'dry' }, '/mode'],
    ['an override of 0', { overrides: { a: { limit: 0 } } }, '/overrides/a/limit'],
    ['an override without a limit', { overrides: { a: { burst: 1 } } }, '/overrides/a'],
    ['a cost of 0', { costs: [{ cost: 0 }] }, '/costs/0/cost'],
    ['an adaptive rule that adapts to nothing', { adaptive: { floor: 0.5 } }, '/adaptive'],
    ['a floor of 0', { adaptive: { inFlight: 5, floor: 0 } }, '/adaptive/floor'],
    [
      'a schedule that ends before it begins',
      { schedule: { from: '2026-11-27T00:00:00Z', to: '2026-11-26T00:00:00Z' } },
      '/schedule/to',
    ],
  ])('refuse %s', async (_what, more, path) => {
    const { status, body } = await ask('POST', '/rate-limits', rule(more));
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect(body.errors[0].path).toBe(path);
  });

  it('refuse a patch that fits no more', async () => {
    const { body } = await ask('POST', '/rate-limits', rule({ burst: 10, enabled: false }));
    const patched = await ask('PATCH', `/rate-limits/${body.id}`, { algorithm: 'fixed_window' });
    expect(patched.body.errors).toEqual([{ path: '/burst', message: 'is for token_bucket only' }]);
    await ask('DELETE', `/rate-limits/${body.id}`);
  });
});

describe('a change that is done', () => {
  it('is told as done where the rules cannot be read right then, and counts from the next look on', async () => {
    const { limits } = test.server.rateLimits;
    await asOwner('ALTER TABLE rate_limit_tier RENAME TO elsewhere');
    const made = await ask('POST', '/rate-limits', rule({ subject: 'user', match: { path: '/later' } }));
    await asOwner('ALTER TABLE elsewhere RENAME TO rate_limit_tier');
    expect(made.status).toBe(201);
    expect(limits.rules.all.has(made.body.id)).toBe(false);
    await limits.tick();
    expect(limits.rules.all.has(made.body.id)).toBe(true);
    expect((await ask('DELETE', `/rate-limits/${made.body.id}`)).status).toBe(204);
  });
});
