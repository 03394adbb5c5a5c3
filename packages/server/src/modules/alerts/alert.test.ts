import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp } from '../../../test/app.ts';
import { newId } from '../../kernel/ids.ts';

let test: Awaited<ReturnType<typeof startTestApp>>;

beforeAll(async () => {
  test = await startTestApp();
  await call('POST', '/locations', { code: 'WH', name: 'x', type: 'warehouse' });
});
afterAll(() => test.close());

type Method = 'GET' | 'POST';

async function call(method: Method, path: string, body?: object) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, ...payload });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
}

const set = (sku: string, quantity: number) =>
  call('POST', `/inventory/${sku}/adjust`, { location: 'WH', type: 'set', quantity });

/** A product with 5 units and its low_stock alert open. */
async function lowProduct(sku: string): Promise<string> {
  await call('POST', '/products', { sku, name: sku, reorderPoint: 10 });
  expect((await set(sku, 5)).status).toBe(200);
  const { body } = await call('GET', `/alerts?sku=${sku}`);
  expect(body.items).toHaveLength(1);
  return body.items[0].id;
}

const nobody = () => newId(1_000);

describe('GET /alerts', () => {
  it('shows what opened, by which number', async () => {
    const id = await lowProduct('SHOWN');
    const { status, body } = await call('GET', `/alerts/${id}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      id,
      type: 'low_stock',
      status: 'active',
      sku: 'SHOWN',
      location: 'WH',
      threshold: 10,
      value: 5,
      openedAt: expect.stringMatching(/Z$/),
      acknowledgedAt: null,
      acknowledgedBy: null,
      resolvedAt: null,
    });
    expect((await call('GET', '/alerts?sku=SHOWN')).body.items).toEqual([body]);
  });

  it('lists newest first, by type, status and place, page by page', async () => {
    const first = await lowProduct('LIST-1');
    const second = await lowProduct('LIST-2');
    await set('LIST-2', 0);
    await set('LIST-1', 50);
    const idsOf = async (query: string) =>
      (await call('GET', `/alerts?${query}`)).body.items.map((alert: { id: string }) => alert.id);

    expect(await idsOf('sku=LIST-1&status=resolved')).toEqual([first]);
    expect(await idsOf('sku=LIST-1&status=active')).toEqual([]);
    expect(await idsOf('sku=LIST-2&type=low_stock')).toEqual([second]);
    expect(await idsOf('sku=LIST-2&type=out_of_stock&location=WH')).toHaveLength(1);
    expect(await idsOf('location=ELSEWHERE')).toEqual([]);

    const all = await idsOf('location=WH');
    expect(all).toEqual(all.toSorted().toReversed());
    expect(await idsOf('location=WH&sort=openedAt')).toEqual(all.toReversed());
    const page = await call('GET', '/alerts?location=WH&limit=2');
    const rest = await idsOf(`location=WH&cursor=${page.body.nextCursor}`);
    expect([...page.body.items.map((alert: { id: string }) => alert.id), ...rest]).toEqual(all);
    for (const more of ['', '&location=WH&sort=openedAt', '&location=WH&type=low_stock', '&location=WH&sku=LIST-1']) {
      const other = await call('GET', `/alerts?cursor=${page.body.nextCursor}${more}`);
      expect([more, other.body.code]).toEqual([more, 'invalid_cursor']);
    }
  });

  it('refuses what is no filter and knows no other ids', async () => {
    expect((await call('GET', '/alerts?status=open')).status).toBe(400);
    expect((await call('GET', '/alerts?type=fire')).status).toBe(400);
    expect((await call('GET', '/alerts/17')).status).toBe(400);
    expect((await call('GET', `/alerts/${nobody()}`)).body.code).toBe('alert_not_found');
  });
});

describe('POST /alerts/{id}/acknowledge', () => {
  it('says who saw it, once', async () => {
    const id = await lowProduct('ACK');
    const first = await call('POST', `/alerts/${id}/acknowledge`);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      status: 'acknowledged',
      acknowledgedAt: expect.stringMatching(/Z$/),
      acknowledgedBy: expect.any(String),
    });
    const again = await call('POST', `/alerts/${id}/acknowledge`);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect((await call('GET', `/alerts/${id}`)).body).toEqual(first.body);

    await set('ACK', 100);
    const resolved = await call('GET', `/alerts/${id}`);
    expect(resolved.body).toEqual({ ...first.body, status: 'resolved', resolvedAt: expect.any(String) });
  });

  it('is told once, however many say so at once', async () => {
    const id = await lowProduct('AT-ONCE');
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', `/alerts/${id}/acknowledge`)));
    const { body } = await call('GET', `/alerts/${id}`);
    expect(answers.map((answer) => answer.body)).toEqual(Array(8).fill(body));
    const { items } = (await call('GET', '/audit?kind=alert.acknowledged&limit=8')).body;
    expect(items.filter(({ subject }: { subject: string }) => subject === id)).toHaveLength(1);
  });

  it('refuses a resolved one, and an unknown one', async () => {
    const id = await lowProduct('LATE');
    await set('LATE', 100);
    const { status, body } = await call('POST', `/alerts/${id}/acknowledge`);
    expect(status).toBe(409);
    expect(body.code).toBe('invalid_transition');
    expect((await call('POST', `/alerts/${nobody()}/acknowledge`)).body.code).toBe('alert_not_found');
  });

  it('stands in the audit trail', async () => {
    const id = await lowProduct('AUDITED');
    const { body } = await call('POST', `/alerts/${id}/acknowledge`);
    const audit = await call('GET', '/audit?kind=alert.acknowledged&limit=1');
    expect(audit.body.items[0]).toMatchObject({ subject: id, data: body });
  });
});

describe('POST /alerts/acknowledge', () => {
  it('acknowledges the active ones and counts them', async () => {
    const active = [await lowProduct('MANY-1'), await lowProduct('MANY-2')];
    const resolved = await lowProduct('MANY-3');
    await set('MANY-3', 100);
    const ids = [...active, resolved, ...active];
    const { status, body } = await call('POST', '/alerts/acknowledge', { ids });
    expect(status).toBe(200);
    expect(body).toEqual({ acknowledged: 2 });
    expect((await call('POST', '/alerts/acknowledge', { ids })).body).toEqual({ acknowledged: 0 });
    const shown = await Promise.all(active.map(async (id) => (await call('GET', `/alerts/${id}`)).body));
    expect(shown.map((alert) => alert.status)).toEqual(['acknowledged', 'acknowledged']);
    const { items } = (await call('GET', '/audit?kind=alert.acknowledged&limit=2')).body;
    expect(items.map(({ data }: { data: object }) => data)).toEqual(shown.toReversed());
    expect((await call('GET', `/alerts/${resolved}`)).body.status).toBe('resolved');
  });

  it('does nothing where an id is unknown', async () => {
    const id = await lowProduct('MANY-4');
    const { status, body } = await call('POST', '/alerts/acknowledge', { ids: [id, nobody()] });
    expect(status).toBe(404);
    expect([body.code, body.detail]).toEqual(['alert_not_found', expect.not.stringContaining('others')]);
    const two = await call('POST', '/alerts/acknowledge', { ids: [nobody(), id, nobody()] });
    expect(two.body.detail).toContain('nor any of 1 others');
    expect((await call('GET', `/alerts/${id}`)).body.status).toBe('active');
  });

  it.each([[{ ids: [] }], [{}], [{ ids: ['x'] }], [{ ids: 'x' }]])('refuses %j', async (body) => {
    expect((await call('POST', '/alerts/acknowledge', body)).status).toBe(400);
  });
});
