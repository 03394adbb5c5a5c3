import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLimitedApp, type LimitedApp } from './limits.fixture.ts';

let app: LimitedApp;
beforeAll(async () => {
  app = await startLimitedApp();
});
afterEach(() => app.reset());
afterAll(() => app.close());

type Paths = Record<string, { post: { parameters?: { name: string }[] } }>;

const check = async (body: object) => (await app.ask('POST', '/rate-limits/check', { body })).body;

describe('POST /rate-limits/check', () => {
  it('counts for another service, and refuses by saying so', async () => {
    const id = await app.rule({ name: 'login', limit: 2, match: { path: '/login', methods: ['POST'] } });
    const login = { subject: '203.0.113.7', method: 'POST', path: '/login' };
    expect(await check(login)).toEqual({
      allowed: true,
      limit: 2,
      remaining: 1,
      resetAt: expect.stringMatching(/Z$/),
      retryAfterMs: 0,
      rateLimit: { id, name: 'login' },
      shadowRefused: [],
      scope: 'instance',
    });
    expect(await check({ ...login, path: '/Login/?next=/x' })).toMatchObject({ allowed: true, remaining: 0 });
    const refused = await check({ ...login, path: '//%6Cogin' });
    expect(refused).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: expect.any(Number) });
    expect(refused['retryAfterMs']).toBeGreaterThan(0);
    expect(await check({ ...login, subject: '203.0.113.8' })).toMatchObject({ allowed: true });
    // What no rule counts is not limited.
    const free = { allowed: true, limit: null, remaining: null, resetAt: null, retryAfterMs: 0, rateLimit: null };
    for (const other of [{ ...login, method: 'GET' }, { ...login, path: '/logout' }, { subject: 'x' }]) {
      expect(await check(other)).toMatchObject(free);
    }
  });

  it('spends what it costs, and 0 only looks', async () => {
    await app.rule({ subject: 'user', limit: 10 });
    expect(await check({ subject: 'ada', cost: 7 })).toMatchObject({ allowed: true, remaining: 3 });
    expect(await check({ subject: 'ada', cost: 0 })).toMatchObject({ allowed: true, remaining: 3 });
    expect(await check({ subject: 'ada', cost: 4 })).toMatchObject({ allowed: false, remaining: 3 });
    expect(await check({ subject: 'ada', cost: 11 })).toMatchObject({ allowed: false, retryAfterMs: null });
    expect(await check({ subject: 'ada', cost: 3 })).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('counts each call, also under one Idempotency-Key, which it does not offer', async () => {
    await app.rule({ subject: 'user', limit: 10 });
    const headers = { 'idempotency-key': 'again' };
    const [one, batch] = [{ subject: 'ada' }, { checks: [{ subject: 'ada' }, { subject: 'ada' }] }];
    for (const remaining of [9, 8]) {
      const { body, headers: answered } = await app.ask('POST', '/rate-limits/check', { headers, body: one });
      expect(body).toMatchObject({ allowed: true, remaining });
      expect(answered).not.toHaveProperty('idempotency-replayed');
    }
    for (const remaining of [6, 4]) {
      const { body } = await app.ask('POST', '/rate-limits/check/batch', { headers, body: batch });
      expect((body['results'] as object[]).at(-1)).toMatchObject({ allowed: true, remaining });
    }
    const { paths } = (await app.ask('GET', '/openapi.json', { isWhole: true })).body as { paths: Paths };
    const takesKey = (path: string): boolean =>
      (paths[`/api/v1${path}`]?.post.parameters ?? []).some(({ name }) => name === 'Idempotency-Key');
    const routes = ['/rate-limits', '/rate-limits/check', '/rate-limits/check/batch', '/rate-limits/dry-run'];
    expect(routes.map(takesKey)).toEqual([true, false, false, false]);
  });

  it('names the strictest, and who would have refused in shadow mode', async () => {
    await app.rule({ name: 'wide', limit: 5 });
    const shadow = await app.rule({ name: 'shadow', limit: 1, mode: 'shadow' });
    await check({ subject: 'a' });
    expect(await check({ subject: 'a' })).toMatchObject({
      allowed: true,
      rateLimit: { name: 'wide' },
      remaining: 3,
      shadowRefused: [{ id: shadow, name: 'shadow' }],
    });
  });

  it('by one rule alone, whatever it matches', async () => {
    const id = await app.rule({ limit: 1, match: { path: '/never', methods: ['PUT'] } });
    expect(await check({ subject: 'a', rateLimit: id })).toMatchObject({ allowed: true, remaining: 0 });
    expect(await check({ subject: 'a', rateLimit: id })).toMatchObject({ allowed: false });
    const unknown = { subject: 'a', rateLimit: '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b' };
    expect((await app.ask('POST', '/rate-limits/check', { body: unknown })).status).toBe(404);
  });

  it('many at once, each by itself and in order', async () => {
    await app.rule({ limit: 2 });
    const checks = ['a', 'a', 'b', 'a'].map((subject) => ({ subject }));
    const { status, body } = await app.ask('POST', '/rate-limits/check/batch', { body: { checks } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ allowed: 3, refused: 1 });
    const results = body['results'] as { allowed: boolean }[];
    expect(results.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
  });

  it('many at once of which one is wrong count nothing', async () => {
    await app.rule({ limit: 2 });
    const batch = (wrong: object) =>
      app.ask('POST', '/rate-limits/check/batch', { body: { checks: [{ subject: 'a' }, wrong, { subject: 'a' }] } });
    expect(await batch({ subject: 'b', path: '/%zz' })).toMatchObject({
      status: 400,
      body: { errors: [{ path: '/checks/1/path' }] },
    });
    const unknown = { subject: 'b', rateLimit: '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b' };
    expect((await batch(unknown)).status).toBe(404);
    expect(await check({ subject: 'a', cost: 2 })).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('counts whatever a caller may send: none of it is a way around the rule', async () => {
    const id = await app.rule({ subject: 'header:x-device', limit: 2 });
    const long = 'x'.repeat(16_000);
    for (const odd of [
      { subject: long },
      { subject: '' },
      { subject: 'a', method: 'M-SEARCH' },
      { subject: 'b', method: 'x'.repeat(200) },
    ]) {
      expect(await check(odd)).toMatchObject({ allowed: true, remaining: 1 });
      expect(await check({ ...odd, cost: 1e15 })).toMatchObject({ allowed: false, retryAfterMs: null });
      expect(await check(odd)).toMatchObject({ allowed: true, remaining: 0 });
      expect(await check(odd)).toMatchObject({ allowed: false });
    }
    // As Holdfast's own requests are: without the header, and with nothing in it.
    expect(await check({ subject: '-' })).toMatchObject({ allowed: false });
    const status = await app.ask('GET', `/rate-limits/${id}/status?subject=${long}`);
    expect(status.body).toMatchObject({ remaining: 0, subject: expect.stringMatching(/^sha256:/) });
  });

  it('of a bucket that takes ten thousand years to fill', async () => {
    const id = await app.rule({
      algorithm: 'token_bucket',
      limit: 1,
      windowMs: 86_400_000,
      burst: 100_000_000,
      subject: 'user',
    });
    expect(await check({ subject: 'a', cost: 99_000_000 })).toMatchObject({
      remaining: 1_000_000,
      resetAt: '9999-12-31T23:59:59.999Z',
    });
    const { body } = await app.ask('GET', `/rate-limits/${id}/status?subject=a`);
    expect(body).toMatchObject({ remaining: 1_000_000, resetAt: '9999-12-31T23:59:59.999Z' });
  });

  it.each([
    ['no subject', {}, '/subject'],
    ['a negative cost', { subject: 'a', cost: -1 }, '/cost'],
    ['a method that is none', { subject: 'a', method: 'GET /' }, '/method'],
    ['a path that cannot be decoded', { subject: 'a', path: '/%zz' }, '/path'],
    ['an unknown field', { subject: 'a', limit: 5 }, '/limit'],
  ])('refuses %s', async (_what, body, path) => {
    const answer = await app.ask('POST', '/rate-limits/check', { body });
    expect(answer.status).toBe(400);
    expect(answer.body['errors']).toMatchObject([{ path }]);
  });

  it('needs its own scope, and that scope opens nothing else', async () => {
    const own = await startLimitedApp();
    const { body: admin } = await own.ask('POST', '/api-keys', { body: { name: 'a', scopes: ['admin'] } });
    const headers = { 'x-api-key': String(admin['key']) };
    const made = await own.ask('POST', '/api-keys', { headers, body: { name: 'l', scopes: ['limit'] } });
    const limit = { 'x-api-key': String(made.body['key']) };
    const status = async (method: 'GET' | 'POST', path: string, body?: object): Promise<number> =>
      (await own.ask(method, path, { headers: limit, ...(body && { body }) })).status;
    expect(await status('POST', '/rate-limits/check', { subject: 'a' })).toBe(200);
    expect(await status('GET', '/rate-limits')).toBe(403);
    expect(await status('GET', '/products')).toBe(403);
    await own.close();
  });
});

describe('GET /rate-limits/{id}/status', () => {
  const status = async (id: string, query = '') => app.ask('GET', `/rate-limits/${id}/status${query}`);

  it('says what is left, and spends none of it', async () => {
    const id = await app.rule({
      algorithm: 'token_bucket',
      limit: 60,
      windowMs: 60_000,
      burst: 100,
      subject: 'user',
      overrides: { vip: { limit: 600, burst: 700 } },
    });
    await check({ subject: 'ada', cost: 99 });
    for (let look = 0; look < 3; look += 1) {
      const { body } = await status(id, '?subject=ada');
      expect(body).toMatchObject({ limit: 60, burst: 100, remaining: 1, retryAfterMs: 0, isOverridden: false });
      expect(body).toMatchObject({ subject: 'ada', isActive: true, adaptive: null, tier: null, scope: 'instance' });
    }
    expect((await status(id, '?subject=vip')).body).toMatchObject({ limit: 600, remaining: 700, isOverridden: true });
    const nobody = await status(id);
    expect([nobody.status, nobody.body['errors']]).toEqual([400, [expect.objectContaining({ path: 'subject' })]]);
  });

  it('of a rule for all together needs no subject', async () => {
    const id = await app.rule({ subject: 'global', enabled: false });
    expect((await status(id)).body).toMatchObject({ subject: '*', remaining: 3, isActive: false });
    expect((await status('0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b')).status).toBe(404);
  });

  it('shows how far an adaptive rule is tightened, and it relaxes after', async () => {
    const id = await app.rule({ subject: 'global', limit: 100, adaptive: { eventLoopDelayMs: 50, floor: 0.5 } });
    const { limits } = app.test.server.rateLimits;
    const real = limits.rules.load;
    limits.observe({ inFlight: 1, lagMs: 500 });
    await limits.tick();
    expect((await status(id)).body).toMatchObject({ limit: 70, adaptive: { factor: 0.7, eventLoopDelayMs: 500 } });
    for (let tick = 0; tick < 5; tick += 1) await limits.tick();
    expect((await status(id)).body).toMatchObject({ limit: 50, adaptive: { factor: 0.5 } });
    limits.observe({ inFlight: 1, lagMs: 0 });
    for (let tick = 0; tick < 10; tick += 1) await limits.tick();
    expect((await status(id)).body).toMatchObject({ limit: 100, adaptive: { factor: 1 } });
    limits.observe(real);
  });
});
