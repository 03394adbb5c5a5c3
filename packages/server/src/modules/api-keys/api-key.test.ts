import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp } from '../../../test/app.ts';
import { newId } from '../../kernel/ids.ts';
import { removeApiKey } from './api-key.service.ts';

type TestApp = Awaited<ReturnType<typeof startTestApp>>;
type Method = 'GET' | 'POST' | 'DELETE';

/** Asks as the holder of a key, or as nobody. */
function asking(test: () => TestApp) {
  return async (
    method: Method,
    path: string,
    key: string | null,
    body?: object,
    headers: Record<string, string> = {},
  ) => {
    const authorization: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
    const payload = body === undefined ? {} : { payload: body };
    const answer = await test().app.inject({
      method,
      url: `/api/v1${path}`,
      headers: { ...authorization, ...headers },
      ...payload,
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
  };
}

const nextYear = () => new Date(Date.now() + 365 * 86_400_000).toISOString();

describe('the first key', () => {
  let test: TestApp;
  const ask = asking(() => test);
  beforeAll(async () => {
    test = await startTestApp();
  });
  afterAll(() => test.close());

  it('needs admin in it, ends the open server at once, and is the last to go', async () => {
    const locked = await ask('POST', '/api-keys', null, { name: 'shop', scopes: ['read'] });
    expect(locked.status).toBe(409);
    expect(locked.body.code).toBe('first_key_needs_admin');
    expect((await ask('GET', '/products', null)).status).toBe(200);

    const admin = await ask('POST', '/api-keys', null, { name: 'admin', scopes: ['admin'] });
    expect(admin.status).toBe(201);
    expect((await ask('GET', '/products', null)).status).toBe(401);
    expect((await ask('GET', '/products', admin.body.key)).status).toBe(200);

    const last = await ask('DELETE', `/api-keys/${admin.body.id}`, admin.body.key);
    expect(last.status).toBe(409);
    expect(last.body.code).toBe('last_admin_key');
    expect((await ask('GET', '/api-keys', admin.body.key)).body.items).toHaveLength(1);
  });
});

describe('keys', () => {
  let test: TestApp;
  let admin: { id: string; key: string };
  const ask = asking(() => test);
  const make = async (body: object) => (await ask('POST', '/api-keys', admin.key, body)).body;

  beforeAll(async () => {
    test = await startTestApp();
    admin = (await ask('POST', '/api-keys', null, { name: 'admin', scopes: ['admin'] })).body;
  });
  afterAll(() => test.close());

  it('shows the secret once', async () => {
    const expiresAt = nextYear();
    const made = await ask('POST', '/api-keys', admin.key, { name: 'shop', scopes: ['reserve', 'stock'], expiresAt });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.any(String),
      name: 'shop',
      scopes: ['reserve', 'stock'],
      prefix: made.body.key.slice(0, 11),
      key: expect.stringMatching(/^hf_[0-9a-z]{8}_[0-9a-z]{50}$/),
      expiresAt,
      createdAt: expect.any(String),
      lastUsedAt: null,
    });
    const { key, ...shown } = made.body;
    const listed = await ask('GET', '/api-keys?limit=1', admin.key);
    expect(listed.body.items).toEqual([shown]);
    expect(JSON.stringify((await ask('GET', '/audit', admin.key)).body)).not.toContain(key);
    const [audit] = (await ask('GET', '/audit?kind=api_key.created&limit=1', admin.key)).body.items;
    expect(audit).toMatchObject({ subject: shown.id, data: shown, actor: `key:${admin.id}` });
  });

  it('keeps no secret for the replay of an idempotency key', async () => {
    const header = { 'idempotency-key': 'make-1' };
    const body = { name: 'once', scopes: ['read'] };
    const first = await ask('POST', '/api-keys', admin.key, body, header);
    const repeat = await ask('POST', '/api-keys', admin.key, body, header);
    expect(repeat.status).toBe(201);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.body).toEqual({ ...first.body, key: null });
  });

  it('may do what its scopes say, and nothing else', async () => {
    const { key } = await make({ name: 'reader', scopes: ['read'] });
    expect((await ask('GET', '/products', key)).status).toBe(200);
    expect((await ask('POST', '/products', key, { sku: 'X', name: 'x' })).status).toBe(403);
    for (const path of ['/api-keys', '/audit']) expect((await ask('GET', path, key)).status).toBe(403);
  });

  it('is refused at once when revoked, and gone from the list', async () => {
    const { id, key } = await make({ name: 'leaked', scopes: ['read'] });
    expect((await ask('GET', '/products', key)).status).toBe(200);
    expect((await ask('DELETE', `/api-keys/${id}`, admin.key)).status).toBe(204);
    expect((await ask('GET', '/products', key)).status).toBe(401);
    const again = await ask('DELETE', `/api-keys/${id}`, admin.key);
    expect(again.status).toBe(404);
    expect(again.body.code).toBe('api_key_not_found');
    const ids = (await ask('GET', '/api-keys', admin.key)).body.items.map((item: { id: string }) => item.id);
    expect(ids).not.toContain(id);
    const [audit] = (await ask('GET', '/audit?kind=api_key.revoked&limit=1', admin.key)).body.items;
    expect(audit.subject).toBe(id);
  });

  it('is asked for anew also where nobody knows whether it was revoked', async () => {
    const changed: string[] = [];
    const deps = {
      engine: { transact: () => Promise.reject(new Error('the connection is gone')) },
      keys: { keyCreated: () => undefined, keyChanged: (id: string) => changed.push(id) },
    };
    await expect(removeApiKey(deps as never, 'an-id', {} as never)).rejects.toThrow('gone');
    expect(changed).toEqual(['an-id']);
  });

  it('shows when it was last used', async () => {
    const { id, key } = await make({ name: 'used', scopes: ['read'] });
    await ask('GET', '/products', key);
    const used = async () => {
      const { items } = (await ask('GET', '/api-keys', admin.key)).body;
      return items.find((item: { id: string }) => item.id === id).lastUsedAt;
    };
    await expect.poll(used).toMatch(/Z$/);
  });

  it('lets exactly one of two admins revoke the other, when both try at once', async () => {
    const one = await make({ name: 'one', scopes: ['admin'] });
    const two = await make({ name: 'two', scopes: ['admin'] });
    expect((await ask('DELETE', `/api-keys/${admin.id}`, one.key)).status).toBe(204);
    // Both are known before either is revoked, so that both commands get as far as the database.
    await Promise.all([ask('GET', '/products', one.key), ask('GET', '/products', two.key)]);
    const answers = await Promise.all([
      ask('DELETE', `/api-keys/${two.id}`, one.key),
      ask('DELETE', `/api-keys/${one.id}`, two.key),
    ]);
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([204, 409]);
    const survivor = answers[0]?.status === 204 ? one : two;
    admin = survivor;
    expect((await ask('GET', '/api-keys', survivor.key)).status).toBe(200);
  });

  it('lists newest first, page by page', async () => {
    for (const name of ['p1', 'p2', 'p3']) await make({ name, scopes: ['read'] });
    const first = await ask('GET', '/api-keys?limit=2', admin.key);
    expect(first.body.items.map((item: { name: string }) => item.name)).toEqual(['p3', 'p2']);
    const rest = await ask('GET', `/api-keys?limit=1&cursor=${first.body.nextCursor}`, admin.key);
    expect(rest.body.items[0].name).toBe('p1');
    const oldest = await ask('GET', '/api-keys?sort=createdAt', admin.key);
    const newest = await ask('GET', '/api-keys', admin.key);
    expect(oldest.body.items).toEqual(newest.body.items.toReversed());
    const other = await ask('GET', `/api-keys?sort=createdAt&cursor=${first.body.nextCursor}`, admin.key);
    expect(other.body.code).toBe('invalid_cursor');
  });

  it.each([
    ['no scopes', { name: 'x', scopes: [] }, '/scopes'],
    ['an unknown scope', { name: 'x', scopes: ['root'] }, '/scopes/0'],
    ['a scope twice', { name: 'x', scopes: ['read', 'read'] }, '/scopes'],
    ['no name', { scopes: ['read'] }, '/name'],
    ['an expiry in the past', { name: 'x', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    ['an expiry that is no time', { name: 'x', scopes: ['read'], expiresAt: 'soon' }, '/expiresAt'],
    ['a key of the caller’s own', { name: 'x', scopes: ['read'], key: 'mine' }, '/key'],
  ])('refuses %s', async (_what, body, path) => {
    const answer = await ask('POST', '/api-keys', admin.key, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe(path);
  });

  it('knows no other ids', async () => {
    expect((await ask('DELETE', `/api-keys/${newId(1_000)}`, admin.key)).body.code).toBe('api_key_not_found');
  });
});
