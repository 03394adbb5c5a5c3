import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { Problem, problems, type ProblemKind } from '../../kernel/problem.ts';
import { Authenticator, expandScopes, hashApiKey, type KeyStore } from '../auth/index.ts';
import { createLogger } from '../log/index.ts';
import { echoServer, exchange, listen } from './http.fixture.ts';
import { openApiDocument, type Caller, type HttpServer } from './index.ts';
import { Refusal } from './refusal.schema.ts';

/** More than a socket takes at once. */
const LARGE = 16_000_000;
const ID = '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b';
const ORDER = { lines: [{ sku: 'SKU-1', quantity: 1 }] };

let app: HttpServer;
let port: number;
beforeAll(async () => {
  app = await echoServer();
  port = await listen(app);
});
afterAll(() => app.close());

function order(headers: Record<string, string>, payload: object = ORDER, url = '/api/v1/orders/WH001') {
  return app.inject({ method: 'POST', url, payload, headers });
}

describe('routes', () => {
  test('an unknown path is 404', async () => {
    const answer = await app.inject('/api/v1/nope?x=1');
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toEqual({
      type: 'urn:holdfast:problem:route_not_found',
      title: 'There is no such route',
      status: 404,
      detail: 'There is no GET /api/v1/nope: look routes up in /openapi.json.',
      code: 'route_not_found',
      instance: `urn:holdfast:request:${String(answer.headers['x-request-id'])}`,
    });
  });

  test.each([
    ['PATCH', '/api/v1/orders', 'GET, HEAD, OPTIONS'],
    ['GET', `/api/v1/orders/${ID}`, 'POST, DELETE, OPTIONS'],
    ['DELETE', '/health', 'GET, HEAD, OPTIONS'],
  ] as const)('%s %s is 405 and says what is allowed', async (method, url, allow) => {
    const answer = await app.inject({ method, url });
    expect([answer.statusCode, answer.json().code, answer.headers.allow]).toEqual([405, 'method_not_allowed', allow]);
  });

  test('a 405 wins over a wrong body', async () => {
    const answer = await app.inject({
      method: 'PUT',
      url: '/api/v1/orders',
      payload: 'x',
      headers: { 'content-type': 'text/x' },
    });
    expect(answer.statusCode).toBe(405);
  });

  test('OPTIONS says what is allowed, HEAD answers as GET without a body', async () => {
    const options = await app.inject({ method: 'OPTIONS', url: '/api/v1/orders' });
    expect([options.statusCode, options.headers.allow, options.body]).toEqual([204, 'GET, HEAD, OPTIONS', '']);
    const head = await exchange(port, 'HEAD /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head.endsWith('\r\n\r\n')).toBe(true);
  });

  test('one without a scope does not start', async () => {
    const undeclared = echoServer({
      routes: (scope) => {
        scope.route({ method: 'GET', url: '/undeclared', handler: () => 1 });
      },
    });
    await expect(undeclared).rejects.toThrow('GET /api/v1/undeclared has no config.scope');
  });

  test('what a handler throws by mistake is a bare 500', async () => {
    const answer = await app.inject('/api/v1/broken');
    expect(answer.statusCode).toBe(500);
    expect(answer.json().code).toBe('internal_error');
    expect(answer.body).not.toContain('secret_table');
  });

  test('an answer that does not fit its schema is found by tests', async () => {
    const lying = await echoServer({
      routes: (scope) => {
        const schema = { response: { 200: { type: 'object', properties: {}, additionalProperties: false } } };
        scope.route({ method: 'GET', url: '/lie', config: { scope: 'public' }, schema, handler: () => ({ more: 1 }) });
      },
    });
    expect((await lying.inject('/api/v1/lie')).statusCode).toBe(500);
    await lying.close();
  });
});

describe('headers', () => {
  test('every answer is marked as data that nobody keeps, frames or sniffs', async () => {
    for (const url of ['/api/v1/orders', '/api/v1/nope', '/api/v1/orders?x=1', '/health']) {
      expect((await app.inject(url)).headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      });
    }
  });

  test('X-Request-Id is taken when it is sane, else made, and shown in errors too', async () => {
    const answerTo = (id: string) => app.inject({ url: '/api/v1/nope', headers: { 'x-request-id': id } });
    const taken = await answerTo('abc-123');
    expect(taken.headers['x-request-id']).toBe('abc-123');
    expect(taken.json().instance).toBe('urn:holdfast:request:abc-123');
    for (const id of ['', 'a b', 'a\u00e9', 'x'.repeat(129)]) {
      const made = (await answerTo(id)).headers['x-request-id'];
      expect(made).toMatch(/^[\w-]{12}-[0-9a-z]+$/);
    }
  });

  test.each(['k', 'x'.repeat(255), '~!@#$%^&*()'])('Idempotency-Key %s', async (key) => {
    const answer = await order({ 'idempotency-key': key });
    expect(answer.json().meta).toMatchObject({ actor: 'open', idempotency: { owner: 'open', key } });
  });

  test.each(['', ' ', 'a b', 'x'.repeat(256), 'é', '\t'])('Idempotency-Key %j is refused', async (key) => {
    const answer = await order({ 'idempotency-key': key });
    const errors = [{ path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters, given once' }];
    expect(answer.json()).toMatchObject({ status: 400, code: 'validation_failed', errors });
  });

  test('Idempotency-Key twice is refused', async () => {
    const head = 'POST /api/v1/orders/A HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n';
    const answer = await exchange(port, `${head}Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('the same request has the same digest, however it is written', async () => {
    const hashOf = async (payload: string, url: string, method: 'POST' = 'POST') => {
      const headers = { 'idempotency-key': 'k', 'content-type': 'application/json' };
      return (await app.inject({ method, url, payload, headers })).json().meta.idempotency.requestHash;
    };
    const written = await hashOf('{"lines":[{"sku":"A","quantity":1}],"type":"cart"}', '/api/v1/orders/A-1?dry=true');
    expect(written).toMatch(/^[0-9a-f]{64}$/);
    expect(
      await hashOf(' {"type":"cart","lines":[{"quantity":1.0,"sku":"\\u0041"}]}', '/api/v1/orders/A%2D1?dry=true'),
    ).toBe(written);
    expect(await hashOf('{"lines":[{"sku":"A","quantity":2}],"type":"cart"}', '/api/v1/orders/A-1?dry=true')).not.toBe(
      written,
    );
    expect(await hashOf('{"lines":[{"sku":"A","quantity":1}],"type":"cart"}', '/api/v1/orders/A-1?dry=false')).not.toBe(
      written,
    );
    expect(await hashOf('{"lines":[{"sku":"A","quantity":1}],"type":"cart"}', '/api/v1/orders/A-2?dry=true')).not.toBe(
      written,
    );
  });

  test('a stored answer is marked as replayed and keeps Location and ETag', async () => {
    const first = await order({});
    expect(first.headers).toMatchObject({ location: '/orders/1', etag: '"1"' });
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    const again = await order({ 'x-replay': '1' });
    expect(again.headers).toMatchObject({ location: '/orders/1', etag: '"1"', 'idempotency-replayed': 'true' });
  });

  test.each([
    ['"3"', [3]],
    ['W/"3"', [3]],
    [' "0" ', [0]],
    ['"3", "4"', [3, 4]],
    ['"3", "abc"', [3]],
    ['"abc"', []],
    ['"1.5"', []],
    ['*', null],
  ])('If-Match %s is version %s', async (ifMatch, versions) => {
    const answer = await app.inject({
      method: 'POST',
      url: `/api/v1/orders/${ID}/confirm`,
      headers: { 'if-match': ifMatch },
    });
    expect(answer.json().ifMatch).toEqual(versions);
  });

  test.each(['3', '"3', '', '"3",'])('If-Match %j is 400', async (ifMatch) => {
    const answer = await app.inject({
      method: 'POST',
      url: `/api/v1/orders/${ID}/confirm`,
      headers: { 'if-match': ifMatch },
    });
    expect(answer.statusCode).toBe(400);
  });
});

describe('what is hardly HTTP', () => {
  test('too many headers are 431', async () => {
    const answer = await exchange(
      port,
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    expect(answer).toContain('Content-Type: application/problem+json');
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 431, code: 'headers_too_large' });
  });

  test.each(['GARBAGE\r\n\r\n', 'GET /health HTTP/9.9\r\n\r\n', 'GET /health HTTP/1.1\r\nBad Header: 1\r\n\r\n'])(
    '%j is 400',
    async (bytes) => {
      const answer = await exchange(port, bytes);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 400, code: 'validation_failed' });
    },
  );

  test('a body that never comes is 408', async () => {
    const slow = await echoServer({ config: { requestTimeoutMs: 300, headersTimeoutMs: 300 } });
    const slowPort = await listen(slow);
    const answer = await exchange(
      slowPort,
      'POST /api/v1/orders/A HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"request_timeout"');
    await slow.close();
  });

  test('two Hosts are 400', async () => {
    const answer = await exchange(port, 'GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n');
    expect(answer).toContain('HTTP/1.1 400');
    expect(answer).toContain('Host must be given once');
  });

  test('no Host is 400', async () => {
    const answer = await exchange(port, 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/problem+json');
    // HTTP/1.0 knew none.
    expect(await exchange(port, 'GET /health HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a target in absolute form, an asterisk and an unknown method are answered', async () => {
    const close = 'Host: localhost\r\nConnection: close\r\n\r\n';
    expect(await exchange(port, `GET http://localhost/health HTTP/1.1\r\n${close}`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await exchange(port, `OPTIONS * HTTP/1.1\r\n${close}`)).toMatch(/^HTTP\/1\.1 [24]0\d /);
    for (const method of ['PROPFIND', 'QUERY']) {
      const answer = await exchange(port, `${method} /health HTTP/1.1\r\n${close}`);
      expect(answer).toMatch(/^HTTP\/1\.1 405 /);
      expect(answer).toContain('allow: GET, HEAD, OPTIONS');
    }
  });

  test('an expectation that nobody knows is passed over', async () => {
    const close = 'Host: localhost\r\nExpect: miracles\r\nConnection: close\r\n\r\n';
    expect(await exchange(port, `GET /health HTTP/1.1\r\n${close}`)).toMatch(/^HTTP\/1\.1 200 /);
    const refused = await exchange(port, `GET /api/v1/nope HTTP/1.1\r\n${close}`);
    expect(refused).toMatch(/^HTTP\/1\.1 404 /);
    expect(refused).toContain('application/problem+json');
  });

  test('a body over the limit is answered before it was sent, and the answer arrives', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
      const request = httpRequest(
        { port, host: '127.0.0.1', method: 'POST', path: '/api/v1/orders/A', headers },
        (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode));
        },
      );
      request.on('error', reject);
      for (let mebibyte = 0; mebibyte < 8; mebibyte += 1) request.write(Buffer.alloc(1_048_576, 0x20));
      request.end();
    });
    expect(status).toBe(413);
  });
});

describe('health', () => {
  test('says what it is, and 503 with its reasons until it is ready', async () => {
    let ready = false;
    const starting = await echoServer({
      isReady: () => ({ ready, reasons: ready ? [] : ['The database is not reached.'] }),
    });
    const refused = await starting.inject('/health/ready');
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(refused.json()).toMatchObject({ code: 'not_ready', reasons: ['The database is not reached.'] });
    expect((await starting.inject('/health/live')).statusCode).toBe(200);
    ready = true;
    expect((await starting.inject('/health/ready')).json()).toEqual({ status: 'ok', version: '1.2.3' });
    expect((await starting.inject('/health')).statusCode).toBe(200);
    await starting.close();
  });

  test('metrics count answers by route', async () => {
    await app.inject('/api/v1/orders?limit=3');
    const { body, headers } = await app.inject('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(body).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/api\/v1\/orders",status="2xx"\} \d+/,
    );
  });
});

describe('load', () => {
  test('is shed with 503 when too much is under way, health excepted', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const busy = await echoServer({
      config: { inFlightMax: 1 },
      routes: (scope) => {
        scope.route({
          method: 'GET',
          url: '/held',
          config: { scope: 'read' },
          handler: async () => held.then(() => ({})),
        });
        scope.route({
          method: 'GET',
          url: '/never-shed',
          config: { scope: 'read', shed: false },
          handler: () => ({}),
        });
        scope.route({
          method: 'GET',
          url: '/stream',
          config: { scope: 'read', stream: true },
          handler: () => ({}),
        });
      },
    });
    // What lasts is not counted: neither when it begins nor when it ends.
    expect((await busy.inject('/api/v1/stream')).statusCode).toBe(200);
    const first = busy.inject('/api/v1/held');
    await new Promise((resolve) => setImmediate(resolve));
    const second = await busy.inject('/api/v1/held');
    expect([second.statusCode, second.json().code, second.headers['retry-after']]).toEqual([503, 'overloaded', '1']);
    expect((await busy.inject('/health/live')).statusCode).toBe(200);
    expect((await busy.inject('/api/v1/never-shed')).statusCode).toBe(200);
    release();
    expect((await first).statusCode).toBe(200);
    expect((await busy.inject('/api/v1/held')).statusCode).toBe(200);
    await busy.close();
  });
});

describe('clients that hang up', () => {
  test('before the body is whole, or before the answer, leave nothing behind', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let held1 = 0;
    const left = await echoServer({
      routes: (scope) => {
        scope.route({
          method: 'POST',
          url: '/held',
          config: { scope: 'read' },
          schema: { body: Type.Object({}, { additionalProperties: true }) },
          handler: async () => {
            held1 += 1;
            await held;
            return {};
          },
        });
      },
    });
    const leftPort = await listen(left);
    const inFlight = async () => /http_requests_in_flight (\d+)/.exec((await left.inject('/metrics')).body)?.[1];
    const head = 'POST /api/v1/held HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const partial = connect(leftPort, '127.0.0.1', () => partial.write(`${head}Content-Length: 9\r\n\r\n{`));
    const whole = connect(leftPort, '127.0.0.1', () => whole.write(`${head}Content-Length: 2\r\n\r\n{}`));
    // The third is the one that asks.
    await expect.poll(inFlight).toBe('3');
    await expect.poll(() => held1).toBe(1);
    partial.destroy();
    whole.destroy();
    await expect.poll(inFlight).toBe('2');
    release();
    await expect.poll(inFlight).toBe('1');
    await left.close();
  });
});

describe('who may call', () => {
  const known = new Map<string, Caller>([
    ['reader', { actor: 'key:1', owner: 'key:1', scopes: expandScopes(['read']) }],
    ['reserver', { actor: 'key:2', owner: 'key:2', scopes: expandScopes(['reserve']) }],
    ['ingester', { actor: 'key:3', owner: 'key:3', scopes: expandScopes(['ingest']) }],
    ['admin', { actor: 'key:4', owner: 'key:4', scopes: expandScopes(['admin']) }],
  ]);
  let guarded: HttpServer;
  beforeAll(async () => {
    const keys: KeyStore = {
      findByHash: async (hash) => {
        const key = [...known.keys()].find((one) => hashApiKey(one).equals(hash));
        const scopes = [...(known.get(key ?? '')?.scopes ?? [])];
        return Promise.resolve(key === undefined ? null : { id: key, scopes, expiresAtMs: null });
      },
      anyExists: () => Promise.resolve(true),
      touch: () => Promise.resolve(),
    };
    const authenticator = new Authenticator({ keys, jwt: null, clock: systemClock, log: createLogger('silent') });
    guarded = await echoServer({ authenticate: authenticator.authenticate });
  });
  afterAll(() => guarded.close());

  const cases: ['GET' | 'POST' | 'DELETE', string, Record<string, number>][] = [
    ['GET', '/api/v1/orders', { '': 401, wrong: 401, reader: 200, reserver: 200, ingester: 403, admin: 200 }],
    ['POST', '/api/v1/orders/A', { '': 401, wrong: 401, reader: 403, reserver: 201, ingester: 403, admin: 201 }],
    ['DELETE', `/api/v1/orders/${ID}`, { '': 401, wrong: 401, reader: 403, reserver: 403, ingester: 403, admin: 204 }],
    ['GET', '/metrics', { '': 401, wrong: 401, reader: 200, reserver: 200, ingester: 403, admin: 200 }],
    ['GET', '/health/ready', { '': 200, wrong: 200, reader: 200 }],
    ['GET', '/openapi.json', { '': 200, wrong: 200 }],
    ['GET', '/docs/', { '': 200, wrong: 200 }],
    ['GET', '/api/v1/nope', { '': 404, admin: 404 }],
  ];
  test.each(cases)('%s %s: %j', async (method, url, statuses) => {
    const payload = method === 'POST' ? { payload: ORDER } : {};
    for (const [key, status] of Object.entries(statuses)) {
      const headers = key === '' ? {} : { authorization: `Bearer ${key}` };
      const answer = await guarded.inject({ method, url, headers, ...payload });
      expect([key, answer.statusCode]).toEqual([key, status]);
    }
  });

  test('a refusal says what is needed', async () => {
    const none = await guarded.inject('/api/v1/orders');
    expect(none.headers['www-authenticate']).toBe('Bearer realm="holdfast"');
    expect(none.headers['x-request-id']).toBeDefined();
    const wrong = await guarded.inject({ url: '/api/v1/orders', headers: { 'x-api-key': 'wrong' } });
    expect(wrong.headers['www-authenticate']).toBe('Bearer realm="holdfast", error="invalid_token"');
    const short = await guarded.inject({ url: '/api/v1/orders', headers: { 'x-api-key': 'ingester' } });
    expect(short.headers['www-authenticate']).toContain('error="insufficient_scope", scope="read"');
    expect(short.json()).toMatchObject({ code: 'forbidden', detail: 'This needs the scope read; yours: ingest.' });
  });

  test('nobody without a key has a body read', async () => {
    const payload = '{'.repeat(100);
    const headers = { 'content-type': 'application/json' };
    expect((await guarded.inject({ method: 'POST', url: '/api/v1/orders/A', payload, headers })).statusCode).toBe(401);
  });
});

describe('closing', () => {
  test('what is under way finishes, its connection closes, and it takes no time', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const closing = await echoServer({
      routes: (scope) => {
        scope.route({
          method: 'GET',
          url: '/held',
          config: { scope: 'read' },
          handler: async () => held.then(() => ({ done: true })),
        });
        scope.route({
          method: 'GET',
          url: '/large',
          config: { scope: 'read' },
          handler: async () => ({ text: 'x'.repeat(LARGE) }),
        });
      },
    });
    const closingPort = await listen(closing);
    const answer = exchange(closingPort, 'GET /api/v1/held HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const idle = exchange(closingPort, 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    // One that a browser opened ahead, and one that is about to have sent a whole request.
    const silent = exchange(closingPort, '');
    const late = connect(closingPort, '127.0.0.1').setEncoding('utf8');
    late.write('GET /health/live HTTP/1.1\r\n');
    // One that reads slowly.
    const slow = connect(closingPort, '127.0.0.1');
    slow.write('GET /api/v1/large HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(slow, 'readable');
    await expect.poll(() => new Promise((resolve) => closing.server.getConnections((_e, n) => resolve(n)))).toBe(5);
    await expect.poll(async () => (await closing.inject('/metrics')).body).toContain('/health/live');
    const closed = closing.close();
    expect(await idle).toMatch(/^HTTP\/1\.1 200 /);
    expect(await silent).toBe('');
    late.write('Host: localhost\r\n\r\n');
    expect(String(await late.toArray())).toMatch(/^HTTP\/1\.1 200 /);
    expect(Buffer.concat(await slow.toArray()).length).toBeGreaterThan(LARGE);
    release();
    expect(await answer).toContain('{"done":true}');
    await closed;
  });
});

describe('cross-origin', () => {
  test('nobody, unless the operator says so', async () => {
    const headers = { origin: 'https://shop.example', 'access-control-request-method': 'POST' };
    const none = await app.inject({ method: 'OPTIONS', url: '/api/v1/orders', headers });
    expect(none.headers).not.toHaveProperty('access-control-allow-origin');
    const open = await echoServer({ config: { corsOrigins: ['https://shop.example'] } });
    const preflight = await open.inject({ method: 'OPTIONS', url: '/api/v1/orders', headers });
    expect(preflight.headers['access-control-allow-origin']).toBe('https://shop.example');
    const other = await open.inject({ url: '/api/v1/orders', headers: { origin: 'https://evil.example' } });
    expect(other.headers).not.toHaveProperty('access-control-allow-origin');
    // Who asks what is allowed, and not as a browser for a page, is told as everywhere.
    for (const asked of [{}, { origin: 'https://shop.example' }]) {
      const options = await open.inject({ method: 'OPTIONS', url: '/api/v1/orders', headers: asked });
      expect([options.statusCode, options.headers.allow, options.body]).toEqual([204, 'GET, HEAD, OPTIONS', '']);
    }
    const nowhere = await open.inject({ method: 'OPTIONS', url: '/api/v1/nowhere' });
    expect([nowhere.statusCode, nowhere.json().code]).toEqual([404, 'route_not_found']);
    await open.close();
  });
});

describe('the document', () => {
  test('shows every route, its scope, its errors and an example', async () => {
    const document = openApiDocument(app) as { paths: Record<string, Record<string, Record<string, unknown>>> };
    const create = document.paths['/api/v1/orders/{location}']?.['post'];
    expect(create).toMatchObject({
      operationId: 'createOrder',
      security: [{ bearer: [] }, { apiKey: [] }, { session: [] }],
      responses: {
        default: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
      },
    });
    expect(create?.['parameters']).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'Idempotency-Key', in: 'header' })]),
    );
    expect(document.paths['/api/v1/orders/{id}/confirm']?.['post']).toMatchObject({ requestBody: { required: false } });
    expect(document.paths['/api/v1/orders']?.['get']?.['parameters']).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'limit', required: false })]),
    );
    expect(JSON.stringify(document)).not.toContain('x-message');
  });

  test('is served, and so is its page, from here alone', async () => {
    expect((await app.inject('/openapi.json')).json().openapi).toBe('3.1.0');
    const page = await app.inject('/docs/');
    expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(page.headers['content-security-policy']).not.toContain('unsafe-inline');
    const files = [...page.body.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => path);
    expect(files.filter((path) => path?.includes('dark.'))).toHaveLength(2);
    const answers = await Promise.all(files.map((path) => app.inject(`/docs/${path}`)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(files.map(() => 200));
  });
});

test('tests do not see a refusal whose code is not declared beside its status', async () => {
  const codeOf = async (kind: ProblemKind) => {
    const refusing = await echoServer({
      routes: (scope) => {
        scope.route({
          method: 'GET',
          url: '/refused',
          config: { scope: 'public' },
          schema: { response: { 412: Refusal(problems.preconditionFailed) } },
          handler: () => {
            throw new Problem(kind, 'No.');
          },
        });
      },
    });
    const answer = await refusing.inject('/api/v1/refused');
    await refusing.close();
    return answer.json().code;
  };
  expect(await codeOf(problems.preconditionFailed)).toBe('precondition_failed');
  expect(await codeOf({ ...problems.preconditionFailed, code: 'too_late' })).not.toBe('too_late');
});

test('problems carry their own members and headers', async () => {
  const refusing = await echoServer({
    routes: (scope) => {
      scope.route({
        method: 'GET',
        url: '/refused',
        config: { scope: 'public' },
        handler: () => {
          throw new Problem(problems.levelBusy, 'Wait.', { lines: [1] });
        },
      });
    },
  });
  const answer = await refusing.inject('/api/v1/refused');
  expect(answer.headers['retry-after']).toBe('2');
  expect(answer.json()).toMatchObject({ status: 503, code: 'level_busy', detail: 'Wait.', lines: [1] });
  await refusing.close();
});
