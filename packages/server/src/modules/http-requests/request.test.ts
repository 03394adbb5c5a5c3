import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Problem } from '../../kernel/problem.ts';
import { Database } from '../../platform/database/index.ts';
import { createEgress } from '../../platform/egress/index.ts';
import { configOf, fixtureRun } from '../../platform/jobs/run.context.fixture.ts';
import { PermanentError, type JobType } from '../../platform/jobs/index.ts';
import { httpRequestJobTypes } from './index.ts';

interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

const RUN_ID = '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b';
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const egress = createEgress({ allow: ['127.0.0.1'] });
const type = onlyOf(httpRequestJobTypes({ egress }));
// Nothing here comes as far as a connection.
const database = new Database({ connection: inject('postgres'), onError: () => undefined });

function onlyOf(types: JobType[]): JobType {
  const [only] = types;
  if (only === undefined) throw new Error('there is no type');
  return only;
}

const received: Received[] = [];
let answer: (response: ServerResponse) => void;
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method = '', url = '', headers } = request;
    received.push({ method, path: url, headers, body: Buffer.concat(chunks).toString() });
    answer(response);
  });
});
let url = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  egress.close();
  await database.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
afterEach(() => {
  received.length = 0;
});

const answering = (status: number, body: string | Buffer = '', headers: Record<string, string> = {}) => {
  answer = (response) => void response.writeHead(status, headers).end(body);
};

interface Ran {
  result: unknown;
  error: unknown;
  logs: string[];
}

async function run(config: object, abortedBy?: (abort: (reason: Error) => void) => void): Promise<Ran> {
  const context = fixtureRun({ database, runId: RUN_ID, config: configOf(type, { url, ...config }) });
  abortedBy?.((reason) => context.abort(reason));
  const settled = await Promise.allSettled([type.run(context as never)]);
  const [outcome] = settled;
  return {
    result: outcome.status === 'fulfilled' ? outcome.value : null,
    error: outcome.status === 'rejected' ? outcome.reason : null,
    logs: context.logs.map(({ message }) => message),
  };
}

/** What `check` has against a config that fits its schema. */
async function refusal(config: object): Promise<{ code: string; errors: unknown }> {
  try {
    await type.check?.({ url, ...config });
  } catch (error) {
    const { code, extensions } = error as Problem;
    return { code, errors: extensions['errors'] };
  }
  return { code: 'none', errors: undefined };
}

describe('an HTTP request', () => {
  it('is a POST of JSON under the id of its run, and its answer is the result', async () => {
    answering(201, '{"ok":true}', { 'content-type': 'application/json' });
    const { result, error } = await run({
      url: `${url}/hooks?x=1`,
      body: { b: 1, a: 'ä' },
      headers: { 'X-Shop': 'berlin' },
    });
    expect(error).toBeNull();
    expect(result).toEqual({
      status: 201,
      contentType: 'application/json',
      durationMs: expect.any(Number),
      response: '{"ok":true}',
      isWhole: true,
    });
    expect(received).toMatchObject([{ method: 'POST', path: '/hooks?x=1', body: '{"b":1,"a":"ä"}' }]);
    expect(received[0]?.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'idempotency-key': RUN_ID,
      'x-shop': 'berlin',
      'user-agent': 'Holdfast-Jobs',
    });
    expect(received[0]?.headers).not.toHaveProperty('webhook-id');
  });

  it('sends text as it is, and lets a header say what it is', async () => {
    answering(200);
    await run({ method: 'PUT', body: 'a;b\r\n', headers: { 'Content-Type': 'text/csv' }, authorization: 'Bearer abc' });
    expect(received[0]).toMatchObject({
      method: 'PUT',
      body: 'a;b\r\n',
      headers: { 'content-type': 'text/csv', authorization: 'Bearer abc' },
    });
  });

  it('by GET has no body and no key', async () => {
    answering(200, 'hello');
    const { result } = await run({ method: 'GET' });
    expect(result).toMatchObject({ status: 200, response: 'hello', contentType: null });
    expect(received[0]?.headers).not.toHaveProperty('idempotency-key');
    expect(received[0]?.headers).not.toHaveProperty('content-type');
  });

  it.each([{ body: { sku: 'MUG' } }, { body: 'plain' }, {}])(
    'is signed so that a receiver can verify %j',
    async (given) => {
      answering(200);
      expect((await run({ ...given, signingSecret: SECRET })).error).toBeNull();
      const { headers, body } = received[0] ?? { headers: {}, body: '' };
      const signature = headers as Record<string, string>;
      expect(signature['webhook-id']).toBe(RUN_ID);
      const webhook = new Webhook(SECRET);
      const isFor = (text: string): boolean => {
        try {
          webhook.verify(text, signature, { parse: (value: string) => value } as never);
          return true;
        } catch (error) {
          // The library goes on to parse what it has verified.
          return error instanceof SyntaxError;
        }
      };
      expect(isFor(body)).toBe(true);
      expect(isFor(`${body} `)).toBe(false);
    },
  );
});

describe('what is no success', () => {
  it.each([400, 401, 404, 410, 422, 301, 308])('%i fails the run for good', async (status) => {
    answering(status, 'no such thing', { location: 'http://127.0.0.1:1/' });
    const { error, logs } = await run({});
    expect(error).toBeInstanceOf(PermanentError);
    expect((error as Error).message).toMatch(new RegExp(`^the target answered ${status}`));
    expect(logs).toEqual(['The answer began: no such thing']);
    expect(received).toHaveLength(1);
  });

  it.each([408, 425, 429, 500, 502, 503])('%i is worth another attempt', async (status) => {
    answering(status, '', { 'retry-after': '7' });
    const { error } = await run({});
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ message: `the target answered ${status}`, retryAfterMs: 7_000 });
  });

  it('is what the job says', async () => {
    answering(404);
    expect((await run({ success: { status: ['200', '400-404'] } })).error).toBeNull();
    answering(204);
    expect((await run({ success: { status: ['200', '400-404'] } })).error).toMatchObject({
      message: 'the target answered 204',
    });
  });

  it('is no answer', async () => {
    answer = (response) => void response.socket?.destroy();
    expect((await run({})).error).toMatchObject({ failure: 'connection_lost' });
    answer = () => undefined;
    expect((await run({ timeoutMs: 100 })).error).toMatchObject({ failure: 'timeout' });
  });

  it.each([
    ['before the head of an answer', () => undefined],
    ['behind it', (response: ServerResponse) => void response.writeHead(200).write('begun')],
  ])('stops at once when the run is aborted %s', async (_when, begin) => {
    const reason = new Error('cancelled');
    const ran = await run({}, (abort) => {
      answer = (response) => {
        begin(response);
        // The client has the head by then, or waits for it.
        setTimeout(() => abort(reason), 50);
      };
    });
    expect(ran).toMatchObject({ result: null, error: reason });
  });
});

describe('success by a value of the answer', () => {
  const json = JSON.stringify({ state: 'done', items: [{ id: 1 }], gone: null, nested: { a: [1, 2] } });
  it.each([
    [{ path: '$.state', equals: 'done' }, null],
    [{ path: '$.state' }, null],
    [{ path: '$.gone', exists: true }, null],
    [{ path: '$.gone', equals: null }, null],
    [{ path: '$.missing', exists: false }, null],
    [{ path: '$.nested', equals: { a: [1, 2] } }, null],
    [{ path: '$.state', equals: 'open' }, 'the answer has "done" at $.state, not "open"'],
    [{ path: '$.items[0].id', equals: '1' }, 'the answer has 1 at $.items[0].id, not "1"'],
    [{ path: '$.items[1]' }, 'the answer has nothing at $.items[1]'],
    [{ path: '$.state', exists: false }, 'the answer has something at $.state'],
    [{ path: '$.toString', exists: true }, 'the answer has nothing at $.toString'],
  ])('%j', async (rule, message) => {
    answering(200, json);
    const { error } = await run({ method: 'GET', success: { json: rule } });
    if (message === null) expect(error).toBeNull();
    else expect(error).toMatchObject({ message });
    expect(error).not.toBeInstanceOf(PermanentError);
  });

  it('needs JSON, and all of it', async () => {
    answering(200, '<html>');
    expect((await run({ success: { json: { path: '$.a' } } })).error).toMatchObject({
      message: 'the answer is not JSON',
    });
    answering(200, `{"state":"done","fill":"${'x'.repeat(1_100_000)}"}`);
    const large = await run({ success: { json: { path: '$.state', equals: 'done' } } });
    expect((large.error as Error).message).toContain('too large');
    answering(200, `{"fill":"${'x'.repeat(200_000)}","state":"done"}`);
    const read = await run({ success: { json: { path: '$.state', equals: 'done' } } });
    expect(read).toMatchObject({ error: null, result: { isWhole: false } });
    expect((read.result as { response: string }).response).toHaveLength(65_536);
  });

  it('is not brought down by JSON that was made for it', async () => {
    answering(200, '['.repeat(500_000));
    expect((await run({ success: { json: { path: '$.a' } } })).error).toBeInstanceOf(Error);
    const deep = 100_000;
    answering(200, `{"a":${'['.repeat(deep)}${']'.repeat(deep)}}`);
    const { error } = await run({ success: { json: { path: '$.a', equals: [] } } });
    expect(error).toBeInstanceOf(Error);
  });
});

describe('the kept answer', () => {
  it('is its beginning, as text that can be stored', async () => {
    answering(
      200,
      Buffer.concat([Buffer.from('a\0b\u001b[31m\r\n\tç'), Buffer.from([0xff, 0xfe]), Buffer.alloc(100_000, 120)]),
    );
    const { result } = await run({});
    const { response, isWhole } = result as { response: string; isWhole: boolean };
    expect(isWhole).toBe(false);
    expect(response.startsWith('a\ufffdb\ufffd[31m\r\n\tç\ufffd\ufffdxxx')).toBe(true);
    expect(Buffer.byteLength(response)).toBeLessThan(66_000);
  });
});

describe('a config', () => {
  const fits = (config: object): boolean => {
    try {
      configOf(type, { url, ...config });
      return true;
    } catch {
      return false;
    }
  };

  it('has defaults', () => {
    expect(configOf(type, { url })).toEqual({
      url,
      method: 'POST',
      timeoutMs: 30_000,
    });
  });

  it.each([
    { headers: { 'x-a': 'b\r\nx-evil: 1' } },
    { headers: { 'x-a': 'b\n' } },
    { headers: { 'x-a': 'a\0b' } },
    { headers: { 'x-a': ' b' } },
    { headers: { 'x-a': 'ü' } },
    { headers: { 'x a': 'b' } },
    { headers: { 'x-a\r\nx-evil': 'b' } },
    { headers: { '': 'b' } },
    { headers: { 'x-a': 1 } },
    { authorization: 'Bearer a\r\nx: y' },
    { method: 'CONNECT' },
    { method: 'get' },
    { signingSecret: 'whsec_short' },
    { success: { status: ['2xx'] } },
    { success: { status: [] } },
    { success: { status: ['600'] } },
    { success: { json: {} } },
    { timeoutMs: 300_001 },
    { redirect: 'follow' },
  ])('%j does not fit its schema', (config) => {
    expect(fits(config)).toBe(false);
  });

  it.each([
    'Host',
    'content-length',
    'Transfer-Encoding',
    'connection',
    'proxy-authorization',
    'cookie',
    'authorization',
    'webhook-signature',
  ])('may not set %s', async (name) => {
    expect(await refusal({ headers: { [name]: 'x' } })).toEqual({
      code: 'validation_failed',
      errors: [{ path: `/config/headers/${name}`, message: 'is not yours to set' }],
    });
  });

  it.each([
    [{ headers: { 'x-a': '1', 'X-A': '2' } }, '/config/headers/X-A'],
    [{ method: 'GET', body: 1 }, '/config/body'],
    [{ signingSecret: `whsec_${'A'.repeat(33)}` }, '/config/signingSecret'],
    [{ success: { status: ['299-200'] } }, '/config/success/status/0'],
    [{ success: { json: { path: '$..a' } } }, '/config/success/json/path'],
    [{ success: { json: { path: '$.a', exists: false, equals: 1 } } }, '/config/success/json/equals'],
    [{ method: 'HEAD', success: { json: { path: '$.a' } } }, '/config/success/json'],
  ])('%j is refused', async (config, path) => {
    expect(await refusal(config)).toEqual({
      code: 'validation_failed',
      errors: [{ path, message: expect.any(String) }],
    });
  });

  it.each(['http://169.254.169.254/latest/meta-data', 'http://10.0.0.1/', 'http://[::1]/'])(
    'may not lead to %s, when it is made and when it runs',
    async (target) => {
      expect((await refusal({ url: target })).code).toBe('forbidden_target');
      expect((await run({ url: target })).error).toBeInstanceOf(PermanentError);
    },
  );

  it('is bounded in its headers and its body', async () => {
    const headers = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, '']));
    expect([fits({ headers: headers(50) }), fits({ headers: headers(51) })]).toEqual([true, false]);
    expect((await refusal({ body: 'x'.repeat(262_144) })).code).toBe('none');
    expect((await refusal({ body: 'x'.repeat(262_145) })).code).toBe('validation_failed');
  });

  it('marks what is never shown again', () => {
    const { properties } = type.config as unknown as { properties: Record<string, { writeOnly?: boolean }> };
    const secret = Object.keys(properties).filter((name) => properties[name]?.writeOnly === true);
    expect(secret).toEqual(['authorization', 'signingSecret']);
  });
});
