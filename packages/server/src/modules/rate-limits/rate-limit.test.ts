import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { MemoryStore } from '../../platform/limiter/index.ts';
import { Limits } from './limits.ts';
import { createRateLimit } from './rate-limit.service.ts';
import { readRevision, readRuleSet, readSuccessors } from './rate-limit.sql.ts';

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
    expect(made.headers).toMatchObject({ location: `/api/v1/rate-limits/${made.body.id}`, etag: '"1"' });
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
      schedule: { from: '2026-11-27T00:00:00+01:00', to: '2026-12-01T00:00:00Z' },
      mode: 'shadow',
    };
    const stale = await ask('PATCH', `/rate-limits/${made.body.id}`, patch, { 'if-match': '"7"' });
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed']);
    await asOwner(
      `UPDATE rate_limit SET updated_at = '2020-01-01', created_at = '2020-01-01' WHERE id = '${made.body.id}'`,
    );
    const changed = await ask('PATCH', `/rate-limits/${made.body.id}`, patch, { 'if-match': '"1"' });
    expect(changed.headers['etag']).toBe('"2"');
    expect(changed.body).toEqual({
      ...made.body,
      name: 'Sale',
      burst: 200,
      tier: 'gold',
      overrides: { 'shop-1': { limit: 500, burst: null }, __proto__x: { limit: 5, burst: 9 } },
      costs: [{ methods: ['POST'], path: '/api/v1/reservations', cost: 5 }],
      adaptive: { eventLoopDelayMs: null, inFlight: 50, floor: 0.25 },
      schedule: { from: '2026-11-26T23:00:00.000Z', to: '2026-12-01T00:00:00.000Z' },
      mode: 'shadow',
      version: 2,
      createdAt: '2020-01-01T00:00:00.000Z',
      updatedAt: expect.not.stringMatching(/^2020/),
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

describe('the list of rules', () => {
  const namesOf = (answer: { body: { items: { name: string }[] } }): string[] =>
    answer.body.items.map(({ name }) => name);

  it('is newest first, page by page, and its cursor is for no other order', async () => {
    const pages: string[] = [];
    let cursor = '';
    for (let page = 0; page < 2; page += 1) {
      const answer = await ask('GET', `/rate-limits?limit=2${cursor}`);
      pages.push(...namesOf(answer));
      cursor = `&cursor=${answer.body.nextCursor}`;
    }
    expect([pages, cursor]).toEqual([
      ['This machine', 'Without valid credentials', 'Each person', 'Each API key'],
      '&cursor=null',
    ]);
    const { body } = await ask('GET', '/rate-limits?limit=2&sort=createdAt');
    expect((await ask('GET', `/rate-limits?cursor=${body.nextCursor}`)).body.code).toBe('invalid_cursor');
  });

  it('has room for 200', async () => {
    await asOwner(`
      INSERT INTO rate_limit (id, name, algorithm, units, window_ms, subject, match, refund, on_store_error, mode, enabled,
        created_at, updated_at)
      SELECT gen_random_uuid(), 'many', 'fixed_window', 1, 1, 'user', '{}', 'never', 'allow', 'shadow', false, now(), now()
      FROM generate_series(1, 195)`);
    const last = await ask('POST', '/rate-limits', rule({ enabled: false }));
    const { status, body } = await ask('POST', '/rate-limits', rule({ enabled: false }));
    expect([last.status, status, body.code]).toEqual([201, 409, 'too_many_rate_limits']);
    await asOwner(`DELETE FROM rate_limit WHERE name = 'many'`);
    expect((await ask('DELETE', `/rate-limits/${last.body.id}`)).status).toBe(204);
  });
});

describe('what an instance counts by', () => {
  const looking = (isHinted: boolean, memory = new MemoryStore()) => {
    const isShared = false;
    return new Limits({ database: test.database, store: memory, memory, isShared, isHinted: () => isHinted });
  };

  it('is read again after every change of a rule or a tier', async () => {
    const { kysely } = test.database;
    const revisions = [await readRevision(kysely)];
    const { body } = await ask('POST', '/rate-limits', rule({ enabled: false }));
    const path = `/rate-limits/${body.id}`;
    expect(test.server.rateLimits.limits.rules.all.has(body.id)).toBe(true);
    for (const change of [
      () => ask('PATCH', path, { limit: 7 }),
      () => ask('DELETE', path),
      () => ask('PUT', '/rate-limit-tiers/gold', { subjects: ['a'] }),
      () => ask('PUT', '/rate-limit-tiers/gold', { subjects: ['b', 'c'] }),
      () => ask('PUT', '/rate-limit-tiers/amber', { subjects: ['d'] }),
    ]) {
      revisions.push(await readRevision(kysely));
      await change();
    }
    revisions.push(await readRevision(kysely));
    const [first = 0] = revisions;
    expect(revisions.map((revision) => revision - first)).toEqual([0, 1, 2, 3, 4, 5, 6]);

    const tiers = [
      { tier: 'amber', subjects: ['d'] },
      { tier: 'gold', subjects: ['b', 'c'] },
    ];
    expect((await ask('GET', '/rate-limit-tiers')).body.items).toEqual(tiers);
    expect((await readRuleSet(kysely)).tiers).toEqual(tiers);
    await ask('PUT', '/rate-limit-tiers/gold', { subjects: [] });
    expect((await ask('GET', '/rate-limit-tiers')).body.items).toEqual(tiers.slice(0, 1));
    const [tier, , , , deleted] = (await ask('GET', '/audit?limit=5')).body.items;
    expect([tier, deleted]).toMatchObject([
      { kind: 'rate_limit_tier.updated', subject: 'gold', data: { tier: 'gold', subjects: [] } },
      { kind: 'rate_limit.deleted', subject: body.id, data: { id: body.id, limit: 7 } },
    ]);
  });

  it('is in the order in which the rules were made, also when one was changed since', async () => {
    const [first] = (await ask('GET', '/rate-limits?sort=createdAt')).body.items;
    await ask('PATCH', `/rate-limits/${first.id}`, { limit: first.limit - 1 });
    expect((await readRuleSet(test.database.kysely)).rules.map(({ name }) => name)).toEqual([
      'Each API key',
      'Each person',
      'Without valid credentials',
      'This machine',
    ]);
  });

  it('is looked for at each tick, and where hints arrive only now and then', async () => {
    const [hinted, alone] = [looking(true), looking(false)];
    for (const limits of [hinted, alone]) await limits.tick();
    const { body } = await ask('POST', '/rate-limits', rule({ subject: 'user', match: { path: '/later' } }));
    const knownBy = (): boolean[] => [hinted, alone].map(({ rules }) => rules.all.has(body.id));
    for (let tick = 1; tick < 10; tick += 1) {
      for (const limits of [hinted, alone]) await limits.tick();
      expect(knownBy()).toEqual([false, true]);
    }
    const [before] = alone.rules.active;
    for (const limits of [hinted, alone]) await limits.tick();
    // What did not change is not read again.
    expect([knownBy(), alone.rules.active[0] === before]).toEqual([[true, true], true]);
    await ask('DELETE', `/rate-limits/${body.id}`);
  });

  it('is for who asks while it is read what is there after that, and what could not be read is read again', async () => {
    const limits = looking(true);
    const owner = new pg.Client(test.connection);
    await owner.connect();
    await owner.query('BEGIN');
    await owner.query('LOCK TABLE rate_limit_tier');
    const first = limits.refresh();
    const waiting = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'rate_limit_tier'::regclass`;
    await expect.poll(async () => (await owner.query(waiting)).rowCount).toBe(1);
    // The rules themselves were read by now.
    await owner.query(`UPDATE rate_limit SET units = 7 WHERE name = 'Each person'`);
    const second = limits.refresh();
    await owner.query('COMMIT');
    await Promise.all([first, second]);
    expect(limits.rules.active.map(({ stored }) => stored.limit)).toContain(7);

    await limits.tick();
    await owner.query('ALTER TABLE rate_limit_tier RENAME TO elsewhere');
    await limits.catchUp();
    await owner.query(`UPDATE rate_limit SET units = 6000 WHERE name = 'Each person'`);
    await owner.query('ALTER TABLE elsewhere RENAME TO rate_limit_tier');
    await owner.end();
    // Also where hints arrive, and nothing is looked for at this tick.
    await limits.tick();
    expect(limits.rules.active.map(({ stored }) => stored.limit)).not.toContain(7);
  });

  it('is read once where nothing is followed, and counters are swept until it stops', async () => {
    const calls: string[] = [];
    const counters = { start: () => calls.push('start'), stop: () => calls.push('stop') };
    const limits = looking(false, Object.assign(new MemoryStore(), counters));
    limits.start({ follows: false });
    await limits.stop();
    expect([calls, limits.rules.all.size]).toEqual([['start', 'stop'], 4]);
  });

  it('is hinted of also where nobody knows whether the change was made', async () => {
    let hints = 0;
    const deps = {
      engine: { transact: () => Promise.reject(new Error('the connection is gone')) },
      database: test.database,
      limits: test.server.rateLimits.limits,
      onChanged: () => (hints += 1),
    };
    await expect(createRateLimit(deps as never, rule() as never, {} as never)).rejects.toThrow('gone');
    expect(hints).toBe(1);
  });

  it('says whose counters a key goes on with: of those in use, the oldest of a name that others had before', async () => {
    const key = (id: number, name: string, ends: string): string =>
      `('00000000-0000-7000-8000-00000000000${id}', '${name}', '{read}', 'p', sha256('${id}'), now(), ${ends})`;
    const [stays, revoked, expired] = ['NULL, NULL', 'now(), NULL', `NULL, now() - interval '1 second'`];
    await asOwner(`INSERT INTO api_key (id, name, scopes, prefix, hash, created_at, revoked_at, expires_at) VALUES
      ${key(1, 'shop', revoked)}, ${key(2, 'shop', expired)}, ${key(3, 'shop', stays)}, ${key(4, 'shop', stays)},
      ${key(5, 'till', expired)}, ${key(6, 'till', stays)}, ${key(7, 'gone', revoked)}, ${key(8, 'gone', revoked)},
      ${key(9, 'own', stays)}`);
    const successors = await readSuccessors(test.database.kysely);
    expect(successors.map(({ id, root }) => [id.at(-1), root.at(-1)])).toEqual([
      ['6', '5'],
      ['3', '1'],
    ]);
    const limits = looking(true);
    await limits.tick();
    const rootOf = (id: number): string =>
      limits.callers.keySubject(`00000000-0000-7000-8000-00000000000${id}`).slice(-1);
    expect([rootOf(3), rootOf(4)]).toEqual(['1', '4']);
    // Now it is another one that goes on with the same.
    await asOwner(`UPDATE api_key SET revoked_at = now() WHERE id::text LIKE '%3'`);
    await limits.followKeys();
    expect([rootOf(3), rootOf(4)]).toEqual(['3', '1']);
    await asOwner('DELETE FROM api_key');
  });
});
