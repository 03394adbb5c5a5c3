import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../app.ts';
import { type DocumentedRoute, listRoutes, nameOf } from './routes.list.ts';
import { type Beginning, beginStream } from './stream.http.ts';
import { UNKNOWN_ID } from './valid.requests.ts';

/**
 * What every route asks for, by hand from API.md ("Auth"). A route that is not here, or no longer there, fails the first
 * test: nobody adds a route without deciding who may call it.
 */
const NEEDS: Record<string, string> = {
  'GET /health': 'nothing',
  'GET /health/live': 'nothing',
  'GET /health/ready': 'nothing',
  'GET /openapi.json': 'nothing',
  'GET /asyncapi.json': 'nothing',
  'GET /metrics': 'read',

  'POST /api/v1/products': 'admin',
  'POST /api/v1/products/batch': 'admin',
  'GET /api/v1/products': 'read',
  'GET /api/v1/products/{sku}': 'read',
  'PATCH /api/v1/products/{sku}': 'admin',
  'DELETE /api/v1/products/{sku}': 'admin',
  'POST /api/v1/locations': 'admin',
  'GET /api/v1/locations': 'read',
  'GET /api/v1/locations/{code}': 'read',
  'PATCH /api/v1/locations/{code}': 'admin',
  'DELETE /api/v1/locations/{code}': 'admin',

  'GET /api/v1/inventory': 'read',
  'GET /api/v1/inventory/{sku}': 'read',
  'GET /api/v1/inventory/{sku}/locations/{code}': 'read',
  'PATCH /api/v1/inventory/{sku}/locations/{code}': 'stock',
  'POST /api/v1/inventory/{sku}/adjust': 'stock',
  'POST /api/v1/adjustments': 'stock',
  'GET /api/v1/inventory/{sku}/ledger': 'read',
  'GET /api/v1/ledger': 'read',
  'GET /api/v1/summary': 'read',
  'POST /api/v1/availability': 'read',

  'POST /api/v1/inventory/{sku}/reserve': 'reserve',
  'POST /api/v1/inventory/{sku}/release': 'reserve',
  'POST /api/v1/reservations': 'reserve',
  'POST /api/v1/reservations/batch': 'reserve',
  'GET /api/v1/reservations': 'read',
  'GET /api/v1/reservations/{id}': 'read',
  'POST /api/v1/reservations/{id}/confirm': 'reserve',
  'POST /api/v1/reservations/{id}/ship': 'reserve',
  'PUT /api/v1/reservations/{id}/lines': 'reserve',
  'POST /api/v1/reservations/{id}/cancel': 'reserve',
  'POST /api/v1/reservations/{id}/extend': 'reserve',

  'POST /api/v1/transfers': 'stock',
  'GET /api/v1/transfers': 'read',
  'GET /api/v1/transfers/{id}': 'read',

  'GET /api/v1/alerts': 'read',
  'GET /api/v1/alerts/{id}': 'read',
  'POST /api/v1/alerts/{id}/acknowledge': 'stock',
  'POST /api/v1/alerts/acknowledge': 'stock',

  'POST /api/v1/api-keys': 'admin',
  'GET /api/v1/api-keys': 'admin',
  'DELETE /api/v1/api-keys/{id}': 'admin',
  'GET /api/v1/audit': 'admin',

  'POST /api/v1/webhooks': 'admin',
  'GET /api/v1/webhooks': 'admin',
  'GET /api/v1/webhooks/{id}': 'admin',
  'PATCH /api/v1/webhooks/{id}': 'admin',
  'DELETE /api/v1/webhooks/{id}': 'admin',
  'POST /api/v1/webhooks/{id}/enable': 'admin',
  'POST /api/v1/webhooks/{id}/rotate-secret': 'admin',
  'POST /api/v1/webhooks/{id}/test': 'admin',
  'POST /api/v1/webhooks/{id}/replay': 'admin',
  'GET /api/v1/webhooks/{id}/deliveries': 'admin',
  'GET /api/v1/webhooks/{id}/status': 'admin',

  'GET /api/v1/session': 'nothing',
  'POST /api/v1/session': 'nothing',
  'DELETE /api/v1/session': 'nothing',
  'GET /api/v1/sessions': 'anything',
  'DELETE /api/v1/sessions/{id}': 'anything',
  'POST /api/v1/people': 'admin',
  'GET /api/v1/people': 'admin',
  'GET /api/v1/people/{id}': 'admin',
  'PATCH /api/v1/people/{id}': 'admin',
  'DELETE /api/v1/people/{id}': 'admin',
  'POST /api/v1/people/{id}/password': 'anything',
  'GET /api/v1/settings': 'read',
  'GET /api/v1/actors': 'read',

  'GET /api/v1/events': 'read',
  'GET /api/v1/events/stream': 'read',
  'GET /api/v1/ws': 'read',
  'GET /api/v1/instances': 'admin',

  'POST /api/v1/rate-limits': 'admin',
  'GET /api/v1/rate-limits': 'read',
  'GET /api/v1/rate-limits/{id}': 'read',
  'PATCH /api/v1/rate-limits/{id}': 'admin',
  'DELETE /api/v1/rate-limits/{id}': 'admin',
  'GET /api/v1/rate-limits/{id}/status': 'read',
  'GET /api/v1/rate-limits/stats': 'read',
  'POST /api/v1/rate-limits/dry-run': 'admin',
  'POST /api/v1/rate-limits/check': 'limit',
  'POST /api/v1/rate-limits/check/batch': 'limit',
  'GET /api/v1/rate-limit-tiers': 'read',
  'PUT /api/v1/rate-limit-tiers/{tier}': 'admin',

  'POST /api/v1/jobs': 'admin',
  'GET /api/v1/jobs': 'admin',
  'GET /api/v1/jobs/{id}': 'admin',
  'PATCH /api/v1/jobs/{id}': 'admin',
  'DELETE /api/v1/jobs/{id}': 'admin',
  'GET /api/v1/jobs/types': 'admin',
  'GET /api/v1/jobs/stats': 'admin',
  'GET /api/v1/jobs/graph': 'admin',
  'GET /api/v1/jobs/upcoming': 'admin',
  'POST /api/v1/jobs/schedule-preview': 'admin',
  'POST /api/v1/jobs/{id}/run': 'admin',
  'GET /api/v1/jobs/{id}/history': 'admin',
  'GET /api/v1/runs': 'admin',
  'GET /api/v1/runs/{id}': 'admin',
  'GET /api/v1/runs/{id}/log': 'admin',
  'GET /api/v1/runs/{id}/files/{name}': 'admin',
  'POST /api/v1/runs/redrive': 'admin',
  'POST /api/v1/runs/{id}/cancel': 'admin',
  'POST /api/v1/runs/{id}/redrive': 'admin',
  'POST /api/v1/runs/{id}/release': 'admin',
};

/** Which scopes have another in them: "`reserve` and `stock`, each with `read` in it; `admin` (everything)". */
const GIVES: Record<string, readonly string[]> = {
  read: ['read'],
  reserve: ['reserve', 'read'],
  stock: ['stock', 'read'],
  ingest: ['ingest'],
  notify: ['notify'],
  files: ['files'],
  limit: ['limit'],
  admin: ['admin', 'read', 'reserve', 'stock', 'ingest', 'notify', 'files', 'limit'],
};

const SECRET = 'a secret of at least thirty-two bytes, for tests';
const ISSUER = 'https://identity.example';
const AUDIENCE = 'holdfast';

let app: TestApp;
/** Where it listens, for what streams. */
let port: number;
let routes: DocumentedRoute[];
/** Each credential, and what it may do; null: it is no credential. */
let credentials: { name: string; headers: Record<string, string>; scopes: readonly string[] | null }[];

const base64 = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

function token(claims: object, { secret = SECRET, header = { alg: 'HS256', typ: 'JWT' } } = {}): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', iat: nowSeconds, exp: nowSeconds + 600, ...claims };
  const signed = `${base64(header)}.${base64(all)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const bearer = (credential: string): Record<string, string> => ({ authorization: `Bearer ${credential}` });

beforeAll(async () => {
  app = await startTestApp({
    env: { HOLDFAST_JWT_SECRET: SECRET, HOLDFAST_JWT_ISSUER: ISSUER, HOLDFAST_JWT_AUDIENCE: AUDIENCE },
  });
  await app.app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.app.server.address() as AddressInfo).port;
  routes = await listRoutes(app.app);
  const admin = bearer(token({ scope: 'admin' }));
  const make = async (scopes: string[], expiresAt: string | null = null): Promise<{ id: string; key: string }> => {
    const payload = { name: scopes.join(' '), scopes, expiresAt };
    const made = await app.app.inject({ method: 'POST', url: '/api/v1/api-keys', headers: admin, payload });
    if (made.statusCode !== 201) throw new Error(made.body);
    return made.json();
  };
  await make(['admin']);
  const expiring = await make(['admin'], '2999-01-01T00:00:00Z');
  const revoked = await make(['admin']);
  // Used before it is revoked: what was remembered must be forgotten at once.
  const used = await app.app.inject({ url: '/api/v1/products', headers: bearer(revoked.key) });
  if (used.statusCode !== 200) throw new Error(used.body);
  await app.app.inject({ method: 'DELETE', url: `/api/v1/api-keys/${revoked.id}`, headers: admin });
  const keys = await Promise.all(Object.keys(GIVES).map(async (scope) => ({ scope, key: (await make([scope])).key })));
  const minuteAgo = Math.floor(Date.now() / 1000) - 60;
  const strangers: Record<string, string> = {
    'a key that was never made': `${expiring.key.slice(0, -4)}aaaa`,
    'an expired key': expiring.key,
    'a revoked key': revoked.key,
    'an expired token': token({ scope: 'admin', exp: minuteAgo }),
    'a token that is not valid yet': token({ scope: 'admin', nbf: minuteAgo + 600 }),
    "another issuer's token": token({ scope: 'admin', iss: 'https://elsewhere.example' }),
    'a token for another audience': token({ scope: 'admin', aud: 'elsewhere' }),
    'a token signed by another': token({ scope: 'admin' }, { secret: 'another secret of at least thirty-two bytes!' }),
    'an unsigned token': `${base64({ alg: 'none' })}.${base64({ iss: ISSUER, aud: AUDIENCE, sub: 'ada', scope: 'admin' })}.`,
    'a token with a changed payload': swapPayload(token({ scope: 'read' }), token({ scope: 'admin' })),
    'a token without expiry': token({ scope: 'admin', exp: undefined }),
  };
  credentials = [
    { name: 'no credential', headers: {}, scopes: null },
    { name: 'an empty credential', headers: { authorization: 'Bearer ' }, scopes: null },
    { name: 'another scheme', headers: { authorization: `Basic ${base64('admin:admin')}` }, scopes: null },
    ...Object.entries(strangers).map(([name, credential]) => ({ name, headers: bearer(credential), scopes: null })),
    ...keys.map(({ scope, key }) => ({ name: `a key for ${scope}`, headers: bearer(key), scopes: GIVES[scope] ?? [] })),
    ...keys.map(({ scope, key }) => ({
      name: `a key for ${scope} in X-Api-Key`,
      headers: { 'x-api-key': key },
      scopes: GIVES[scope] ?? [],
    })),
    ...Object.entries(GIVES).map(([scope, scopes]) => ({
      name: `a token for ${scope}`,
      headers: bearer(token({ scope })),
      scopes,
    })),
    { name: 'a token for nothing', headers: bearer(token({})), scopes: [] },
    { name: 'a token for something else', headers: bearer(token({ scope: 'openid profile' })), scopes: [] },
    { name: 'a token for two', headers: bearer(token({ scope: 'stock limit' })), scopes: ['stock', 'read', 'limit'] },
  ];
  // It was not used yet: nobody remembers it.
  await app.database.pool.query('UPDATE api_key SET expires_at = clock_timestamp() WHERE id = $1', [expiring.id]);
});

afterAll(() => app.close());

function swapPayload(signed: string, other: string): string {
  const [header, , signature] = signed.split('.');
  return `${header}.${other.split('.')[1]}.${signature}`;
}

test('every route is in the table, and every line of the table is a route', () => {
  expect(routes.map(nameOf).sort()).toEqual(Object.keys(NEEDS).sort());
});

/** Without a body: who is let in is told that something is missing, and changes nothing. */
async function ask({ method, path, streams }: DocumentedRoute, headers: Record<string, string>): Promise<Beginning> {
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'id' ? UNKNOWN_ID : 'none'));
  if (streams !== null) return beginStream(port, { path: url, headers, upgrades: streams === 'socket' });
  const answer = await app.app.inject({ method: method as 'GET', url, headers });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body };
}

/** What a route that needs this says to somebody with these scopes. */
function expectedOf(needs: string, scopes: readonly string[] | null): string {
  if (needs === 'nothing') return 'let in';
  if (scopes === null) return 'unauthorized';
  return needs === 'anything' || scopes.includes(needs) ? 'let in' : 'forbidden';
}

function judge({ status, headers, text }: Beginning): string {
  if (status !== 401 && status !== 403) return status >= 500 ? `failed with ${status}` : 'let in';
  const { code } = JSON.parse(text) as { code: string };
  const challenge = headers['www-authenticate'];
  if (headers['content-type'] !== 'application/problem+json') return 'not a problem document';
  if (status === 401 && (typeof challenge !== 'string' || !challenge.startsWith('Bearer'))) return 'no challenge';
  if ((status === 401) !== (code === 'unauthorized')) return `${status} ${code}`;
  return code;
}

async function wrongOf(asked: readonly DocumentedRoute[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const route of asked) {
    for (const { name, headers, scopes } of credentials) {
      const heard = judge(await ask(route, headers));
      const expected = expectedOf(NEEDS[nameOf(route)] ?? 'admin', scopes);
      if (heard !== expected) wrong.push(`${nameOf(route)} with ${name}: ${heard}, not ${expected}`);
    }
  }
  return wrong;
}

test('every route answers every credential as its scope says', async () => {
  expect(await wrongOf(routes.filter(({ streams }) => streams === null))).toEqual([]);
}, 180_000);

test('what streams says who may not listen before it begins, and begins for who may', async () => {
  const live = routes.filter(({ streams }) => streams !== null);
  expect(live.map(nameOf).sort()).toEqual(['GET /api/v1/events/stream', 'GET /api/v1/ws']);
  expect(await wrongOf(live)).toEqual([]);
  const reader = credentials.find(({ scopes }) => scopes?.includes('read') === true);
  const begun = await Promise.all(
    live.map(async (route) => [route.streams, (await ask(route, reader?.headers ?? {})).status]),
  );
  expect(Object.fromEntries(begun)).toEqual({ events: 200, socket: 101 });
});

test('the pages for people need no key', async () => {
  for (const url of ['/docs', '/docs/']) {
    const answer = await app.app.inject({ url });
    expect([200, 301, 302]).toContain(answer.statusCode);
  }
});
