import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { newId } from '../../kernel/ids.ts';
import { Receiver } from './webhooks.fixture.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

let test: TestApp;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await Receiver.start();
  test = await startTestApp({ env: { HOLDFAST_EGRESS_ALLOW: '127.0.0.1' } });
});
afterAll(async () => {
  await test.close();
  await receiver.close();
});
beforeEach(async () => {
  const { items } = (await ask('GET', '/webhooks?limit=200')).body;
  for (const { id } of items) await ask('DELETE', `/webhooks/${id}`);
  receiver.received.length = 0;
  receiver.answer = (_received, response) => void response.end('{"received":true}');
});

async function ask(method: Method, path: string, body?: object, headers: Record<string, string> = {}) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, headers, ...payload });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
}

const URL = 'https://93.184.216.34/hooks';
const create = async (body: object = {}) => (await ask('POST', '/webhooks', { url: URL, events: ['*'], ...body })).body;

describe('a webhook', () => {
  it('is not made of what is no JSON', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await test.app.inject({ method: 'POST', url: '/api/v1/webhooks', payload: '{"url":', headers });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'malformed_json']);
  });

  it('is made, and shows its secret once', async () => {
    const body = { url: URL, events: ['stock.changed', 'reservation.*'], topics: ['product:SKU-1'] };
    const made = await ask('POST', '/webhooks', body, { 'idempotency-key': 'make-1' });
    expect(made.status).toBe(201);
    const { secret, ...shown } = made.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toEqual({
      id: expect.any(String),
      ...body,
      enabled: true,
      disabledReason: null,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(made.headers).toMatchObject({ location: `/api/v1/webhooks/${shown.id}`, etag: '"1"' });

    const repeat = await ask('POST', '/webhooks', body, { 'idempotency-key': 'make-1' });
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.body).toEqual({ ...shown, secret: null });

    const got = await ask('GET', `/webhooks/${shown.id}`);
    expect(got.body).toEqual(shown);
    expect(got.headers['etag']).toBe('"1"');
    expect((await ask('GET', '/webhooks')).body).toEqual({ items: [shown], nextCursor: null });
    const audit = (await ask('GET', '/audit?kind=webhook.created')).body;
    expect(audit.items[0]).toMatchObject({ subject: shown.id, data: shown });
    expect(JSON.stringify(audit)).not.toContain(secret);
  });

  it('changes under its version', async () => {
    const { id } = await create({ topics: ['alerts'] });
    const stale = await ask('PATCH', `/webhooks/${id}`, { events: ['alert.*'] }, { 'if-match': '"7"' });
    expect(stale.body.code).toBe('precondition_failed');
    const changed = await ask('PATCH', `/webhooks/${id}`, { events: ['alert.*'], topics: null }, { 'if-match': '"1"' });
    expect(changed.body).toMatchObject({ url: URL, events: ['alert.*'], topics: [], version: 2 });
    expect(changed.headers['etag']).toBe('"2"');
    for (const nothing of [{}, { url: URL, events: ['alert.*'], topics: [], enabled: true }]) {
      expect((await ask('PATCH', `/webhooks/${id}`, nothing)).body).toEqual(changed.body);
    }
    const paused = await ask('PATCH', `/webhooks/${id}`, { enabled: false });
    expect(paused.body).toMatchObject({ enabled: false, disabledReason: 'request', version: 3 });
    const enabled = await ask('POST', `/webhooks/${id}/enable`);
    expect(enabled.body).toMatchObject({ enabled: true, disabledReason: null, version: 4 });
    const { items } = (await ask('GET', '/audit?limit=4')).body;
    expect(items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'webhook.enabled',
      'webhook.disabled',
      'webhook.updated',
      'webhook.created',
    ]);
  });

  it('is deleted with all that belongs to it', async () => {
    const { id } = await create();
    expect((await ask('DELETE', `/webhooks/${id}`, undefined, { 'if-match': '"9"' })).status).toBe(412);
    expect((await ask('DELETE', `/webhooks/${id}`)).status).toBe(204);
    for (const path of ['', '/deliveries', '/status']) {
      expect((await ask('GET', `/webhooks/${id}${path}`)).body.code).toBe('webhook_not_found');
    }
    for (const action of ['enable', 'test', 'rotate-secret']) {
      expect((await ask('POST', `/webhooks/${id}/${action}`)).body.code).toBe('webhook_not_found');
    }
    const tables = ['webhook_secret', 'webhook_progress', 'webhook_delivery'] as const;
    for (const table of tables) {
      expect(await test.database.kysely.selectFrom(table).selectAll().execute()).toEqual([]);
    }
  });

  it('is listed page by page, newest first', async () => {
    const ids = [await create(), await create(), await create()].map(({ id }) => id);
    const first = (await ask('GET', '/webhooks?limit=2')).body;
    const rest = (await ask('GET', `/webhooks?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids.toReversed());
  });

  it.each([
    ['no URL', { events: ['*'] }, '/url'],
    ['no events', { url: URL, events: [] }, '/events'],
    ['an unknown event', { url: URL, events: ['stock.moved'] }, '/events/0'],
    ['an event twice', { url: URL, events: ['*', '*'] }, '/events'],
    ['a strange topic', { url: URL, events: ['*'], topics: ['products'] }, '/topics/0'],
    ['a secret of the caller’s own', { url: URL, events: ['*'], secret: 'whsec_x' }, '/secret'],
    ['another scheme', { url: 'ftp://93.184.216.34/', events: ['*'] }, '/url'],
    ['a password', { url: 'https://a:b@93.184.216.34/', events: ['*'] }, '/url'],
  ])('is refused with %s', async (_what, body, path) => {
    const answer = await ask('POST', '/webhooks', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.errors[0].path).toBe(path);
  });

  it.each(['http://127.0.0.2/', 'http://0x7f000002/', 'http://[::1]/', 'http://169.254.169.254/'])(
    'is refused for %s, when it is made and when it is changed',
    async (url) => {
      const { id } = await create();
      for (const answer of [
        await ask('POST', '/webhooks', { url, events: ['*'] }),
        await ask('PATCH', `/webhooks/${id}`, { url }),
      ]) {
        expect([answer.status, answer.body.code]).toEqual([400, 'forbidden_target']);
      }
    },
  );

  it('is unknown by other ids', async () => {
    expect((await ask('GET', `/webhooks/${newId(1_000)}`)).body.code).toBe('webhook_not_found');
    expect((await ask('GET', '/webhooks/1')).status).toBe(400);
  });
});

it('webhooks belong to admins', async () => {
  const other = await startTestApp();
  const asks = (key: string) =>
    other.app.inject({ url: '/api/v1/webhooks', headers: { authorization: `Bearer ${key}` } });
  const makeKey = async (scopes: string[], headers = {}): Promise<string> => {
    const payload = { name: 'key', scopes };
    const answer = await other.app.inject({ method: 'POST', url: '/api/v1/api-keys', payload, headers });
    return answer.json<{ key: string }>().key;
  };
  const admin = await makeKey(['admin']);
  const stock = await makeKey(['stock', 'reserve'], { authorization: `Bearer ${admin}` });
  expect([(await asks(admin)).statusCode, (await asks(stock)).statusCode]).toEqual([200, 403]);
  await other.close();
});
