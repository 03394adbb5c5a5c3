import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

let test: TestApp;

interface Listed {
  id: string;
  status: string;
  orderId: string | null;
}

async function call(method: 'GET' | 'POST', path: string, body?: object) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, ...payload });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

async function made(path: string, body: object) {
  const answer = await call('POST', path, body);
  if (answer.status >= 300) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const hold = (orderId: string, fields: object = {}) =>
  made('/reservations', { orderId, lines: [{ sku: 'CUP', location: 'WH001', quantity: 1 }], ...fields });

async function list(query = ''): Promise<{ items: Listed[]; nextCursor: string | null }> {
  const answer = await call('GET', `/reservations?${query}`);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

const orders = async (query: string): Promise<(string | null)[]> =>
  (await list(query)).items.map(({ orderId }) => orderId);

/** Lets a hold lapse without a sweep. */
async function lapse(id: string) {
  const past = `expires_at = created_at + interval '1 millisecond', created_at = created_at - interval '1 hour'`;
  await test.database.pool.query(`UPDATE reservation SET ${past} WHERE id = $1`, [id]);
}

beforeAll(async () => {
  test = await startTestApp();
  for (const code of ['WH001', 'WH002']) await made('/locations', { code, name: code, type: 'warehouse' });
  for (const sku of ['CUP', 'JUG', 'PAN']) {
    await made('/products', { sku, name: sku });
    for (const location of ['WH001', 'WH002']) {
      await made(`/inventory/${sku}/adjust`, { location, type: 'set', quantity: 100 });
    }
  }
});
afterAll(() => test.close());

describe('GET /reservations/{id}', () => {
  it('answers what the command answered', async () => {
    const lines = [
      { sku: 'JUG', location: 'WH002', quantity: 2, attributes: { size: 'L' } },
      { sku: 'CUP', location: 'WH001', quantity: 3 },
      { sku: 'JUG', location: 'WH001', quantity: 1 },
    ];
    const answered = await made('/reservations', { lines, userId: 'ada', type: 'cart' });
    const { status, headers, body } = await call('GET', `/reservations/${answered.id}`);
    expect(status).toBe(200);
    expect(body).toEqual(answered);
    expect(headers['etag']).toMatch(/^"1\.[\w-]{16}"$/);
    expect(body.lines.map(({ sku, location }: { sku: string; location: string }) => `${sku} ${location}`)).toEqual([
      'JUG WH002',
      'CUP WH001',
      'JUG WH001',
    ]);
    const confirmed = await made(`/reservations/${answered.id}/confirm`, {});
    expect((await call('GET', `/reservations/${answered.id}`)).body).toEqual(confirmed);
  });

  it('answers what a partial reservation got, line by line', async () => {
    const lines = [
      { sku: 'PAN', location: 'WH001', quantity: 130 },
      { sku: 'PAN', location: 'WH001', quantity: 5 },
    ];
    const answered = await made('/reservations', { lines, partial: true });
    const { body } = await call('GET', `/reservations/${answered.id}`);
    expect(body).toEqual(answered);
    expect(body.lines).toMatchObject([
      { quantity: 100, requested: 130, line: 0 },
      { quantity: 0, requested: 5, line: 1 },
    ]);
  });

  it('says expired from the instant of expiry, with the version that the release will write', async () => {
    const { id } = await hold('LAPSED-1');
    await lapse(id);
    const { headers, body } = await call('GET', `/reservations/${id}`);
    expect(body).toMatchObject({ status: 'expired', version: 2 });
    expect(body.expiredAt).toBe(body.expiresAt);
    expect(headers['etag']).toMatch(/^"2\.[\w-]{16}"$/);
  });

  it('gives each of many readers at once its own answer', async () => {
    const held = await Promise.all(Array.from({ length: 10 }, (_, i) => hold(`MANY-${i}`)));
    const asked = Array.from({ length: 50 }, (_, i) => i % 10);
    const answers = await Promise.all(asked.map((i) => call('GET', `/reservations/${held[i].id}`)));
    expect(answers.map(({ body }) => body.orderId)).toEqual(asked.map((i) => `MANY-${i}`));
  });

  it('knows its own ids alone', async () => {
    const unknown = '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b';
    expect(await call('GET', `/reservations/${unknown}`)).toMatchObject({
      status: 404,
      body: { code: 'reservation_not_found' },
    });
    expect(await call('GET', '/reservations/nonsense')).toMatchObject({ status: 400 });
  });
});

describe('GET /reservations', () => {
  const mine = 'userId=lister';
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    const make = async (orderId: string, fields: object = {}) => {
      ids[orderId] = (await hold(orderId, { userId: 'lister', ...fields })).id;
    };
    await make('PENDING', { ttlSeconds: 600 });
    await make('CONFIRMED');
    await make('SHIPPED');
    await make('CANCELLED');
    await make('LAPSED');
    await make('JUGS', {
      ttlSeconds: 86_400,
      lines: [
        { sku: 'JUG', location: 'WH002', quantity: 1 },
        { sku: 'JUG', location: 'WH002', quantity: 1 },
        { sku: 'CUP', location: 'WH001', quantity: 1 },
      ],
    });
    await made(`/reservations/${ids['CONFIRMED']}/confirm`, {});
    await made(`/reservations/${ids['SHIPPED']}/confirm`, { ship: true });
    await made(`/reservations/${ids['CANCELLED']}/cancel`, { reason: 'ordered twice' });
    await lapse(ids['LAPSED'] ?? '');
  });

  it('shows them newest first, each as it is shown alone', async () => {
    expect(await orders(mine)).toEqual(['JUGS', 'LAPSED', 'CANCELLED', 'SHIPPED', 'CONFIRMED', 'PENDING']);
    expect(await orders(`${mine}&sort=createdAt&limit=2`)).toEqual(['PENDING', 'CONFIRMED']);
    for (const item of (await list(mine)).items) {
      expect(item).toEqual((await call('GET', `/reservations/${item.id}`)).body);
    }
  });

  it('says why it was cancelled, and keeps the first reason', async () => {
    const again = await made(`/reservations/${ids['CANCELLED']}/cancel`, { reason: 'another' });
    expect(again).toMatchObject({ status: 'cancelled', cancelReason: 'ordered twice' });
    expect((await call('GET', `/reservations/${ids['CANCELLED']}`)).body).toEqual(again);
    expect((await call('GET', `/reservations/${ids['PENDING']}`)).body).toMatchObject({ cancelReason: null });
  });

  it('filters by status, and a lapsed hold is expired, never pending', async () => {
    expect(await orders(`${mine}&status=pending`)).toEqual(['JUGS', 'PENDING']);
    expect(await orders(`${mine}&status=expired`)).toEqual(['LAPSED']);
    expect(await orders(`${mine}&status=confirmed`)).toEqual(['CONFIRMED']);
    expect(await orders(`${mine}&status=shipped`)).toEqual(['SHIPPED']);
    expect(await orders(`${mine}&status=cancelled`)).toEqual(['CANCELLED']);
    const pending = await list('status=pending&limit=200');
    expect(new Set(pending.items.map(({ status }) => status))).toEqual(new Set(['pending']));
    expect(pending.items.map(({ id }) => id)).not.toContain(ids['LAPSED']);
    expect(await orders('status=expired')).toEqual(['LAPSED', 'LAPSED-1']);
    expect(await orders('status=cancelled')).toEqual(['CANCELLED']);
  });

  it('filters by order, product and place', async () => {
    expect(await orders('orderId=SHIPPED')).toEqual(['SHIPPED']);
    expect(await orders('orderId=NOPE')).toEqual([]);
    expect(await orders('sku=JUG')).toEqual(['JUGS', null]);
    expect(await orders('sku=JUG&sort=createdAt')).toEqual([null, 'JUGS']);
    expect(await orders('sku=JUG&location=WH002')).toEqual(['JUGS', null]);
    expect(await orders('sku=JUG&location=WH001')).toEqual([null]);
    expect(await orders('sku=CUP&location=WH002')).toEqual([]);
    expect(await orders(`${mine}&sku=JUG`)).toEqual(['JUGS']);
    expect(await orders(`${mine}&sku=JUG&location=WH001`)).toEqual([]);
    expect(await orders(`${mine}&location=WH002`)).toEqual(['JUGS']);
    expect(await orders('location=WH002')).toEqual(['JUGS', null]);
    expect(await orders('sku=JUG&status=pending')).toEqual(['JUGS']);
    expect(await orders('sku=NOPE')).toEqual([]);
    expect(await orders('location=NOPE')).toEqual([]);
  });

  it('finds the pending ones that expire before a time', async () => {
    const { expiresAt } = (await call('GET', `/reservations/${ids['PENDING']}`)).body;
    const after = new Date(Date.parse(expiresAt) + 1).toISOString();
    expect(await orders(`${mine}&expiringBefore=${expiresAt}`)).toEqual([]);
    expect(await orders(`${mine}&expiringBefore=${after}`)).toEqual(['PENDING']);
    expect(await orders(`expiringBefore=${after}`)).toEqual(['PENDING']);
    expect(await orders(`expiringBefore=${after}&status=confirmed`)).toEqual([]);
    expect(await orders('expiringBefore=9999-01-01T00:00:00Z&sku=JUG')).toEqual(['JUGS']);
    expect(await orders('expiringBefore=9999-12-31T23:59:59.9999999Z&sku=JUG')).toEqual(['JUGS']);
  });

  it.each([
    mine,
    `${mine}&sort=createdAt`,
    'sku=CUP',
    'status=pending',
    'status=pending&sort=expiresAt',
    'status=pending&sort=-expiresAt',
    'location=WH001',
    '',
  ])('pages %s without a gap or a repeat', async (query) => {
    const whole = (await list(`${query === '' ? '' : `${query}&`}limit=200`)).items;
    const paged: unknown[] = [];
    for (let cursor = ''; ;) {
      const { items, nextCursor } = await list(`${query === '' ? '' : `${query}&`}limit=3${cursor}`);
      paged.push(...items);
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(paged).toEqual(whole);
    expect(whole.length).toBeGreaterThan(5);
  });

  it('shows what lapses next, of pending ones', async () => {
    const inAMinute = (orderId: string, minutes: number) => hold(orderId, { userId: 'eve', ttlSeconds: 60 * minutes });
    for (const [orderId, minutes] of [
      ['THIRD', 30],
      ['FIRST', 10],
      ['GONE', 5],
      ['SECOND', 20],
    ] as const) {
      const { id } = await inAMinute(orderId, minutes);
      if (orderId === 'GONE') await lapse(id);
    }
    const next = 'userId=eve&status=pending&sort=expiresAt';
    expect(await orders(next)).toEqual(['FIRST', 'SECOND', 'THIRD']);
    expect(await orders('userId=eve&status=pending&sort=-expiresAt')).toEqual(['THIRD', 'SECOND', 'FIRST']);
    expect(await orders(`${next}&sku=CUP&location=WH001`)).toEqual(['FIRST', 'SECOND', 'THIRD']);
    expect(await orders(`${next}&sku=JUG`)).toEqual([]);
    const { expiresAt } = (await list(`${next}&limit=1`)).items[0] as Listed & { expiresAt: string };
    expect(await orders(`${next}&expiringBefore=${expiresAt}`)).toEqual([]);
    for (const query of ['sort=expiresAt', 'sort=-expiresAt&status=expired', 'sort=expiresAt&orderId=FIRST']) {
      expect((await call('GET', `/reservations?${query}`)).body).toMatchObject({ errors: [{ path: 'sort' }] });
    }
  });

  it("refuses another list's cursor, and what it does not know", async () => {
    const { nextCursor } = await list('limit=1');
    for (const query of [`status=pending&cursor=${nextCursor}`, `sort=createdAt&cursor=${nextCursor}`, 'cursor=x']) {
      expect({ query, ...(await call('GET', `/reservations?${query}`)) }).toMatchObject({
        query,
        body: { code: 'invalid_cursor' },
      });
    }
    for (const query of ['status=lost', 'expiringBefore=soon', 'limit=0', 'colour=blue']) {
      expect({ query, ...(await call('GET', `/reservations?${query}`)) }).toMatchObject({ query, status: 400 });
    }
  });
});
