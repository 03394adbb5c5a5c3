import { SignJWT } from 'jose';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { followEvents } from '../../../../client/src/index.ts';
import { startTestApp } from '../../../test/app.ts';
import {
  isOpen,
  openSocket,
  readStream,
  startLiveApp,
  type LiveApp,
  type Reader,
  type Socket,
} from './live.fixture.ts';

const ADMIN = 'admin-key-of-the-tests';
const SECRET = 'a secret of thirty-two bytes or more';
const JWT = { HOLDFAST_JWT_SECRET: SECRET, HOLDFAST_JWT_ISSUER: 'tests', HOLDFAST_JWT_AUDIENCE: 'holdfast' };

let one: LiveApp;
let other: LiveApp;
const open: { close(): void }[] = [];

beforeAll(async () => {
  const { ensureAdminKey } = await import('../api-keys/index.ts');
  const env = { ...JWT, CORS_ORIGIN: 'https://shop.example' };
  one = await startLiveApp({ env, key: ADMIN });
  await ensureAdminKey(one.database, ADMIN);
  other = await startLiveApp({ env, key: ADMIN, connection: one.connection });
  await one.call('POST', '/locations', { code: 'WH', name: 'Hall', type: 'warehouse' });
  await one.makeProduct('A');
});
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});
afterAll(async () => {
  await other.close();
  await one.close();
});

function read(app: LiveApp, key: string, query = ''): Reader {
  const reader = readStream(app.url, { query, key });
  open.push(reader);
  return reader;
}

async function socketOf(app: LiveApp, key: string): Promise<Socket> {
  const socket = await openSocket(app.url, { headers: { authorization: `Bearer ${key}` } });
  open.push(socket);
  return socket;
}

async function makeKey(scopes: string[], expiresAt?: string): Promise<{ id: string; key: string }> {
  const body = { name: 'a reader', scopes, ...(expiresAt === undefined ? {} : { expiresAt }) };
  return (await one.call('POST', '/api-keys', body)) as { id: string; key: string };
}

async function tokenUntil(expiresAtMs: number): Promise<string> {
  return new SignJWT({ scope: 'read' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('tests')
    .setAudience('holdfast')
    .setSubject('ada')
    .setExpirationTime(Math.floor(expiresAtMs / 1_000))
    .sign(new TextEncoder().encode(SECRET));
}

/** How long it takes until both say that they ended. */
async function endOf(reader: Reader, socket: Socket): Promise<number> {
  const beganMs = performance.now();
  await expect.poll(() => reader.ends, { timeout: 9_000 }).toHaveLength(1);
  await socket.closed;
  return performance.now() - beganMs;
}

describe('who may listen', () => {
  it.each([
    ['no key', undefined, 401],
    ['a key that does not exist', 'hf_nobody', 401],
  ])('not %s', async (_name, key, status) => {
    const headers: Record<string, string> = key === undefined ? {} : { 'x-api-key': key };
    const answer = await fetch(`${one.url}/api/v1/events/stream`, { headers });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
    await expect(openSocket(one.url, { headers })).rejects.toThrow(String(status));
  });

  it('not a key without the scope read', async () => {
    const { key } = await makeKey(['ingest']);
    const reader = read(one, key);
    await expect.poll(() => reader.refusals).toEqual([403]);
    await expect(socketOf(one, key)).rejects.toThrow('403');
  });

  it('a browser names its key as a subprotocol, and is not answered with it', async () => {
    const { key } = await makeKey(['read']);
    const bearer = `holdfast.bearer.${Buffer.from(key).toString('base64url')}`;
    for (const origin of [one.url, 'https://shop.example']) {
      const socket = await openSocket(one.url, { protocols: ['holdfast', bearer], origin });
      expect(socket.ws.protocol).toBe('holdfast');
      socket.close();
    }
    const wrong = `holdfast.bearer.${Buffer.from('hf_nobody').toString('base64url')}`;
    await expect(openSocket(one.url, { protocols: ['holdfast', wrong] })).rejects.toThrow('401');
    const elsewhere = { protocols: ['holdfast', bearer], origin: 'https://evil.example' };
    await expect(openSocket(one.url, elsewhere)).rejects.toThrow('403');
  });
});

describe('who may listen no longer', () => {
  it.each([
    ['where it was revoked', () => one],
    ['on another instance', () => other],
  ])('a revoked key ends its connections within a second, %s', async (_name, app) => {
    const { id, key } = await makeKey(['read']);
    const [reader, socket] = [read(app(), key), await socketOf(app(), key)];
    await isOpen(reader);
    await one.call('DELETE', `/api-keys/${id}`);
    expect(await endOf(reader, socket)).toBeLessThan(1_000);
    expect(reader.ends).toMatchObject([{ code: 'unauthorized' }]);
    expect(await socket.closed).toEqual({ code: 1008, reason: 'unauthorized' });
    expect(socket.messages).toMatchObject([{ type: 'error', code: 'unauthorized' }]);
    // It comes back and is told why it is not let in; an EventSource then gives up.
    await expect.poll(() => reader.refusals, { timeout: 6_000 }).toContain(401);
  });

  /** For the server it is then, at once: opening connections takes as long as it takes. */
  function setClock(atMs: number): void {
    vi.useFakeTimers({ toFake: ['Date'], now: atMs });
    onTestFinished(() => void vi.useRealTimers());
  }

  it('so does a key that expires', async () => {
    const expiresAtMs = Date.now() + 3_600_000;
    const { key } = await makeKey(['read'], new Date(expiresAtMs).toISOString());
    const [reader, socket] = [read(one, key), await socketOf(one, key)];
    await isOpen(reader);
    expect(reader.ends).toEqual([]);
    setClock(expiresAtMs);
    expect(await endOf(reader, socket)).toBeLessThan(1_000);
  });

  it('so does a token', async () => {
    const expiresAtMs = Date.now() + 3_600_000;
    const token = await tokenUntil(expiresAtMs);
    const [reader, socket] = [read(one, token), await socketOf(one, token)];
    await isOpen(reader);
    // Up to 5 s after it, for clocks that differ.
    setClock(expiresAtMs + 5_000);
    expect(await endOf(reader, socket)).toBeLessThan(1_000);
  });
});

describe('a session', () => {
  it('opens both by its cookie, on its own pages alone, and ends them when it ends', async () => {
    const person = { login: 'ada', name: 'Ada', password: 'three tired herons by the canal', scopes: ['read'] };
    await one.call('POST', '/people', person);
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
    const signedIn = await fetch(`${one.url}/api/v1/session`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ login: person.login, password: person.password }),
    });
    const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';');
    const answer = await fetch(`${one.url}/api/v1/events/stream`, { headers: { cookie } });
    let text = '';
    const ended = answer.body?.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({
        write: (chunk) => {
          text += chunk;
        },
      }),
    );
    const socket = await openSocket(one.url, { headers: { cookie }, origin: one.url });
    for (const origin of ['https://shop.example', 'https://evil.example']) {
      await expect(openSocket(one.url, { headers: { cookie }, origin })).rejects.toThrow('403');
    }
    const beganMs = performance.now();
    const signedOut = await fetch(`${one.url}/api/v1/session`, { method: 'DELETE', headers: { ...headers, cookie } });
    expect([answer.status, signedOut.status]).toEqual([200, 204]);
    await Promise.all([ended, socket.closed]);
    expect(performance.now() - beganMs).toBeLessThan(1_000);
    expect(text).toContain('event: error\ndata: {"code":"unauthorized"');
    expect(await socket.closed).toEqual({ code: 1008, reason: 'unauthorized' });
  });
});

describe('a position that is kept no longer', () => {
  it('is refused before the stream begins', async () => {
    const owner = new pg.Client(one.connection);
    await owner.connect();
    await owner.query(
      `UPDATE event_batch SET at = at - interval '200 hours'
       WHERE position <= (SELECT position FROM event_batch ORDER BY position OFFSET 2 LIMIT 1)`,
    );
    await owner.end();
    await one.server.events.retention.runOnce();
    const gone = await fetch(`${one.url}/api/v1/events/stream?after=0`, { headers: { 'x-api-key': ADMIN } });
    expect(gone.status).toBe(410);
    const { earliest, ...problem } = (await gone.json()) as { earliest: number };
    expect(problem).toMatchObject({ code: 'position_gone' });
    const reader = read(one, ADMIN, `?after=${earliest}`);
    await isOpen(reader);
    const socket = await socketOf(one, ADMIN);
    socket.send({ type: 'subscribe', after: 0 });
    socket.send({ type: 'ping' });
    await expect
      .poll(() => socket.messages)
      .toMatchObject([{ type: 'error', code: 'position_gone' }, { type: 'pong' }]);
  });
});

describe('a position that was never given', () => {
  it('is refused, as one of another database: whoever waited for it would be told nothing', async () => {
    // Somebody follows, so that the newest events are at hand.
    const follower = await socketOf(one, ADMIN);
    follower.send({ type: 'subscribe' });
    await expect.poll(() => follower.messages).toHaveLength(1);
    const head = await one.server.events.feed.now();
    const unknown = head + 1;
    const headers = { 'x-api-key': ADMIN };
    const detail = `The stream ends at position ${head}, and ${unknown} was asked for, which it never gave. Read the present state anew, then follow the stream from now on.`;
    for (const app of [one, other]) {
      const stream = await app.app.inject({
        url: '/api/v1/events/stream',
        headers: { ...headers, 'last-event-id': String(unknown) },
      });
      expect([stream.statusCode, stream.json()]).toMatchObject([410, { code: 'position_gone', detail }]);
      const list = await app.app.inject({ url: `/api/v1/events?after=${unknown}`, headers });
      expect([list.statusCode, list.json()]).toMatchObject([410, { code: 'position_gone', detail }]);
      const socket = await socketOf(app, ADMIN);
      socket.send({ type: 'subscribe', after: unknown });
      await expect.poll(() => socket.messages).toEqual([{ type: 'error', code: 'position_gone', detail }]);
    }
    expect(await other.call('GET', `/events?after=${head}`)).toEqual({ items: [], nextCursor: null, position: head });
  });
});

describe('an instance that stops', () => {
  it('ends its streams at once, says when to come back, and a reader goes on elsewhere without a gap', async () => {
    const third = await startLiveApp({ env: JWT, key: ADMIN, connection: one.connection });
    const seen: unknown[] = [];
    const port = Number(new URL(third.url).port);
    const controller = new AbortController();
    const states: string[] = [];
    const following = (async () => {
      const options = { baseUrl: third.url, key: ADMIN, topics: ['product:A'], signal: controller.signal };
      for await (const { data } of followEvents({ ...options, onState: ({ is }) => states.push(is) })) seen.push(data);
    })();
    const socket = await socketOf(third, ADMIN);
    await expect.poll(() => states).toContain('open');
    await one.add('A');
    await expect.poll(() => seen.length).toBe(1);
    const beganMs = performance.now();
    await third.close();
    expect(performance.now() - beganMs).toBeLessThan(3_000);
    expect(await socket.closed).toEqual({ code: 1012, reason: 'shutting_down' });
    await one.add('A');
    await other.add('A');
    const fourth = await startTestApp({ env: JWT, duties: true, connection: one.connection });
    await fourth.app.listen({ port, host: '127.0.0.1' });
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(3);
    expect(seen).toEqual((await one.ledgerOf('A')).slice(-3));
    controller.abort();
    await following;
    await fourth.close();
  }, 40_000);
});
