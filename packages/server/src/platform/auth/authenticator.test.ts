import type { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import { Problem } from '../../kernel/problem.ts';
import { createLogger } from '../log/index.ts';
import { HandClock, MemoryKeys } from './auth.fixture.ts';
import {
  Authenticator,
  generateApiKey,
  hashApiKey,
  openModeRefusal,
  prefixOfKey,
  SCOPES,
  type Caller,
  type Scope,
} from './index.ts';

let clock: HandClock;
let keys: MemoryKeys;
let auth: Authenticator;
let changes: number;
beforeEach(() => {
  clock = new HandClock();
  keys = new MemoryKeys();
  changes = 0;
  const onChanged = () => (changes += 1);
  auth = new Authenticator({ keys, jwt: null, clock, log: createLogger('silent'), onChanged });
});

const HERE = { host: 'localhost:8080' };

function requestWith(headers: Record<string, string>, remoteAddress = '127.0.0.1'): IncomingMessage {
  const rawHeaders = Object.entries(headers).flat();
  return { headers, rawHeaders, socket: { remoteAddress } } as unknown as IncomingMessage;
}

function callerOf(headers: Record<string, string>, remoteAddress?: string): Promise<Caller> {
  return Promise.resolve().then(() => auth.authenticate(requestWith({ ...HERE, ...headers }, remoteAddress)));
}

async function refusalOf(headers: Record<string, string>, remoteAddress?: string): Promise<[number, string]> {
  const error: unknown = await callerOf(headers, remoteAddress).catch((refusal: unknown) => refusal);
  if (!(error instanceof Problem)) throw new Error('it was let in');
  return [error.status, error.detail];
}

function bearer(key: string) {
  return { authorization: `Bearer ${key}` };
}

function makeKey(scopes: Scope[], expiresAtMs: number | null = null): string {
  const { key, prefix } = generateApiKey();
  keys.add(key, { id: prefix, scopes, expiresAtMs });
  auth.keyCreated();
  return key;
}

describe('a key', () => {
  test('is long, has a prefix to tell it by, and is kept as a hash', () => {
    const { key, prefix, hash } = generateApiKey();
    expect(key).toMatch(/^hf_[0-9a-z]{8}_[0-9a-z]{50}$/);
    expect(key.startsWith(`${prefix}_`)).toBe(true);
    expect(hash).toEqual(hashApiKey(key));
    expect(hash).toHaveLength(32);
    expect(prefixOfKey(key)).toBe(prefix);
    expect(prefixOfKey('operators-own-key')).toBe('oper');
    expect(generateApiKey().key).not.toBe(key);
  });

  test('is taken from either header, or from both when they agree', async () => {
    const key = makeKey(['read']);
    const caller = { actor: `key:${prefixOfKey(key)}`, owner: `key:${prefixOfKey(key)}` };
    expect(await callerOf(bearer(key))).toMatchObject(caller);
    expect(await callerOf({ authorization: `bearer  ${key}` })).toMatchObject(caller);
    expect(await callerOf({ 'x-api-key': key })).toMatchObject(caller);
    expect(await callerOf({ ...bearer(key), 'x-api-key': key })).toMatchObject(caller);
  });

  test.each([
    ['read', 'read'],
    ['reserve', 'read,reserve'],
    ['stock', 'read,stock'],
    ['ingest', 'ingest'],
    ['notify', 'notify'],
    ['files', 'files'],
    ['limit', 'limit'],
    ['admin', SCOPES.toSorted().join(',')],
  ] as const)('with the scope %s may %s', async (scope, all) => {
    const { scopes } = await callerOf(bearer(makeKey([scope])));
    expect([...scopes].toSorted().join(',')).toBe(all);
  });

  test('that nobody has, that expired, or that is missing is 401', async () => {
    const expiring = makeKey(['read'], clock.ms + 500);
    expect(await refusalOf(bearer('hf_nobody00_x'))).toEqual([401, expect.stringContaining('not valid')]);
    expect(await refusalOf({})).toEqual([401, expect.stringContaining('Authorization: Bearer')]);
    expect(await callerOf(bearer(expiring))).toBeDefined();
    clock.ms += 500;
    expect(await refusalOf(bearer(expiring))).toEqual([401, expect.stringContaining('expired')]);
  });

  test.each(['Basic dXNlcjpwYXNz', 'Bearer', 'Bearer ', 'Bearer a b', 'hf_x_y', ''])(
    'as "%s" is 401',
    async (authorization) => {
      makeKey(['read']);
      expect((await refusalOf({ authorization }))[0]).toBe(401);
    },
  );

  test('among other words, or with what no key has in it, is 401 and not looked up', async () => {
    const key = makeKey(['read']);
    for (const authorization of [`Token Bearer ${key}`, `Bearer ${key} more`, `Basic ${key}`]) {
      expect((await refusalOf({ authorization }))[0]).toBe(401);
    }
    for (const text of [`${key} ${key}`, `${key}ü`, '']) expect((await refusalOf({ 'x-api-key': text }))[0]).toBe(401);
    expect(keys.lookups).toBe(0);
  });

  test('two at once are 400', async () => {
    const key = makeKey(['read']);
    expect((await refusalOf({ ...bearer(key), 'x-api-key': makeKey(['read']) }))[0]).toBe(400);
    const twice = requestWith({ ...HERE, ...bearer(key) });
    twice.rawHeaders.push('authorization', 'Bearer other');
    expect(() => auth.authenticate(twice)).toThrow('Authorization must be given once');
  });
});

describe('a known key', () => {
  test('is answered without waiting and without asking the store', async () => {
    const key = makeKey(['read']);
    await callerOf(bearer(key));
    expect(auth.authenticate(requestWith(bearer(key)))).not.toBeInstanceOf(Promise);
    expect(keys.lookups).toBe(1);
  });

  test('is looked up once by all who come at the same time', async () => {
    const key = makeKey(['read']);
    await Promise.all(Array.from({ length: 50 }, () => callerOf(bearer(key))));
    expect(keys.lookups).toBe(1);
  });

  test('is refreshed in the background while it is used, and never older than a second', async () => {
    const key = makeKey(['read']);
    await callerOf(bearer(key));
    clock.ms += 600;
    expect(auth.authenticate(requestWith(bearer(key)))).not.toBeInstanceOf(Promise);
    await expect.poll(() => keys.lookups).toBe(2);
    clock.ms += 999;
    keys.remove(key);
    expect(auth.authenticate(requestWith(bearer(key)))).not.toBeInstanceOf(Promise);
    clock.ms += 1;
    expect((await refusalOf(bearer(key)))[0]).toBe(401);
  });

  test('is refused at once where it was revoked, even by a lookup that began before', async () => {
    const [key, bystander] = [makeKey(['read']), makeKey(['read'])];
    await Promise.all([callerOf(bearer(key)), callerOf(bearer(bystander))]);
    keys.remove(key);
    auth.keyChanged(prefixOfKey(key));
    expect((await refusalOf(bearer(key)))[0]).toBe(401);
    // Nobody else has to be looked up for it.
    expect(auth.authenticate(requestWith(bearer(bystander)))).not.toBeInstanceOf(Promise);

    const other = makeKey(['read']);
    expect(auth.authenticate(requestWith(bearer(bystander)))).not.toBeInstanceOf(Promise);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    keys.before = () => held;
    const early = refusalOf(bearer(other));
    await expect.poll(() => keys.lookups).toBe(4);
    keys.remove(other);
    auth.keyChanged(prefixOfKey(other));
    release();
    expect((await early)[0]).toBe(401);
  });

  test('is as old as the question, not as the answer', async () => {
    const key = makeKey(['read']);
    keys.before = () => Promise.resolve(void (clock.ms += 600));
    await callerOf(bearer(key));
    clock.ms += 400;
    keys.remove(key);
    expect((await refusalOf(bearer(key)))[0]).toBe(401);
  });

  test('notes its use once a minute', async () => {
    const key = makeKey(['read']);
    for (let count = 0; count < 5; count += 1) await callerOf(bearer(key));
    clock.ms += 60_000;
    await callerOf(bearer(key));
    expect(keys.touches).toEqual([
      [prefixOfKey(key), clock.ms - 60_000],
      [prefixOfKey(key), clock.ms],
    ]);
  });

  test('an unknown one is remembered too, until a key is made', async () => {
    makeKey(['admin']);
    const { key, prefix } = generateApiKey();
    await refusalOf(bearer(key));
    clock.ms += 999;
    await refusalOf(bearer(key));
    expect(keys.lookups).toBe(1);
    keys.add(key, { id: prefix, scopes: ['read'], expiresAtMs: null });
    auth.keyCreated();
    expect(await callerOf(bearer(key))).toMatchObject({ actor: `key:${prefix}` });
  });

  test('an unknown one that is made while it is looked up is looked up again', async () => {
    makeKey(['admin']);
    const { key, prefix } = generateApiKey();
    keys.before = () => {
      keys.before = () => Promise.resolve();
      keys.add(key, { id: prefix, scopes: ['read'], expiresAtMs: null });
      auth.keyCreated();
      return Promise.resolve();
    };
    expect(await callerOf(bearer(key))).toMatchObject({ actor: `key:${prefix}` });
  });

  test('an unknown one that was made elsewhere counts as soon as the other instance tells', async () => {
    makeKey(['admin']);
    const { key, prefix } = generateApiKey();
    await refusalOf(bearer(key));
    keys.add(key, { id: prefix, scopes: ['read'], expiresAtMs: null });
    auth.reconsider();
    expect(await callerOf(bearer(key))).toMatchObject({ actor: `key:${prefix}` });
  });

  test('is 256 characters long at most: more is nobody’s, and is not remembered', async () => {
    makeKey(['admin']);
    for (const length of [256, 257, 257]) expect((await refusalOf(bearer('x'.repeat(length))))[0]).toBe(401);
    expect(keys.lookups).toBe(1);
  });

  test('that is made, revoked or changed, and a person likewise, is told to the other instances', () => {
    auth.keyCreated();
    auth.keyChanged('k1');
    auth.personCreated();
    auth.personChanged('p1');
    expect(changes).toBe(4);
    // What they tell is not told on.
    auth.reconsider();
    expect(changes).toBe(4);
  });

  test('a flood of unknown ones is shed', async () => {
    makeKey(['admin']);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    keys.before = () => held;
    const refusals = Array.from({ length: 300 }, (_, index) => refusalOf(bearer(`hf_unknown_${index}`)));
    await expect.poll(() => keys.lookups).toBe(256);
    release();
    const statuses = (await Promise.all(refusals)).map(([status]) => status);
    expect([
      statuses.filter((status) => status === 401).length,
      statuses.filter((status) => status === 503).length,
    ]).toEqual([256, 44]);
  });

  test('a flood of unknown ones keeps no known one out', async () => {
    const key = makeKey(['read']);
    await callerOf(bearer(key));
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    keys.before = () => held;
    const refusals = Array.from({ length: 300 }, (_, index) => refusalOf(bearer(`hf_unknown_${index}`)));
    await expect.poll(() => keys.lookups).toBe(257);
    // It would be refreshed in the background, then it must be looked up.
    clock.ms += 600;
    expect(auth.authenticate(requestWith(bearer(key)))).not.toBeInstanceOf(Promise);
    clock.ms += 400;
    const later = callerOf(bearer(key));
    // Nor where everything is to be looked up anew.
    auth.reconsider();
    const latest = callerOf(bearer(key));
    release();
    expect([await later, await latest].map(({ actor }) => actor)).toEqual(Array(2).fill(`key:${prefixOfKey(key)}`));
    await Promise.all(refusals);
  });
});

describe('until a first key exists', () => {
  test.each([
    { host: 'localhost' },
    { host: '127.0.0.1:8080' },
    { host: '127.8.9.1' },
    { host: '[::1]:8080' },
    { host: 'shop.localhost:1' },
    { origin: 'http://localhost:3000' },
    { origin: 'http://[::1]:3000' },
  ])('this machine is admin: %j', async (headers) => {
    expect(await callerOf(headers as unknown as Record<string, string>)).toMatchObject({
      actor: 'open',
      owner: 'open',
    });
    expect(await callerOf({}, '::ffff:127.0.0.1')).toMatchObject({ actor: 'open' });
    expect(await callerOf({}, '::1')).toMatchObject({ actor: 'open' });
  });

  test.each([
    { host: 'holdfast.example' },
    { host: 'localhost.example' },
    { host: '127.0.0.1.example' },
    { host: '127.0.0.256' },
    { host: '0.0.0.0' },
    { host: '' },
    { host: 'localhost:80:80' },
    { host: 'user@localhost' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost.evil.example' },
    { forwarded: 'for=1.2.3.4' },
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-forwarded-host': 'localhost' },
    { via: '1.1 proxy' },
    { 'x-real-ip': '127.0.0.1' },
    { 'x-client-ip': '127.0.0.1' },
    { 'x-cluster-client-ip': '127.0.0.1' },
    { 'true-client-ip': '127.0.0.1' },
    { 'cf-connecting-ip': '127.0.0.1' },
    { 'cdn-loop': 'cloudflare' },
  ])('nobody else is: %j', async (headers) => {
    expect((await refusalOf(headers as unknown as Record<string, string>))[0]).toBe(403);
  });

  test('nor is a proxy that says nothing of itself, as nginx with a proxy_pass alone', async () => {
    const request = Object.assign(requestWith(HERE), { httpVersion: '1.0' });
    await expect(Promise.resolve(auth.authenticate(request))).rejects.toMatchObject({ status: 403 });
  });

  test.each(['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', '1270::1', '127::1', ''])(
    'from "%s" it is 403',
    async (address) => {
      expect((await refusalOf({}, address))[0]).toBe(403);
    },
  );

  test('a key that is sent is checked all the same', async () => {
    expect((await refusalOf(bearer('hf_wrong000_x')))[0]).toBe(401);
  });

  test('the store is asked once a second, and never again after a key exists', async () => {
    await Promise.all([callerOf({}), callerOf({})]);
    expect(auth.authenticate(requestWith(HERE))).not.toBeInstanceOf(Promise);
    expect(keys.questions).toBe(1);
    keys.everMade = true;
    clock.ms += 1_000;
    expect((await refusalOf({}))[0]).toBe(401);
    keys.everMade = false;
    clock.ms += 10_000;
    expect((await refusalOf({}))[0]).toBe(401);
    expect([keys.questions, await auth.isOpen()]).toEqual([2, false]);
  });

  test('what the store says counts for a second from when it was asked', async () => {
    keys.before = () => Promise.resolve(void (clock.ms += 600));
    await callerOf({});
    clock.ms += 400;
    await callerOf({});
    expect(keys.questions).toBe(2);
  });

  test.each([
    ['key', () => makeKey(['admin'])],
    ['person', () => auth.personCreated()],
    [
      'key of another instance that tells of it',
      () => {
        keys.everMade = true;
        auth.reconsider();
      },
    ],
  ])('the first %s closes it at once', async (_what, make) => {
    await callerOf({});
    make();
    expect((await refusalOf({}))[0]).toBe(401);
  });

  test('with an identity provider nobody is let in without a token, and the store is not asked', async () => {
    const jwt = { keys: { secret: 'an entirely sufficient secret: 32 bytes' }, issuer: 'i', audience: 'a' };
    auth = new Authenticator({ keys, jwt, clock, log: createLogger('silent') });
    expect([(await refusalOf({}))[0], await auth.isOpen(), await auth.isOpen()]).toEqual([401, false, false]);
    expect(keys.questions).toBe(0);
  });

  test('an identity provider that is away is logged once in ten seconds', async () => {
    const lines: string[] = [];
    const jwt = { keys: { jwksUrl: 'http://127.0.0.1:9/jwks' }, issuer: 'i', audience: 'a' };
    auth = new Authenticator({ keys, jwt, clock, log: createLogger('info', { write: (line) => lines.push(line) }) });
    const token = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.e30.AA`;
    const askTwice = async () => [(await refusalOf(bearer(token)))[0], (await refusalOf(bearer(token)))[0]];
    expect([await askTwice(), lines.length]).toEqual([[503, 503], 1]);
    clock.ms += 10_000;
    expect([await askTwice(), lines.length]).toEqual([[503, 503], 2]);
  });

  test('it may listen on loopback only', () => {
    for (const host of ['127.0.0.1', 'localhost', '::1', '127.1.2.3']) expect(openModeRefusal(host)).toBeNull();
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', '::ffff:127.0.0.1']) {
      expect(openModeRefusal(host)).toContain('HOLDFAST_ADMIN_KEY');
    }
  });
});
