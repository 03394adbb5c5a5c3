import type { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import { Problem } from '../../kernel/problem.ts';
import { createLogger } from '../log/index.ts';
import { HandClock, MemoryKeys, MemorySessions } from './auth.fixture.ts';
import { Authenticator, generateApiKey, generateSessionToken, type Caller, type Scope } from './index.ts';

let clock: HandClock;
let keys: MemoryKeys;
let sessions: MemorySessions;
let auth: Authenticator;
beforeEach(() => {
  clock = new HandClock();
  keys = new MemoryKeys();
  sessions = new MemorySessions();
  auth = new Authenticator({ keys, sessions, jwt: null, clock, log: createLogger('silent') });
});

const OWN_PAGE = { host: 'stock.example', 'sec-fetch-site': 'same-origin', 'x-requested-with': 'dashboard' };

function requestWith(headers: Record<string, string>, method = 'GET'): IncomingMessage {
  const all = { ...OWN_PAGE, ...headers };
  return {
    headers: all,
    rawHeaders: Object.entries(all).flat(),
    method,
    socket: { remoteAddress: '10.0.0.1' },
  } as unknown as IncomingMessage;
}

const callerOf = (headers: Record<string, string>, method?: string): Promise<Caller> =>
  Promise.resolve().then(() => auth.authenticate(requestWith(headers, method)));

async function refusalOf(headers: Record<string, string>, method?: string): Promise<[number, string]> {
  const error: unknown = await callerOf(headers, method).catch((refusal: unknown) => refusal);
  if (!(error instanceof Problem)) throw new Error('it was let in');
  return [error.status, error.code];
}

function signIn(personId: string, scopes: Scope[] = ['stock'], livesMs = 3_600_000): Record<string, string> {
  const token = generateSessionToken();
  sessions.add(token, { id: `s-${personId}`, personId, name: 'Ada', scopes, expiresAtMs: clock.ms + livesMs });
  keys.everMade = true;
  auth.personCreated();
  return { cookie: `__Host-holdfast=${token}` };
}

const tokenIn = ({ cookie = '' }: Record<string, string>): string => cookie.slice('__Host-holdfast='.length);

describe('a session', () => {
  test('is its person, with what the person may do', async () => {
    const caller = await callerOf(signIn('p1'));
    expect(caller).toMatchObject({
      actor: 'user:p1',
      owner: 'user:p1',
      session: { id: 's-p1', personId: 'p1', name: 'Ada' },
    });
    expect([...caller.scopes].toSorted()).toEqual(['read', 'stock']);
  });

  test('is answered without waiting once it is known, and its use is noted once a minute', async () => {
    const cookie = signIn('p1');
    await callerOf(cookie);
    expect(auth.authenticate(requestWith(cookie))).not.toBeInstanceOf(Promise);
    clock.ms += 60_000;
    await callerOf(cookie);
    expect([sessions.lookups, sessions.touches]).toEqual([2, ['s-p1', 's-p1']]);
  });

  test('that has ended, expired or was never there is 401', async () => {
    const cookie = signIn('p1', ['read'], 1_000);
    await callerOf(cookie);
    clock.ms += 1_000;
    expect(await refusalOf(cookie)).toEqual([401, 'unauthorized']);
    expect(await refusalOf({ cookie: `__Host-holdfast=${generateSessionToken()}` })).toEqual([401, 'unauthorized']);
    expect(await refusalOf({})).toEqual([401, 'unauthorized']);
  });

  test('that ended here is refused at once, and elsewhere within a second', async () => {
    const [one, two] = [signIn('p1'), signIn('p2')];
    await Promise.all([callerOf(one), callerOf(two)]);
    sessions.remove(tokenIn(one));
    sessions.remove(tokenIn(two));
    auth.personChanged('p1');
    expect((await refusalOf(one))[0]).toBe(401);
    expect(await callerOf(two)).toBeDefined();
    clock.ms += 1_000;
    expect((await refusalOf(two))[0]).toBe(401);
  });

  test('of which another instance tells is looked up again', async () => {
    const cookie = signIn('p1');
    await callerOf(cookie);
    sessions.remove(tokenIn(cookie));
    auth.reconsider();
    expect((await refusalOf(cookie))[0]).toBe(401);
  });

  test('counts on its own pages only, for reading too', async () => {
    const cookie = signIn('p1');
    for (const site of ['cross-site', 'same-site']) {
      for (const method of ['GET', 'POST']) {
        expect(await refusalOf({ ...cookie, 'sec-fetch-site': site }, method)).toEqual([403, 'cross_origin_request']);
      }
    }
  });

  test('is passed by where a key is sent, valid or not', async () => {
    const cookie = signIn('p1');
    const { key, prefix } = generateApiKey();
    keys.add(key, { id: prefix, scopes: ['read'], expiresAtMs: null });
    const elsewhere = { 'sec-fetch-site': 'cross-site' };
    expect((await callerOf({ ...cookie, ...elsewhere, 'x-api-key': key }, 'POST')).actor).toBe(`key:${prefix}`);
    expect((await refusalOf({ ...cookie, 'x-api-key': 'hf_wrong000_x' }))[0]).toBe(401);
  });

  test('is no key, and a key is no session', async () => {
    const cookie = signIn('p1');
    expect((await refusalOf({ authorization: `Bearer ${tokenIn(cookie)}` }))[0]).toBe(401);
  });
});

test('a cookie of an earlier installation keeps nobody out of an open server', async () => {
  const stale = { cookie: `__Host-holdfast=${generateSessionToken()}`, host: 'localhost' };
  const request = requestWith(stale);
  Object.assign(request.socket, { remoteAddress: '127.0.0.1' });
  expect((await auth.authenticate(request)).actor).toBe('open');
});

test('without people cookies are passed by', async () => {
  const cookie = signIn('p1');
  auth = new Authenticator({ keys, jwt: null, clock, log: createLogger('silent') });
  expect((await refusalOf(cookie))[0]).toBe(401);
  expect(sessions.lookups).toBe(0);
});
