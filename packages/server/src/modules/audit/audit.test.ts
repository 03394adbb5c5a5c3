import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp } from '../../../test/app.ts';

let test: Awaited<ReturnType<typeof startTestApp>>;

beforeAll(async () => {
  test = await startTestApp();
});
afterAll(() => test.close());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

async function call(method: Method, path: string, body?: object, headers: Record<string, string> = {}) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, headers, ...payload });
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
}

const limit = { algorithm: 'fixed_window', limit: 9, windowMs: 1_000, subject: 'user', enabled: false };

describe('GET /audit', () => {
  it('tells who changed what, newest first, with what it became', async () => {
    const created = await call('POST', '/products', { sku: 'A-1', name: 'x' }, { 'x-request-id': 'request-1' });
    await call('POST', '/locations', { code: 'A-WH', name: 'x', type: 'store' });
    await call('PATCH', '/products/A-1', { name: 'y' });
    await call('DELETE', '/locations/A-WH');
    const { status, body } = await call('GET', '/audit');
    expect(status).toBe(200);
    const trail = body.items.map((entry: { kind: string; subject: string }) => [entry.kind, entry.subject]);
    expect(trail).toEqual([
      ['location.archived', 'A-WH'],
      ['product.updated', 'A-1'],
      ['location.created', 'A-WH'],
      ['product.created', 'A-1'],
    ]);
    expect(body.items[3]).toEqual({
      id: expect.any(Number),
      at: created.body.createdAt,
      kind: 'product.created',
      actor: expect.any(String),
      requestId: 'request-1',
      subject: 'A-1',
      data: created.body,
    });
    expect(body.items[1].data).toMatchObject({ name: 'y', version: 2 });
  });

  it('leaves stock out: that is the ledger’s', async () => {
    await call('POST', '/locations', { code: 'B-WH', name: 'x', type: 'store' });
    await call('POST', '/products', { sku: 'B-1', name: 'x' });
    await call('POST', '/inventory/B-1/adjust', { location: 'B-WH', type: 'add', quantity: 5 });
    const { body } = await call('GET', '/audit?limit=2');
    expect(body.items.map(({ kind }: { kind: string }) => kind)).toEqual(['product.created', 'location.created']);
  });

  it('filters by kind, actor and time, and reads on from a cursor', async () => {
    for (const sku of ['C-1', 'C-2', 'C-3']) await call('POST', '/products', { sku, name: 'x', category: 'c' });
    const subjectsOf = async (query: string) =>
      (await call('GET', `/audit?${query}`)).body.items.map(({ subject }: { subject: string }) => subject);

    expect(await subjectsOf('kind=product.created&limit=3')).toEqual(['C-3', 'C-2', 'C-1']);
    const page = await call('GET', '/audit?kind=product.created&limit=2');
    const rest = await subjectsOf(`kind=product.created&limit=1&cursor=${page.body.nextCursor}`);
    expect(rest).toEqual(['C-1']);
    expect((await call('GET', `/audit?cursor=${page.body.nextCursor}`)).body.code).toBe('invalid_cursor');

    const { actor, at } = page.body.items[0];
    expect(await subjectsOf(`actor=${actor}&limit=1`)).toEqual(['C-3']);
    expect(await subjectsOf('actor=nobody')).toEqual([]);
    expect(await subjectsOf(`from=${at}&kind=product.created`)).toContain('C-3');
    expect(await subjectsOf(`to=${at}&kind=product.created`)).not.toContain('C-3');
    // A tenth of a millisecond later.
    const after = at.replace('Z', '1Z');
    expect(await subjectsOf(`from=${after}&kind=product.created`)).not.toContain('C-3');
    expect(await subjectsOf(`to=${after}&kind=product.created`)).toContain('C-3');
  });

  it('is one list of all that is told there, page by page, and its cursor is for no other', async () => {
    await call('POST', '/rate-limits', { ...limit, name: 'one' });
    await call('POST', '/products', { sku: 'M-1', name: 'x' });
    await call('POST', '/rate-limits', { ...limit, name: 'two' });
    await call('POST', '/products', { sku: 'M-2', name: 'x' });
    const kinds: string[] = [];
    let cursor = '';
    for (let page = 0; page < 4; page += 1) {
      const { body } = await call('GET', `/audit?limit=1${cursor}`);
      kinds.push(...body.items.map(({ kind }: { kind: string }) => kind));
      cursor = `&cursor=${body.nextCursor}`;
    }
    const pair = ['product.created', 'rate_limit.created'];
    expect(kinds).toEqual([...pair, ...pair]);
    for (const other of ['actor=open', 'from=2020-01-01T00:00:00Z', 'to=2999-01-01T00:00:00Z']) {
      expect((await call('GET', `/audit?${other}${cursor}`)).body.code).toBe('invalid_cursor');
    }
  });

  it('takes every offset and the last instant that a time can have', async () => {
    const { body: made } = await call('POST', '/products', { sku: 'D-1', name: 'x' });
    const here = Date.parse(made.createdAt);
    const ahead = `${new Date(here + 86_340_000).toISOString().slice(0, -1)}%2B23:59`;
    const behind = `${new Date(here - 86_340_000).toISOString().slice(0, -1)}-23:59`;
    for (const at of [ahead, behind]) {
      const { status, body } = await call('GET', `/audit?kind=product.created&from=${at}`);
      expect([status, body.items.map(({ subject }: { subject: string }) => subject)]).toEqual([200, ['D-1']]);
      expect((await call('GET', `/audit?kind=product.created&from=${at}&to=${at}`)).body.items).toEqual([]);
    }
    expect((await call('GET', '/audit?limit=1&to=9999-12-31T23:59:59.9999999Z')).body.items).toHaveLength(1);
  });

  it('refuses what is no filter', async () => {
    for (const query of ['kind=reservation.created', 'from=yesterday', 'to=2026-02-30T00:00:00Z', 'actor=', 'who=me']) {
      expect((await call('GET', `/audit?${query}`)).status).toBe(400);
    }
  });
});
