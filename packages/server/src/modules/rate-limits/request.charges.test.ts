import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MONTH_MS, startLimitedApp, type LimitedApp } from './limits.fixture.ts';

let app: LimitedApp;
beforeAll(async () => {
  app = await startLimitedApp({ env: { TRUST_PROXY: '10.0.0.0/8' } });
});
afterEach(() => app.reset());
afterAll(() => app.close());

describe('a limited route', () => {
  it.each([
    ['token_bucket', 60, '"Shop";q=3;w=60'],
    ['sliding_window', 60, '"Shop";q=3;w=60'],
    ['fixed_window', MONTH_MS / 1_000, '"Shop";q=3;w=2678400'],
  ])('%s: says on every answer what is left, and refuses the fourth of three', async (algorithm, w, policy) => {
    await app.rule({ name: 'Shop', algorithm, limit: 3, windowMs: w * 1_000, match: { path: '/api/v1/locations' } });
    for (const remaining of [2, 1, 0]) {
      const { status, headers } = await app.ask('GET', '/locations');
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'ratelimit-policy': policy,
        ratelimit: expect.stringMatching(new RegExp(`^"Shop";r=${remaining};t=\\d+$`)),
        'x-ratelimit-limit': '3',
        'x-ratelimit-remaining': String(remaining),
        'x-ratelimit-reset': expect.stringMatching(/^\d{10}$/),
      });
      expect(headers['retry-after']).toBeUndefined();
    }
    const { status, headers, body } = await app.ask('GET', '/locations');
    expect(status).toBe(429);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(headers).toMatchObject({ 'ratelimit-policy': policy, 'x-ratelimit-remaining': '0' });
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(w);
    expect(body).toMatchObject({
      code: 'rate_limited',
      status: 429,
      rateLimit: { name: 'Shop' },
      limit: 3,
      remaining: 0,
      resetAt: expect.stringMatching(/Z$/),
      retryAfterMs: expect.any(Number),
    });
    expect((await app.ask('GET', '/products')).status).toBe(200);
  });

  it('takes names of any letters into headers', async () => {
    await app.rule({ name: 'Größe "1"\\', match: { path: '/api/v1/locations' } });
    const { headers } = await app.ask('GET', '/locations');
    expect(headers['ratelimit']).toMatch(/^"Gr%C3%B6%C3%9Fe \\"1\\"\\\\";r=2;t=\d+$/);
  });

  it('is refused by the strictest of several rules, and then charged to none', async () => {
    await app.rule({ name: 'wide', limit: 10, match: { path: '/api/v1/loc*' } });
    await app.rule({ name: 'narrow', limit: 2, match: { path: '/api/v1/locations', methods: ['GET'] } });
    const first = await app.ask('GET', '/locations');
    expect(first.headers['ratelimit']).toMatch(/^"narrow";r=1/);
    expect(first.headers['ratelimit-policy']).toBe('"wide";q=10;w=2678400, "narrow";q=2;w=2678400');
    expect(await app.admitted(5, 'GET', '/locations')).toBe(1);
    // POST is counted by the wide one alone: of its ten, two are gone.
    const { headers } = await app.ask('POST', '/locations', { body: {} });
    expect(headers['ratelimit']).toMatch(/^"wide";r=7/);
  });

  it('in shadow mode is never refused, and told nothing', async () => {
    await app.rule({ mode: 'shadow', limit: 1, match: { path: '/api/v1/locations' } });
    expect(await app.admitted(4, 'GET', '/locations')).toBe(4);
    expect((await app.ask('GET', '/locations')).headers['ratelimit']).toBeUndefined();
  });

  it('is not limited by a rule that is disabled, over, or not yet', async () => {
    const match = { path: '/api/v1/locations' };
    await app.rule({ enabled: false, limit: 1, match });
    await app.rule({ limit: 1, match, schedule: { to: '2020-01-01T00:00:00Z' } });
    const later = await app.rule({ limit: 1, match, schedule: { from: '2999-01-01T00:00:00Z' } });
    expect(await app.admitted(3, 'GET', '/locations')).toBe(3);
    const from = new Date(Date.now() + 300).toISOString();
    await app.ask('PATCH', `/rate-limits/${later}`, { body: { schedule: { from } } });
    await expect
      .poll(async () => {
        await app.test.server.rateLimits.limits.tick();
        return (await app.ask('GET', '/locations')).status;
      })
      .toBe(429);
  });

  it('pays more where it costs more', async () => {
    await app.rule({ limit: 10, costs: [{ methods: ['GET'], path: '/api/v1/locations', cost: 4 }] });
    const { headers } = await app.ask('GET', '/locations');
    expect(headers['x-ratelimit-remaining']).toBe('6');
    expect((await app.ask('GET', '/products')).headers['x-ratelimit-remaining']).toBe('5');
    await app.rule({ name: 'dear', limit: 3, costs: [{ path: '/api/v1/products/SKU-*', cost: 5 }] });
    const never = await app.ask('GET', '/products/SKU-1');
    expect(never.status).toBe(429);
    expect(never.body).toMatchObject({ retryAfterMs: null, detail: expect.stringContaining('5 units') });
    expect(never.headers['retry-after']).toBeUndefined();
  });

  it('gets its units back for refused work, where the rule says so', async () => {
    await app.rule({ limit: 2, refund: 'refused', match: { path: '/api/v1/products/**' } });
    expect(await app.admitted(6, 'GET', '/products/NONE')).toBe(6);
    expect((await app.ask('GET', '/products/NONE')).headers['x-ratelimit-remaining']).toBe('1');
  });

  it('may be lifted and tightened without losing what was counted, of this rule and of others', async () => {
    const match = { path: '/api/v1/locations' };
    const one = await app.rule({ name: 'one', limit: 3, match });
    await app.rule({ name: 'other', limit: 9, match });
    expect(await app.admitted(5, 'GET', '/locations')).toBe(3);
    await app.ask('PATCH', `/rate-limits/${one}`, { body: { limit: 5 } });
    expect(await app.admitted(5, 'GET', '/locations')).toBe(2);
    await app.ask('DELETE', `/rate-limits/${one}`);
    const { headers } = await app.ask('GET', '/locations');
    expect(headers['ratelimit']).toMatch(/^"other";r=3/);
  });
});

describe('who is counted', () => {
  it('addresses, and behind trusted proxies those that the proxy saw', async () => {
    const made = await app.ask('POST', '/api-keys', { body: { name: 'admin', scopes: ['admin'] } });
    expect(made.status).toBe(201);
    const key = { 'x-api-key': String(made.body['key']) };
    const ask = (remoteAddress: string, forwarded?: string): Promise<number> => {
      const headers = { ...key, ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }) };
      return app.ask('GET', '/locations', { remoteAddress, headers }).then(({ status }) => status);
    };
    const rule = { name: 'ip', algorithm: 'fixed_window', limit: 2, windowMs: MONTH_MS, subject: 'ip' };
    const body = { ...rule, match: { path: '/api/v1/locations' } };
    const { body: stored } = await app.ask('POST', '/rate-limits', { body, headers: key });

    // Anybody may claim to be passed on: of who is no trusted proxy it is not believed.
    expect([await ask('8.8.8.8', '1.1.1.1'), await ask('8.8.8.8', '2.2.2.2')]).toEqual([200, 200]);
    expect(await ask('8.8.8.8', '3.3.3.3')).toBe(429);
    // Nor what a client wrote before the proxy's own entry.
    expect([await ask('10.0.0.1', '6.6.6.6, 9.9.9.9'), await ask('10.0.0.1', '7.7.7.7, 9.9.9.9')]).toEqual([200, 200]);
    expect(await ask('10.0.0.1', '5.5.5.5, 9.9.9.9')).toBe(429);
    expect(await ask('9.9.9.9')).toBe(429);
    // One subscriber has a whole /64, and IPv4 is the same in either spelling.
    expect([await ask('2001:db8:1:2::1'), await ask('2001:db8:1:2:ffff::9')]).toEqual([200, 200]);
    expect(await ask('2001:DB8:1:2:3::')).toBe(429);
    expect(await ask('2001:db8:1:3::1')).toBe(200);
    expect(await ask('::ffff:8.8.8.8')).toBe(429);

    const status = await app.ask('GET', `/rate-limits/${String(stored['id'])}/status?subject=2001:db8:1:2::77`, {
      headers: key,
    });
    expect(status.body).toMatchObject({ subject: '2001:db8:1:2::/64', remaining: 0, limit: 2, scope: 'instance' });
    expect((await app.ask('DELETE', `/rate-limits/${String(stored['id'])}`, { headers: key })).status).toBe(204);
  });

  it('keys: each by itself, and one that takes the place of another goes on where that was', async () => {
    const own = await startLimitedApp();
    const make = async (name: string, headers: Record<string, string> = {}, scopes = ['read']) => {
      const { body } = await own.ask('POST', '/api-keys', { body: { name, scopes }, headers });
      return { id: String(body['id']), headers: { 'x-api-key': String(body['key']) } };
    };
    await own.rule({ subject: 'api_key', limit: 3, match: { path: '/api/v1/locations' } });
    const admin = await make('admin', {}, ['admin']);
    const shop = await make('shop', admin.headers);
    const beside = await make('shop', admin.headers);
    expect(await own.admitted(5, 'GET', '/locations', shop)).toBe(3);
    expect(await own.admitted(1, 'GET', '/locations', beside)).toBe(1);

    await own.ask('DELETE', `/api-keys/${beside.id}`, admin);
    await own.ask('DELETE', `/api-keys/${shop.id}`, admin);
    const next = await make('shop', admin.headers);
    await own.test.server.rateLimits.limits.refresh();
    expect(await own.admitted(2, 'GET', '/locations', next)).toBe(0);
    expect(await own.admitted(5, 'GET', '/locations', await make('another', admin.headers))).toBe(3);

    // That one has expired is nobody's doing, and nobody hints of it.
    const timed = await make('timed', admin.headers);
    const stays = await make('timed', admin.headers);
    expect(await own.admitted(5, 'GET', '/locations', timed)).toBe(3);
    expect(await own.admitted(1, 'GET', '/locations', stays)).toBe(1);
    await sql`UPDATE api_key SET expires_at = clock_timestamp() WHERE id = ${timed.id}`.execute(
      own.test.database.kysely,
    );
    const { limits } = own.test.server.rateLimits;
    for (let tick = 0; tick < 10; tick += 1) await limits.tick();
    expect(await own.admitted(2, 'GET', '/locations', stays)).toBe(0);

    // What is neither read nor made anew: the rules, for a change of keys that concerns none of them.
    const [rule] = limits.rules.active;
    await limits.followKeys();
    expect(limits.rules.active[0]).toBe(rule);
    await own.close();
  });

  it('who tries one key after the other, by address, instead of being told 401', async () => {
    const own = await startLimitedApp();
    await own.rule({ name: 'guess', limit: 3, match: { callers: 'anonymous' } });
    const { body } = await own.ask('POST', '/api-keys', { body: { name: 'admin', scopes: ['admin'] } });
    const statuses: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      const headers = { authorization: `Bearer guess-${index}` };
      statuses.push((await own.ask('GET', '/locations', { headers })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    expect((await own.ask('GET', '/locations', { remoteAddress: '8.8.4.4' })).status).toBe(401);
    const admin = { 'x-api-key': String(body['key']) };
    expect((await own.ask('GET', '/locations', { headers: admin })).status).toBe(200);
    await own.close();
  });

  it('values of a header, those who leave it out as one, and long ones by their digest', async () => {
    const own = await startLimitedApp();
    await own.rule({ subject: 'header:X-Tenant', limit: 2, match: { path: '/api/v1/locations' } });
    const as = (tenant: string) => own.admitted(3, 'GET', '/locations', { headers: { 'x-tenant': tenant } });
    expect([await as('a'), await as('b'), await as('x'.repeat(5_000)), await as('x'.repeat(5_001))]).toEqual([
      2, 2, 2, 2,
    ]);
    expect(await own.admitted(3, 'GET', '/locations')).toBe(2);
    expect(own.test.server.rateLimits.limits.memory.bytes).toBeLessThan(10_000);
    await own.close();
  });

  it('all together, subjects with numbers of their own, and tiers', async () => {
    const own = await startLimitedApp();
    const match = { path: '/api/v1/locations' };
    const tenant = (name: string, count: number) =>
      own.admitted(count, 'GET', '/locations', { headers: { 'x-tenant': name } });
    await own.rule({ subject: 'header:x-tenant', limit: 2, match, overrides: { vip: { limit: 4 } } });
    expect([await tenant('vip', 9), await tenant('other', 9)]).toEqual([4, 2]);

    const tiered = { subject: 'header:x-tenant', match: { path: '/api/v1/products' } };
    await own.rule({ ...tiered, limit: 1 });
    await own.rule({ ...tiered, limit: 3, tier: 'gold' });
    const products = (name: string) => own.admitted(9, 'GET', '/products', { headers: { 'x-tenant': name } });
    const set = await own.ask('PUT', '/rate-limit-tiers/gold', { body: { subjects: ['rich'] } });
    expect(set.body).toEqual({ tier: 'gold', subjects: ['rich'] });
    expect((await own.ask('GET', '/rate-limit-tiers')).body['items']).toEqual([set.body]);
    expect([await products('rich'), await products('poor')]).toEqual([3, 1]);
    await own.ask('PUT', '/rate-limit-tiers/gold', { body: { subjects: [] } });
    expect((await own.ask('GET', '/rate-limit-tiers')).body['items']).toEqual([]);

    await own.rule({ subject: 'global', limit: 2, match: { path: '/api/v1/alerts' } });
    expect(await own.admitted(4, 'GET', '/alerts', { remoteAddress: '1.2.3.4' })).toBe(2);
    expect(await own.admitted(4, 'GET', '/alerts', { remoteAddress: '4.3.2.1' })).toBe(0);
    await own.close();
  });

  it('callers from this machine apart from those that a proxy on it passes on', async () => {
    const own = await startLimitedApp();
    await own.rule({ limit: 2, match: { from: 'elsewhere', path: '/health/**' } });
    await own.rule({ limit: 2, match: { from: 'elsewhere', path: '/openapi.json' } });
    const ask = (headers: Record<string, string>) =>
      own.admitted(4, 'GET', '/openapi.json', { isWhole: true, headers });
    expect(await ask({})).toBe(4);
    expect(await ask({ 'x-forwarded-for': '8.8.8.8' })).toBe(2);
    expect(await ask({ 'x-real-ip': '8.8.8.8' })).toBe(0);
    expect(await own.admitted(5, 'GET', '/health/ready', { isWhole: true, remoteAddress: '8.8.8.8' })).toBe(5);
    await own.close();
  });
});

describe('ways around a rule', () => {
  it('are closed: case, slashes, encodings, HEAD', async () => {
    const key = await anyKey();
    await app.ask('POST', '/products', { ...key, body: { sku: 'SKU-1', name: 'Mug' } });
    await withRule(key, { limit: 3, match: { path: '/api/v1/products/sku-1', methods: ['GET'] } }, async () => {
      const statuses: number[] = [];
      for (const path of [
        '/products/SKU-1',
        '/products/%53KU-1',
        '/products/SKU%2D1',
        '/products/SK%55-1',
        '/%70roducts/SKU-1',
      ]) {
        statuses.push((await app.ask('GET', path, key)).status);
      }
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
      expect((await app.ask('HEAD', '/products/SKU-1', key)).status).toBe(429);
      // What the router does not take for it is not served either.
      for (const path of ['/PRODUCTS/SKU-1', '/products/SKU-1/', '//products/SKU-1']) {
        expect((await app.ask('GET', path, key)).status).toBe(404);
      }
    });
  });

  it('are closed: a batch is charged by its lines, and refused whole', async () => {
    const key = await anyKey();
    const adjust = (count: number) => {
      const line = { sku: 'SKU-1', location: 'NONE', type: 'add', quantity: 1 };
      return app.ask('POST', '/adjustments', {
        ...key,
        body: { adjustments: Array.from({ length: count }, () => line) },
      });
    };
    await withRule(key, { limit: 10, match: { path: '/api/v1/adjustments' } }, async () => {
      expect((await adjust(6)).headers['x-ratelimit-remaining']).toBe('4');
      const refused = await adjust(5);
      expect([refused.status, refused.headers['x-ratelimit-remaining']]).toEqual([429, '3']);
      expect((await adjust(3)).headers['x-ratelimit-remaining']).toBe('0');
    });
    const reserve = { reservations: [{ lines: [1, 2, 3] }, { lines: [1] }, {}] };
    await withRule(key, { limit: 10, match: { path: '/api/v1/reservations/batch' } }, async () => {
      // Not valid, and so not charged by its lines: nothing was done for them.
      const bad = await app.ask('POST', '/reservations/batch', { ...key, body: reserve });
      expect([bad.status, bad.headers['x-ratelimit-remaining']]).toEqual([400, '9']);
    });
  });

  it('are closed: streams and WebSockets are counted when they are opened', async () => {
    const admin = await anyKey();
    const address = await listening();
    const open = (path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${address.replace('http', 'ws')}${path}`, admin);
        socket.on('open', () => (socket.close(), resolve(101)));
        socket.on('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode));
        socket.on('error', reject);
      });
    await withRule(admin, { limit: 2, match: { path: '/api/v1/ws' } }, async () => {
      expect([await open('/api/v1/ws'), await open('/api/v1/ws'), await open('/api/v1/ws')]).toEqual([101, 101, 429]);
    });
    await withRule(admin, { limit: 1, match: { path: '/api/v1/events/stream' } }, async () => {
      const stream = async (): Promise<number> => {
        const answer = await fetch(`${address}/api/v1/events/stream`, admin);
        await answer.body?.cancel();
        expect(answer.headers.get('ratelimit')).toMatch(/^"test";r=0;t=\d+$/);
        return answer.status;
      };
      expect([await stream(), await stream()]).toEqual([200, 429]);
    });
  });

  it('are told over a connection as they are without one: each header once, on what is answered and refused', async () => {
    const admin = await anyKey();
    const address = await listening();
    await withRule(admin, { limit: 1, match: { path: '/api/v1/locations' } }, async () => {
      for (const status of [200, 429, 429]) {
        const answer = await fetch(`${address}/api/v1/locations`, admin);
        await answer.arrayBuffer();
        expect([answer.status, answer.headers.get('x-content-type-options')]).toEqual([status, 'nosniff']);
        expect(Object.fromEntries(answer.headers)).toMatchObject({
          'ratelimit-policy': '"test";q=1;w=2678400',
          ratelimit: expect.stringMatching(/^"test";r=0;t=\d+$/),
          'x-ratelimit-limit': '1',
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': expect.stringMatching(/^\d{10}$/),
        });
      }
      const other = await fetch(`${address}/api/v1/products`, admin);
      expect([other.status, other.headers.get('ratelimit')]).toEqual([200, null]);
    });
    await withRule(admin, { limit: 9, match: { path: '/api/v1/adjustments' } }, async () => {
      const line = { sku: 'SKU-1', location: 'NONE', type: 'add', quantity: 1 };
      const body = JSON.stringify({ adjustments: [line, line, line] });
      const headers = { ...admin.headers, 'content-type': 'application/json' };
      const answer = await fetch(`${address}/api/v1/adjustments`, { method: 'POST', headers, body });
      // Charged when it came, and for its lines once they were read: the later word holds.
      expect(answer.headers.get('x-ratelimit-remaining')).toBe('6');
    });
  });

  it('nobody locks himself out: the rules’ own routes are counted by rules that name them alone', async () => {
    const key = await anyKey();
    await withRule(key, { limit: 1 }, async () => {
      expect(await app.admitted(3, 'GET', '/locations', key)).toBe(1);
      expect(await app.admitted(3, 'GET', '/rate-limits', key)).toBe(3);
    });
    await withRule(key, { limit: 1, match: { path: '/api/v1/rate-limits/check', methods: ['POST'] } }, async () => {
      expect(await app.admitted(3, 'POST', '/rate-limits/check', { ...key, body: { subject: 'x' } })).toBe(1);
    });
  });
});

let address: Promise<string> | null = null;

function listening(): Promise<string> {
  return (address ??= app.test.app.listen({ host: '127.0.0.1', port: 0 }));
}

let key: { headers: Record<string, string> } | null = null;

async function anyKey(): Promise<{ headers: Record<string, string> }> {
  if (key !== null) return key;
  const secret = 'the-admin-key-of-these-tests';
  const { ensureAdminKey } = await import('../api-keys/index.ts');
  await ensureAdminKey(app.test.database, secret);
  key = { headers: { 'x-api-key': secret } };
  return key;
}

async function withRule(admin: object, fields: object, work: () => Promise<void>): Promise<void> {
  const rule = { name: 'test', algorithm: 'fixed_window', windowMs: MONTH_MS, subject: 'ip', ...fields };
  const { body } = await app.ask('POST', '/rate-limits', { ...admin, body: rule });
  await work();
  await app.ask('DELETE', `/rate-limits/${String(body['id'])}`, admin);
}
