import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../app.ts';
import { type BadRequest, JsonText } from './bad-request.ts';
import { refusals, wrongBodies, wrongQueries } from './bad-values.table.ts';
import { digestOf } from './database.digest.ts';
import { bytesOf, type RawAnswer, type RawRequest, send, sendBytes } from './raw.http.ts';
import { type DocumentedRoute, listRoutes, nameOf } from './routes.list.ts';
import { type Fixture, makeFixture, urlOf, VALID_BODIES, VALID_QUERIES } from './valid.requests.ts';

// Every request here goes over a socket, is refused as documented, and leaves every table as it was.

let app: TestApp;
let port: number;
let client: pg.Client;
let fixture: Fixture;
let routes: DocumentedRoute[];
let before: Record<string, string>;
let sent = 0;

beforeAll(async () => {
  app = await startTestApp();
  await app.app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.app.server.address() as AddressInfo).port;
  client = new pg.Client(app.connection);
  await client.connect();
  fixture = await makeFixture(app);
  routes = await listRoutes(app.app);
  before = await digestOf(client);
});

afterAll(async () => {
  console.log(`${sent} bad requests were refused`);
  await client.end();
  await app.close();
});

const COMMANDS = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const JSON_TYPE: readonly [string, string] = ['Content-Type', 'application/json'];

interface Heard {
  answer: string;
  paths?: string[];
}

/** What came back, in the words of the table; what is wrong with the document itself is said instead. */
function hear({ status, headers, text }: RawAnswer): Heard {
  if (headers['content-type'] !== 'application/problem+json')
    return { answer: `${status} ${headers['content-type']} ${text}` };
  const problem = JSON.parse(text) as Record<string, unknown>;
  const { type, title, status: told, detail, code, instance, errors } = problem;
  const isWhole =
    type === `urn:holdfast:problem:${String(code)}` &&
    told === status &&
    [title, detail, instance].every((member) => typeof member === 'string' && member !== '');
  if (!isWhole) return { answer: `${status} not a whole problem document: ${text}` };
  if (headers['x-request-id'] === undefined) return { answer: `${status} without X-Request-Id` };
  if (/node_modules|\/src\/|\bSELECT\b|\bINSERT\b|violates|\n\s+at /.test(text))
    return { answer: `${status} that tells too much: ${text}` };
  const answer = `${status} ${String(code)}`;
  if (code !== 'validation_failed') return { answer };
  if (!Array.isArray(errors) || errors.length === 0) return { answer: `${answer} without errors` };
  return { answer, paths: (errors as { path: string }[]).map(({ path }) => path) };
}

/** A digest of every table takes longer than a request: one is taken for so many. */
const LOOKED_AT_TOGETHER = 25;

/** Sends them one by one; answers what was not as it should be. */
async function sendAll(requests: readonly { name: string; bytes: Buffer; expected: Heard }[]): Promise<string[]> {
  const wrong: string[] = [];
  for (let at = 0; at < requests.length; at += LOOKED_AT_TOGETHER) {
    const some = requests.slice(at, at + LOOKED_AT_TOGETHER);
    for (const { name, bytes, expected } of some) {
      const heard = hear(await sendBytes(port, bytes));
      sent += 1;
      const shown = JSON.stringify(expected.paths === undefined ? { answer: heard.answer } : heard);
      if (shown !== JSON.stringify(expected))
        wrong.push(`${name}: ${JSON.stringify(heard)}, not ${JSON.stringify(expected)}`);
    }
    const after = await digestOf(client);
    const changed = Object.keys(after).filter((table) => after[table] !== before[table]);
    if (changed.length > 0) {
      wrong.push(`one of ${some.map(({ name }) => name).join(', ')}: changed ${changed.join(', ')}`);
      before = after;
    }
  }
  return wrong;
}

function fromTable({ request, why, body, headers = [], answer, paths }: BadRequest) {
  const [method = '', target = ''] = request.split(' ');
  const raw: RawRequest = { method, target, headers };
  const text = body === undefined ? undefined : body instanceof JsonText ? body.text : JSON.stringify(body);
  const whole: RawRequest = text === undefined ? raw : { ...raw, headers: [JSON_TYPE, ...headers], body: text };
  const expected: Heard = paths === undefined ? { answer } : { answer, paths: [...paths] };
  return { name: `${request.slice(0, 120)} with ${why}`, bytes: bytesOf(whole), expected };
}

describe('values', () => {
  test('of the wrong type, size or form are refused where they stand', async () => {
    expect(await sendAll(wrongBodies(fixture).map(fromTable))).toEqual([]);
  });

  test('of a query are refused by name', async () => {
    expect(await sendAll(wrongQueries(fixture).map(fromTable))).toEqual([]);
  });

  test('that name nothing, or ask for what the state forbids, are refused by their code', async () => {
    expect(await sendAll(refusals(fixture).map(fromTable))).toEqual([]);
  });

  test('of a cursor that is not of this list, its filter and its order are refused', async () => {
    const page = await app.app.inject({ url: '/api/v1/products?limit=1' });
    const { nextCursor } = page.json<{ nextCursor: string }>();
    const flipped = `${nextCursor.slice(0, -2)}${nextCursor.endsWith('AA') ? 'BB' : 'AA'}`;
    const cursors = [
      `/products?cursor=${nextCursor}x`,
      `/products?cursor=${flipped}`,
      '/products?cursor=eyJ',
      `/products?cursor=${Buffer.from('{"after":["SKU-1"]}').toString('base64url')}`,
      `/products?cursor=${Buffer.from('["SKU-1",1]').toString('base64url')}`,
      '/products?cursor=%F0%9F%98%80',
      `/products?cursor=${nextCursor}&sort=-sku`,
      `/products?cursor=${nextCursor}&category=kitchen`,
      `/locations?cursor=${nextCursor}`,
      `/inventory?cursor=${nextCursor}`,
      `/ledger?cursor=${nextCursor}`,
      `/reservations?cursor=${nextCursor}`,
      `/transfers?cursor=${nextCursor}`,
      `/alerts?cursor=${nextCursor}`,
      `/audit?cursor=${nextCursor}`,
      `/events?cursor=${nextCursor}`,
      `/webhooks?cursor=${nextCursor}`,
      `/people?cursor=${nextCursor}`,
      `/rate-limits?cursor=${nextCursor}`,
      `/jobs?cursor=${nextCursor}`,
      `/jobs/${fixture.jobId}/history?cursor=${nextCursor}`,
      `/runs?cursor=${nextCursor}`,
    ];
    const requests = cursors.map((target) =>
      fromTable({ request: `GET /api/v1${target}`, why: 'cursor', answer: '400 invalid_cursor' }),
    );
    expect(await sendAll(requests)).toEqual([]);
  });
});

describe('every route', () => {
  test('with a body has a valid one here', () => {
    expect(
      routes
        .filter(({ hasBody }) => hasBody)
        .map(nameOf)
        .sort(),
    ).toEqual(Object.keys(VALID_BODIES).sort());
  });

  test('refuses bodies that are not its JSON', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    const requests = routes
      .filter((route) => VALID_BODIES[nameOf(route)] !== undefined)
      .flatMap(({ method, path }) => {
        const valid = VALID_BODIES[`${method} ${path}`] ?? {};
        const text = JSON.stringify(valid);
        const open = text.slice(0, -1);
        const of = (why: string, body: string | Buffer, answer: string, paths?: string[], type = JSON_TYPE) => ({
          name: `${method} ${path} with ${why}`,
          bytes: bytesOf({ method, target: urlOf(path, fixture), headers: type[1] === '' ? [] : [type], body }),
          expected: paths === undefined ? { answer } : { answer, paths },
        });
        return [
          of('an unknown field', `${open},"colour":"red"}`, '400 validation_failed', ['/colour']),
          of('a list', `[${text}]`, '400 validation_failed', ['']),
          of('text', '"text"', '400 validation_failed', ['']),
          of('null', 'null', '400 validation_failed', ['']),
          of('a number', '5', '400 validation_failed', ['']),
          of('half of it', text.slice(0, -2), '400 malformed_json'),
          of('a comma too many', `${open},}`, '400 malformed_json'),
          of('two values', `${text}${text}`, '400 malformed_json'),
          of('NaN', '{"quantity":NaN}', '400 malformed_json'),
          of(
            'bytes that are not UTF-8',
            Buffer.concat([Buffer.from(open), Buffer.from(',"a":"\xff"}', 'latin1')]),
            '400 malformed_json',
          ),
          of('UTF-16', Buffer.from(text, 'utf16le'), '400 malformed_json'),
          of('__proto__', `${open},"__proto__":{"admin":true}}`, '400 malformed_json'),
          of('constructor', `${open},"constructor":{"prototype":{"admin":true}}}`, '400 malformed_json'),
          of('a body 200,000 deep', `${open},"a":${deep}}`, '400 validation_failed', ['/a']),
          of('plain text', text, '415 unsupported_media_type', undefined, ['Content-Type', 'text/plain']),
          of('a form', 'a=1', '415 unsupported_media_type', undefined, [
            'Content-Type',
            'application/x-www-form-urlencoded',
          ]),
          of('XML', '<a/>', '415 unsupported_media_type', undefined, ['Content-Type', 'application/xml']),
          of('no content type', text, '415 unsupported_media_type', undefined, ['Content-Type', '']),
          of('a content type that is none', text, '415 unsupported_media_type', undefined, ['Content-Type', 'json']),
        ];
      });
    expect(await sendAll(requests)).toEqual([]);
  }, 120_000);

  test('refuses queries that it has not', async () => {
    const requests = routes.flatMap(({ method, path, query }) => {
      const body = VALID_BODIES[`${method} ${path}`];
      const of = (search: string, name: string) => ({
        name: `${method} ${path}?${search}`,
        bytes: bytesOf({
          method,
          target: `${urlOf(path, fixture)}?${search}`,
          ...(body === undefined ? {} : { headers: [JSON_TYPE], body: JSON.stringify(body) }),
        }),
        expected: { answer: '400 validation_failed', paths: [name] },
      });
      const valid = VALID_QUERIES[`${method} ${path}`];
      return [
        of(valid === undefined ? 'colour=red' : `${valid}&colour=red`, 'colour'),
        ...query.map((name) => of(`${name}=`, name)),
        ...query.slice(0, 1).map((name) => of(`${name}=5&${name}=5`, name)),
      ];
    });
    expect(await sendAll(requests)).toEqual([]);
  }, 60_000);

  test('refuses paths that are not names', async () => {
    const parts: [string, string][] = [
      ['%zz', 'a percent sign alone'],
      ['%', 'a percent sign at the end'],
      ['%ff', 'a byte that is no character'],
      ['%00', 'NUL'],
      ['a%20b', 'a blank'],
      ['a%2Fb', 'a slash'],
      ['..%2f..%2fetc', 'a way out'],
      ['x'.repeat(65), '65 letters'],
      ['x'.repeat(3_000), '3,000 letters'],
      ["'%20OR%201=1", 'SQL'],
    ];
    const requests = routes
      .filter(({ path }) => path.includes('{'))
      .flatMap(({ method, path }) =>
        parts.map(([part, why]) => {
          const body = VALID_BODIES[`${method} ${path}`];
          const target = urlOf(path.replace(/\{\w+\}/, part), fixture);
          const payload = body === undefined ? {} : { headers: [JSON_TYPE], body: JSON.stringify(body) };
          return {
            name: `${method} ${path} with ${why}`,
            bytes: bytesOf({ method, target, ...payload }),
            expected: { answer: '400 validation_failed' },
          };
        }),
      );
    expect(await sendAll(requests)).toEqual([]);
  }, 60_000);

  test('that changes something refuses keys that are none', async () => {
    const keys: (readonly [string, string])[][] = [
      [
        ['Idempotency-Key', 'a'],
        ['Idempotency-Key', 'b'],
      ],
      [
        ['Idempotency-Key', 'a'],
        ['idempotency-key', 'a'],
      ],
      [['Idempotency-Key', '']],
      [['Idempotency-Key', 'a b']],
      [['Idempotency-Key', 'k'.repeat(256)]],
      [['Idempotency-Key', 'Schlüssel']],
      [['Idempotency-Key', 'a\tb']],
    ];
    const requests = routes
      .filter(({ method }) => COMMANDS.has(method))
      .filter((route) => nameOf(route) !== 'POST /api/v1/availability')
      .flatMap(({ method, path }) =>
        keys.map((headers) => {
          const body = JSON.stringify(VALID_BODIES[`${method} ${path}`] ?? {});
          return {
            name: `${method} ${path} with ${JSON.stringify(headers)}`,
            bytes: bytesOf({ method, target: urlOf(path, fixture), headers: [JSON_TYPE, ...headers], body }),
            expected: { answer: '400 validation_failed', paths: ['Idempotency-Key'] },
          };
        }),
      );
    expect(await sendAll(requests)).toEqual([]);
  }, 60_000);

  test('says which methods it has to one that it has not', async () => {
    const paths = [...new Set(routes.map(({ path }) => path))];
    const wrong: string[] = [];
    for (const path of paths) {
      // `/products/batch` is also the product of that name.
      const fits = (route: DocumentedRoute): boolean =>
        new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/{]+')}$`).test(path) || route.path === path;
      const allowed = [...new Set(routes.filter(fits).map(({ method }) => method))];
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
        if (allowed.includes(method)) continue;
        const answer = await send(port, { method, target: urlOf(path, fixture) });
        sent += 1;
        const listed = (answer.headers['allow'] ?? '').split(', ').filter((one) => one !== 'HEAD' && one !== 'OPTIONS');
        const heard = `${hear(answer).answer}, ${listed.sort().join(' ')}`;
        const expected = `405 method_not_allowed, ${allowed.sort().join(' ')}`;
        if (heard !== expected) wrong.push(`${method} ${path}: ${heard}, not ${expected}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(await digestOf(client)).toEqual(before);
  });
});

describe('requests that are hardly HTTP', () => {
  const valid = JSON.stringify(VALID_BODIES['POST /api/v1/products']);
  /** Node's parser cannot say which field is wrong. */
  const hearParser = (answer: RawAnswer): string => hear(answer).answer.replace(/ without errors$/, '');
  const head =
    'POST /api/v1/products HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n';
  const chunked = `${head}Transfer-Encoding: chunked\r\n`;
  test.each<[string, string, string]>([
    ['a length that is no number', `${head}Content-Length: ten\r\n\r\n${valid}`, '400 validation_failed'],
    ['a negative length', `${head}Content-Length: -5\r\n\r\n${valid}`, '400 validation_failed'],
    ['two lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n${valid}`, '400 validation_failed'],
    ['a length and chunks', `${chunked}Content-Length: 5\r\n\r\n0\r\n\r\n`, '400 validation_failed'],
    ['a chunk that is no number', `${chunked}\r\nzz\r\n${valid}\r\n0\r\n\r\n`, '400 validation_failed'],
    ['an encoding that is none', `${head}Transfer-Encoding: gzip\r\n\r\n${valid}`, '400 validation_failed'],
    ['a method that is none', `BREW /api/v1/products HTTP/1.1\r\nHost: localhost\r\n\r\n`, '400 validation_failed'],
    ['another protocol', `GET /api/v1/products FTP/1.1\r\nHost: localhost\r\n\r\n`, '400 validation_failed'],
    ['a header without a name', `${head}: x\r\nContent-Length: 0\r\n\r\n`, '400 validation_failed'],
    ['a header that breaks off', `${head}Content-Length 0\r\n\r\n`, '400 validation_failed'],
    ['NUL in a header', `${head}X-A: a\0b\r\nContent-Length: 0\r\n\r\n`, '400 validation_failed'],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400 validation_failed'],
    ['headers of 20 KiB', `${head}X-A: ${'a'.repeat(20_480)}\r\nContent-Length: 0\r\n\r\n`, '431 headers_too_large'],
    [
      'a target of 20 KiB',
      `GET /api/v1/products?search=${'a'.repeat(20_480)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      '431 headers_too_large',
    ],
    ['3,000 headers', `${head}${'X-A: a\r\n'.repeat(3_000)}Content-Length: 0\r\n\r\n`, '431 headers_too_large'],
    ['a body of 2 MiB', `${head}Content-Length: 2097152\r\n\r\n${' '.repeat(2_097_152)}`, '413 payload_too_large'],
    ['a body that says it has 2 MiB', `${head}Content-Length: 2097152\r\n\r\n`, '413 payload_too_large'],
    ['chunks of 2 MiB', `${chunked}\r\n200000\r\n${' '.repeat(2_097_152)}\r\n0\r\n\r\n`, '413 payload_too_large'],
  ])('%s', async (_, request, expected) => {
    expect(hearParser(await sendBytes(port, Buffer.from(request, 'latin1')))).toBe(expected);
    sent += 1;
    expect(await digestOf(client)).toEqual(before);
  });

  test('a body that breaks off', async () => {
    const request = Buffer.from(`${head}Content-Length: 500\r\n\r\n${valid}`);
    expect(hearParser(await sendBytes(port, request, { breaksOff: true }))).toBe('400 validation_failed');
    expect(await digestOf(client)).toEqual(before);
  });

  test('nobody waits: after all that a good request is answered', async () => {
    const answer = await send(port, { method: 'GET', target: '/api/v1/products' });
    expect(answer.status).toBe(200);
  });
});
