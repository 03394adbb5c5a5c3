import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echoServer } from './http.fixture.ts';
import type { HttpServer } from './index.ts';

let app: HttpServer;
beforeAll(async () => {
  app = await echoServer();
});
afterAll(() => app.close());

const ID = '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b';
const line = { sku: 'SKU-1', quantity: 1 };

function post(payload: string | Buffer | object, url = '/api/v1/orders/WH001') {
  return app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } });
}

async function refusalOf(payload: string | Buffer | object, url?: string) {
  const answer = await post(payload, url);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const { status, code, errors } = answer.json();
  return { status, code, errors };
}

function invalid(...errors: [path: string, message: string][]) {
  return { status: 400, code: 'validation_failed', errors: errors.map(([path, message]) => ({ path, message })) };
}

describe('a body', () => {
  test('is taken as it is: nothing is coerced, filled in or left out', async () => {
    const body = {
      lines: [{ ...line, attributes: { size: 'L', n: [1, null, { deep: true }] } }],
      reason: null,
      unitCost: 12.3456,
    };
    const answer = await post(body);
    expect(answer.statusCode).toBe(201);
    expect(answer.json().body).toEqual(body);
  });

  test('every wrong field is named, in path, body and query alike', async () => {
    const body = {
      lines: [line, { sku: '-x', quantity: 0.5, color: 'red' }],
      reason: '',
      unitCost: 1.23456,
      type: 'gift',
      extra: 1,
    };
    const name = 'must be 1 to 64 of letters, digits and . _ : - and begin with a letter or a digit';
    expect(await refusalOf(body, '/api/v1/orders/-no?dry=yes&x=1')).toEqual(
      invalid(
        ['location', name],
        ['/lines/1/sku', name],
        ['/lines/1/quantity', 'must be an integer'],
        ['/lines/1/color', 'is not a field of this request'],
        ['/reason', 'must not be empty'],
        ['/unitCost', 'must have at most 4 decimals'],
        ['/type', 'must be one of order, cart'],
        ['/extra', 'is not a field of this request'],
        ['dry', 'must be true or false'],
        ['x', 'is not a parameter of this route'],
      ),
    );
  });

  test.each([
    [{}, [['/lines', 'is required']]],
    [{ lines: [] }, [['/lines', 'must have at least 1 item']]],
    [{ lines: {} }, [['/lines', 'must be an array']]],
    [{ lines: [null] }, [['/lines/0', 'must be an object']]],
    [
      { lines: [{ sku: 1, quantity: '1' }] },
      [
        ['/lines/0/sku', 'must be text'],
        ['/lines/0/quantity', 'must be an integer'],
      ],
    ],
    [{ lines: [{ ...line, quantity: 0 }] }, [['/lines/0/quantity', 'must be at least 1']]],
    [{ lines: [{ ...line, quantity: 1e12 + 1 }] }, [['/lines/0/quantity', 'must be at most 1000000000000']]],
    [{ lines: [line], reason: 'x'.repeat(501) }, [['/reason', 'must have at most 500 characters']]],
    [{ lines: [line], 'a/b~c': 1 }, [['/a~1b~0c', 'is not a field of this request']]],
    [{ lines: [{ ...line, attributes: [] }] }, [['/lines/0/attributes', 'must be an object']]],
  ] as const)('%j', async (body, errors) => {
    expect(await refusalOf(body)).toEqual(invalid(...(errors as unknown as [string, string][])));
  });

  test.each(['null', '[]', '"text"', '1'])('%s is not an object', async (json) => {
    expect(await refusalOf(json)).toEqual(invalid(['', 'must be an object']));
  });

  test('none where one is needed', async () => {
    expect(await refusalOf('')).toEqual(invalid(['', 'must be an object']));
  });

  test.each([
    '{',
    '{"lines":}',
    '{"a":1}{',
    "{'a':1}",
    '{"a":NaN}',
    '{"__proto__":{}}',
    '{"constructor":{"prototype":{}}}',
  ])('%s is malformed', async (json) =>
    expect(await refusalOf(json)).toMatchObject({ status: 400, code: 'malformed_json' }),
  );

  test('invalid UTF-8 is malformed', async () => {
    const json = Buffer.concat([Buffer.from('{"lines":[],"reason":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    expect(await refusalOf(json)).toMatchObject({ status: 400, code: 'malformed_json' });
    const surrogate = Buffer.concat([Buffer.from('{"reason":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]);
    expect(await refusalOf(surrogate)).toMatchObject({ status: 400, code: 'malformed_json' });
  });

  test('NUL and lone surrogates are refused wherever they stand, whole pairs are not', async () => {
    const attributes = String.raw`{"a":["\u0000"],"\uD800":1,"ok":"\uD83D\uDE00"}`;
    const json = `{"lines":[{"sku":"A","quantity":1,"attributes":${attributes}}],"reason":"x\\udc00"}`;
    const refusal = await refusalOf(json);
    expect(refusal).toMatchObject({ status: 400, code: 'validation_failed' });
    expect(refusal.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      '/lines/0/attributes/a/0',
      '/lines/0/attributes/\ufffd',
      '/reason',
    ]);
    const fine = await post(String.raw`{"lines":[{"sku":"A","quantity":1,"attributes":{"ok":"\uD83D\uDE00"}}]}`);
    expect(fine.json().body.lines[0].attributes.ok).toBe('😀');
  });

  test('two hundred thousand levels deep: refused, wherever they stand', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    expect(await refusalOf(deep)).toEqual(invalid(['', 'must be an object']));
    expect(await refusalOf(`{"lines":${deep}}`)).toEqual(invalid(['/lines/0', 'must be an object']));
    expect(await refusalOf(`{"lines":[{"sku":"A","quantity":1,"attributes":{"a":${deep}}}]}`)).toEqual(
      invalid(['/lines/0/attributes', 'is nested too deeply']),
    );
    expect(
      (await post(`{"lines":[],"reason":${deep.slice(0, 200_000)}"\\u0000"${deep.slice(200_000)}}`)).statusCode,
    ).toBe(400);
    const objects = '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000);
    expect((await post(objects)).statusCode).toBe(400);
  });

  test('no more than a hundred errors, whatever came in', async () => {
    const { errors } = await refusalOf({ lines: Array.from({ length: 1_000 }, () => ({ q: 1 })) });
    expect(errors).toHaveLength(100);
    const many = `{"lines":[${'0,'.repeat(400_000)}0]}`;
    const startedAt = performance.now();
    expect(await refusalOf(many)).toEqual(invalid(['/lines', 'must have at most 1000 items']));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test('longer than the limit is 413', async () => {
    expect(await refusalOf({ lines: [line], reason: 'x'.repeat(1_048_576) })).toMatchObject({
      status: 413,
      code: 'payload_too_large',
    });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/merge-patch+json', 'nonsense'])(
    'as %s is 415',
    async (type) => {
      const answer = await app.inject({
        method: 'POST',
        url: '/api/v1/orders/A',
        payload: '{}',
        headers: { 'content-type': type },
      });
      expect(answer.statusCode).toBe(415);
      expect(answer.json().code).toBe('unsupported_media_type');
    },
  );

  test('in another charset or encoding is 415, in UTF-8 by name it is fine', async () => {
    const send = (headers: Record<string, string>) =>
      app.inject({ method: 'POST', url: '/api/v1/orders/A', payload: JSON.stringify({ lines: [line] }), headers });
    expect((await send({ 'content-type': 'application/json; charset=utf-8' })).statusCode).toBe(201);
    expect((await send({ 'content-type': 'application/json; charset=latin1' })).statusCode).toBe(415);
    expect((await send({ 'content-type': 'application/json', 'content-encoding': 'gzip' })).statusCode).toBe(415);
  });

  test('of which nothing is required may be left out, or empty', async () => {
    const url = `/api/v1/orders/${ID}/confirm`;
    expect((await app.inject({ method: 'POST', url })).json()).toEqual({ ship: false, ifMatch: null });
    expect((await post('', url)).statusCode).toBe(200);
    expect((await post('{}', url)).statusCode).toBe(200);
    expect((await post('{"ship":true}', url)).json()).toEqual({ ship: true, ifMatch: null });
    expect(await refusalOf('null', url)).toEqual(invalid(['', 'must be an object']));
    expect(await refusalOf('{"ship":"true"}', url)).toEqual(invalid(['/ship', 'must be true or false']));
  });

  test('for a route that takes none must be empty', async () => {
    const url = `/api/v1/orders/${ID}`;
    const remove = (payload?: object) => app.inject({ method: 'DELETE', url, ...(payload && { payload }) });
    expect((await remove()).statusCode).toBe(204);
    expect((await remove({})).statusCode).toBe(204);
    expect((await remove({ force: true })).json()).toMatchObject({ status: 400, code: 'validation_failed' });
  });
});

describe('attributes', () => {
  const withAttributes = (json: string) => `{"lines":[{"sku":"A","quantity":1,"attributes":${json}}]}`;
  const nested = (levels: number) => '{"a":'.repeat(levels - 1) + '{}' + '}'.repeat(levels - 1);

  test('up to 10 levels and 16 KiB', async () => {
    expect((await post(withAttributes(nested(10)))).statusCode).toBe(201);
    expect(await refusalOf(withAttributes(nested(11)))).toEqual(
      invalid(['/lines/0/attributes', 'is nested too deeply']),
    );
    const sized = (bytes: number) => withAttributes(JSON.stringify({ a: 'x'.repeat(bytes - '{"a":""}'.length) }));
    expect((await post(sized(16_384))).statusCode).toBe(201);
    expect(await refusalOf(sized(16_385))).toEqual(
      invalid(['/lines/0/attributes', 'must be at most 16384 bytes as JSON; it is 16385']),
    );
  });

  test.each([
    ['1e400', 'holds a number that is too large'],
    ['9007199254740993', 'holds an integer beyond 2^53 - 1, which JSON numbers do not keep exactly: send it as text'],
    ['-1e300', 'holds an integer beyond 2^53 - 1, which JSON numbers do not keep exactly: send it as text'],
  ])('%s is refused', async (number, message) => {
    expect(await refusalOf(withAttributes(`{"a":[${number}]}`))).toEqual(invalid(['/lines/0/attributes', message]));
  });
});

test.each([
  [0, 201],
  [1e9, 201],
  [0.0001, 201],
  [99.99, 201],
  [0.1 + 0.2, 400],
  [0.00001, 400],
  [1e-7, 400],
  [-1, 400],
  [1e9 + 0.01, 400],
])('a unit cost of %d is %d', async (unitCost, status) => {
  expect((await post({ lines: [line], unitCost })).statusCode).toBe(status);
});

describe('a time', () => {
  test.each([
    '2026-11-20T10:00:00Z',
    '2026-11-20t10:00:00.123456z',
    '2026-11-20T10:00:00+05:30',
    '2024-02-29T23:59:59.999Z',
    '1970-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ])('%s', async (at) => expect((await post({ lines: [line], at })).statusCode).toBe(201));

  test.each([
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-11-20T24:00:00Z',
    '2026-11-20T10:60:00Z',
    '2026-11-20T10:00:60Z',
    '2026-11-20T10:00:00',
    '2026-11-20 10:00:00Z',
    '2026-11-20',
    '2026-11-20T10:00:00+24:00',
    '2026-11-20T10:00:00.Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '+10000-01-01T00:00:00Z',
    '1700000000000',
    '',
  ])('%j is none', async (at) => {
    const errors = invalid(['/at', 'must be an RFC 3339 time between 1970 and 9999, such as 2026-11-20T10:00:00Z']);
    expect(await refusalOf({ lines: [line], at })).toEqual(errors);
  });
});

describe('a query', () => {
  const get = (query: string) => app.inject(`/api/v1/orders${query}`);

  test('is typed by its schema, with its defaults', async () => {
    expect((await get('')).json()).toEqual({ query: { limit: 50 } });
    expect((await get('?')).json()).toEqual({ query: { limit: 50 } });
    const answer = await get(
      '?limit=200&search=a%20b+c%26&from=2026-11-20T10%3A00%3A00%2B01%3A00&archived=true&ratio=0.5&status=open',
    );
    expect(answer.json()).toEqual({
      query: {
        limit: 200,
        search: 'a b c&',
        from: '2026-11-20T10:00:00+01:00',
        archived: true,
        ratio: 0.5,
        status: 'open',
      },
    });
  });

  test.each([
    ['limit=1e1', 'limit', 'must be an integer'],
    ['limit=%205', 'limit', 'must be an integer'],
    ['limit=0x10', 'limit', 'must be an integer'],
    ['limit=05', 'limit', 'must be an integer'],
    ['limit=5.0', 'limit', 'must be an integer'],
    ['limit=%2B5', 'limit', 'must be an integer'],
    ['limit=-0', 'limit', 'must be at least 1'],
    ['limit=99999999999999999999', 'limit', 'must be an integer'],
    ['limit=0', 'limit', 'must be at least 1'],
    ['limit=201', 'limit', 'must be at most 200'],
    ['limit=', 'limit', 'must not be empty: leave the parameter out'],
    ['limit', 'limit', 'must not be empty: leave the parameter out'],
    ['limit=1&limit=1', 'limit', 'must be given once'],
    ['limit[]=1', 'limit[]', 'is not a parameter of this route'],
    ['archived=1', 'archived', 'must be true or false'],
    ['archived=TRUE', 'archived', 'must be true or false'],
    ['ratio=.5', 'ratio', 'must be a number'],
    ['ratio=1e400', 'ratio', 'must be a number'],
    ['status=OPEN', 'status', 'must be one of open, done'],
    ['search=%', 'search', 'must be percent-encoded UTF-8'],
    ['search=%C3%28', 'search', 'must be percent-encoded UTF-8'],
    ['search=%ED%A0%80', 'search', 'must be percent-encoded UTF-8'],
    ['search=%00', 'search', 'must not hold the character NUL'],
    ['Limit=5', 'Limit', 'is not a parameter of this route'],
    ['__proto__=1', '__proto__', 'is not a parameter of this route'],
    ['constructor=1', 'constructor', 'is not a parameter of this route'],
    ['=1', '=1', 'must be of the form name=value, percent-encoded UTF-8, with & only between parameters'],
    ['limit=5&', 'query', 'must be of the form name=value, percent-encoded UTF-8, with & only between parameters'],
  ])('?%s', async (query, path, message) => {
    const { status, code, errors } = (await get(`?${query}`)).json();
    expect({ status, code, errors }).toEqual(invalid([path, message]));
  });

  test('on a route that has none is refused', async () => {
    const { errors } = (await app.inject('/health/live?verbose=1')).json();
    expect(errors).toEqual([{ path: 'verbose', message: 'is not a parameter of this route' }]);
  });
});

describe('a path', () => {
  test.each([
    [`/api/v1/orders/${ID.toUpperCase()}/confirm`, 'id', 'must be a UUID in lower case'],
    ['/api/v1/orders/1/confirm', 'id', 'must be a UUID in lower case'],
    ['/api/v1/orders/%00/confirm', 'id', 'must not hold the character NUL'],
  ])('%s', async (url, path, message) => {
    const { status, code, errors } = (await app.inject({ method: 'POST', url })).json();
    expect({ status, code, errors }).toEqual(invalid([path, message]));
  });

  test.each(['/api/v1/orders/%C3%28/confirm', '/api/v1/orders/%zz/confirm'])('%s is not UTF-8', async (url) => {
    expect((await app.inject({ method: 'POST', url })).json()).toMatchObject({
      status: 400,
      code: 'validation_failed',
    });
  });

  test('with a part that is longer than any name', async () => {
    const answer = await app.inject({ method: 'POST', url: `/api/v1/orders/${'a'.repeat(3_000)}/confirm` });
    expect(answer.json()).toMatchObject({ status: 400, code: 'validation_failed' });
  });
});
