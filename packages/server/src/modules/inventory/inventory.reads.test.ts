import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

let test: TestApp;

beforeAll(async () => {
  test = await startTestApp();
  for (const [code, priority] of [
    ['WH001', 20],
    ['WH002', 10],
    ['SHOP', 30],
  ] as const) {
    await made('/locations', { code, name: code, type: 'warehouse', priority });
  }
});
afterAll(() => test.close());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

async function call(method: Method, path: string, body?: object) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, ...payload });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
}

async function made(path: string, body: object) {
  const answer = await call('POST', path, body);
  if (answer.status >= 300) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const product = (sku: string, fields: object = {}) => made('/products', { sku, name: `The ${sku}`, ...fields });
const stock = (sku: string, location: string, quantity: number) =>
  made(`/inventory/${sku}/adjust`, { location, type: 'set', quantity });
const hold = (sku: string, location: string, quantity: number) =>
  made('/reservations', { lines: [{ sku, location, quantity }] });

async function get(path: string) {
  const answer = await call('GET', path);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

/** Lets a hold lapse without a sweep. */
async function lapse(reservationId: string) {
  const past = `created_at = created_at - interval '1 hour', expires_at = created_at - interval '1 second'`;
  await test.database.pool.query(`UPDATE reservation SET ${past} WHERE id = $1`, [reservationId]);
  await test.database.pool.query(
    `UPDATE reservation_line SET expires_at = clock_timestamp() - interval '1 second' WHERE reservation_id = $1`,
    [reservationId],
  );
}

describe('GET /inventory/{sku}/locations/{code}', () => {
  it('answers zeros and the settings of the product where nothing was touched', async () => {
    await product('LEVEL-0', { safetyStock: 2, reorderPoint: 10, reorderQuantity: 50, maxLevel: 500 });
    const { status, headers, body } = await call('GET', '/inventory/LEVEL-0/locations/WH001');
    expect(status).toBe(200);
    expect(headers['etag']).toMatch(/^"0\.[\w-]{16}"$/);
    expect(body).toEqual({
      sku: 'LEVEL-0',
      location: 'WH001',
      onHand: 0,
      reserved: 0,
      committed: 0,
      safetyStock: 2,
      available: 0,
      incoming: 0,
      shortage: 0,
      reorderPoint: 10,
      reorderQuantity: 50,
      maxLevel: 500,
      bin: { zone: null, aisle: null, shelf: null },
      version: 0,
      lastMovementAt: null,
      lastCountAt: null,
    });
  });

  it('answers what is there, and a tag that begins with its version', async () => {
    await product('LEVEL-1', { safetyStock: 2 });
    await stock('LEVEL-1', 'WH001', 20);
    await hold('LEVEL-1', 'WH001', 5);
    const { headers, body } = await call('GET', '/inventory/LEVEL-1/locations/WH001');
    expect(body).toMatchObject({ onHand: 20, reserved: 5, committed: 0, safetyStock: 2, available: 13, version: 2 });
    expect(body.lastMovementAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(headers['etag']).toMatch(/^"2\.[\w-]{16}"$/);
  });

  it('says which of the names is unknown', async () => {
    expect(await call('GET', '/inventory/NOPE/locations/WH001')).toMatchObject({
      status: 404,
      body: { code: 'product_not_found' },
    });
    expect(await call('GET', '/inventory/LEVEL-0/locations/NOPE')).toMatchObject({
      status: 404,
      body: { code: 'location_not_found' },
    });
    expect(await call('GET', '/inventory/-/locations/WH001')).toMatchObject({
      status: 400,
      body: { code: 'validation_failed' },
    });
  });

  it('gives each of many readers at once its own answer', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => product(`MANY-${i}`)));
    await Promise.all(Array.from({ length: 20 }, (_, i) => stock(`MANY-${i}`, 'WH001', 100 + i)));
    const asked = Array.from({ length: 200 }, (_, i) => i % 21);
    const answers = await Promise.all(asked.map((i) => call('GET', `/inventory/MANY-${i}/locations/WH001`)));
    expect(answers.map(({ status, body }) => [status, body.sku ?? body.code, body.onHand])).toEqual(
      asked.map((i) => (i === 20 ? [404, 'product_not_found', undefined] : [200, `MANY-${i}`, 100 + i])),
    );
  });

  it('says nothing is available at an inactive location, and takes the name NULL for a name', async () => {
    await product('NULL');
    await made('/locations', { code: 'null', name: 'x', type: 'virtual' });
    await stock('NULL', 'null', 4);
    expect((await get('/inventory/NULL/locations/null')).available).toBe(4);
    await call('PATCH', '/locations/null', { active: false });
    expect(await get('/inventory/NULL/locations/null')).toMatchObject({ onHand: 4, available: 0 });
  });
});

describe('GET /inventory/{sku}', () => {
  it('sums up its levels, by priority of their locations', async () => {
    await product('STOCK-1', { safetyStock: 1 });
    await stock('STOCK-1', 'WH001', 10);
    await stock('STOCK-1', 'WH002', 20);
    const { id } = await hold('STOCK-1', 'WH002', 4);
    await call('POST', `/reservations/${id}/confirm`);
    await hold('STOCK-1', 'WH001', 3);
    const { totals, levels, ...rest } = await get('/inventory/STOCK-1');
    expect(rest).toEqual({ sku: 'STOCK-1', name: 'The STOCK-1' });
    expect(totals).toEqual({ onHand: 30, reserved: 3, committed: 4, available: 21, incoming: 0, shortage: 0 });
    expect(levels.map((level: { location: string; available: number }) => [level.location, level.available])).toEqual([
      ['WH002', 15],
      ['WH001', 6],
    ]);
    expect(levels[1]).toEqual(await get('/inventory/STOCK-1/locations/WH001'));
  });

  it('counts shortages level by level, and active locations alone as available', async () => {
    await product('STOCK-2');
    await made('/locations', { code: 'CLOSED', name: 'x', type: 'store' });
    await stock('STOCK-2', 'WH001', 5);
    await hold('STOCK-2', 'WH001', 5);
    await made('/inventory/STOCK-2/adjust', { location: 'WH001', type: 'set', quantity: 2, force: true });
    await stock('STOCK-2', 'CLOSED', 8);
    await call('PATCH', '/locations/CLOSED', { active: false });
    const { totals } = await get('/inventory/STOCK-2');
    expect(totals).toEqual({ onHand: 10, reserved: 5, committed: 0, available: 0, incoming: 0, shortage: 3 });
  });

  it('answers a product without levels, and 404 without a product', async () => {
    await product('STOCK-3');
    expect(await get('/inventory/STOCK-3')).toMatchObject({ totals: { onHand: 0, available: 0 }, levels: [] });
    expect(await call('GET', '/inventory/NOPE')).toMatchObject({ status: 404, body: { code: 'product_not_found' } });
  });

  it('keeps the name and the numbers of an archived product', async () => {
    await product('STOCK-4');
    await stock('STOCK-4', 'WH001', 1);
    await stock('STOCK-4', 'WH001', 0);
    await call('DELETE', '/products/STOCK-4');
    expect((await get('/inventory/STOCK-4')).levels).toHaveLength(1);
  });
});

describe('GET /inventory/{sku}?at=', () => {
  const then = async (sku: string, instant: string) => {
    const { totals, levels } = await get(`/inventory/${sku}?at=${encodeURIComponent(instant)}`);
    return [totals.onHand, totals.reserved, levels.map((level: { onHand: number }) => level.onHand)];
  };

  it('answers what was there after the last movement until then', async () => {
    await product('THEN-1');
    await stock('THEN-1', 'WH001', 0);
    await stock('THEN-1', 'WH002', 0);
    // The ledger is append-only, but not closed: what happened in January.
    for (const [seq, at, location, onHand, reserved] of [
      [1, '2026-01-01T12:00:00.000Z', 'WH001', 10, 0],
      [2, '2026-01-01T13:00:00.000Z', 'WH001', 10, 4],
      [3, '2026-01-01T14:00:00.000Z', 'WH002', 7, 0],
    ] as const) {
      await test.database.pool.query(
        `INSERT INTO ledger_entry (seq, at, type, product_id, location_id, delta_on_hand, delta_reserved,
           delta_committed, on_hand, reserved, committed, actor)
         SELECT $1, $2, 'adjustment', product.id, location.id, 0, 0, 0, $4, $5, 0, 'system:test'
         FROM product, location WHERE sku = 'THEN-1' AND code = $3`,
        [seq, at, location, onHand, reserved],
      );
    }
    expect(await then('THEN-1', '2026-01-01T11:59:59.999Z')).toEqual([0, 0, [0, 0]]);
    expect(await then('THEN-1', '2026-01-01T12:00:00Z')).toEqual([10, 0, [0, 10]]);
    expect(await then('THEN-1', '2026-01-01T12:59:59.999999Z')).toEqual([10, 0, [0, 10]]);
    expect(await then('THEN-1', '2026-01-01T14:00:00+01:00')).toEqual([10, 4, [0, 10]]);
    expect(await then('THEN-1', '2026-01-01T14:00:00Z')).toEqual([17, 4, [7, 10]]);
  });

  it('agrees with the present when asked for the last movement', async () => {
    await product('THEN-2');
    await stock('THEN-2', 'WH001', 10);
    await hold('THEN-2', 'WH001', 4);
    const { lastMovementAt } = await get('/inventory/THEN-2/locations/WH001');
    expect(await then('THEN-2', lastMovementAt)).toEqual([10, 4, [10]]);
  });

  it('knows no settings of the past', async () => {
    await product('THEN-3', { reorderPoint: 5 });
    await stock('THEN-3', 'WH001', 10);
    const { totals, levels } = await get('/inventory/THEN-3?at=2026-01-01T00:00:00Z');
    expect(totals).toEqual({ onHand: 0, reserved: 0, committed: 0, available: null, incoming: null, shortage: 0 });
    expect(levels).toEqual([
      {
        sku: 'THEN-3',
        location: 'WH001',
        onHand: 0,
        reserved: 0,
        committed: 0,
        safetyStock: null,
        available: null,
        incoming: null,
        shortage: 0,
        reorderPoint: null,
        reorderQuantity: null,
        maxLevel: null,
        bin: { zone: null, aisle: null, shelf: null },
        version: null,
        lastMovementAt: null,
        lastCountAt: null,
      },
    ]);
  });

  it('refuses the future, and what is no time', async () => {
    await product('THEN-4');
    const soon = new Date(Date.now() + 60_000).toISOString();
    expect(await call('GET', `/inventory/THEN-4?at=${soon}`)).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: 'at' }] },
    });
    expect(await call('GET', '/inventory/THEN-4?at=yesterday')).toMatchObject({ status: 400 });
    expect(await call('GET', '/inventory/NOPE?at=2026-01-01T00:00:00Z')).toMatchObject({ status: 404 });
  });
});

describe('GET /inventory', () => {
  interface Listed {
    sku: string;
    location: string;
    available: number;
  }
  const list = async (query: string): Promise<string[]> =>
    (await get(`/inventory?search=list-${query}`)).items.map(
      ({ sku, location, available }: Listed) => `${sku} ${location} ${available}`,
    );

  beforeAll(async () => {
    await product('LIST-A', { category: 'cups', reorderPoint: 5, maxLevel: 50 });
    await product('LIST-B', { category: 'plates' });
    await product('LIST-C', { category: 'cups' });
    await stock('LIST-A', 'WH001', 100);
    await stock('LIST-A', 'WH002', 5);
    await stock('LIST-B', 'WH001', 3);
    await hold('LIST-B', 'WH001', 3);
    await made('/inventory/LIST-B/adjust', { location: 'WH001', type: 'set', quantity: 1, force: true });
    await stock('LIST-B', 'SHOP', 7);
    await product('LIST-D');
    await stock('LIST-D', 'WH001', 1);
    await stock('LIST-D', 'WH001', 0);
    await call('DELETE', '/products/LIST-D');
  });

  it('shows touched levels by sku, then location, without archived products', async () => {
    expect(await list('')).toEqual(['LIST-A WH001 100', 'LIST-A WH002 5', 'LIST-B SHOP 7', 'LIST-B WH001 0']);
    expect(await list('&sort=-sku')).toEqual(['LIST-B WH001 0', 'LIST-B SHOP 7', 'LIST-A WH002 5', 'LIST-A WH001 100']);
  });

  it('sorts by numbers', async () => {
    expect(await list('&sort=available')).toEqual([
      'LIST-B WH001 0',
      'LIST-A WH002 5',
      'LIST-B SHOP 7',
      'LIST-A WH001 100',
    ]);
    expect(await list('&sort=-onHand&limit=1')).toEqual(['LIST-A WH001 100']);
  });

  it('filters', async () => {
    expect(await list('&location=WH001')).toEqual(['LIST-A WH001 100', 'LIST-B WH001 0']);
    expect(await list('&location=NOPE')).toEqual([]);
    expect(await list('&category=plates')).toEqual(['LIST-B SHOP 7', 'LIST-B WH001 0']);
    expect(await list('&status=in_stock')).toEqual(['LIST-A WH001 100', 'LIST-A WH002 5', 'LIST-B SHOP 7']);
    expect(await list('&status=low')).toEqual(['LIST-A WH002 5']);
    expect(await list('&status=out')).toEqual(['LIST-B WH001 0']);
    expect(await list('&status=over')).toEqual(['LIST-A WH001 100']);
    expect(await list('&status=short&location=WH001')).toEqual(['LIST-B WH001 0']);
  });

  it('takes the units of an inactive location for out', async () => {
    await call('PATCH', '/locations/SHOP', { active: false });
    expect(await list('&status=out')).toEqual(['LIST-B SHOP 0', 'LIST-B WH001 0']);
    expect(await list('&status=in_stock&location=SHOP')).toEqual([]);
    await call('PATCH', '/locations/SHOP', { active: true });
  });

  it.each(['sku', '-sku', 'onHand', '-available'])('pages by %s without a gap or a repeat', async (sort) => {
    const whole = (await get(`/inventory?limit=200&sort=${sort}`)).items;
    const paged: unknown[] = [];
    for (let cursor = ''; ;) {
      const page = await get(`/inventory?limit=3&sort=${sort}${cursor}`);
      paged.push(...page.items);
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(paged).toEqual(whole);
    expect(whole.length).toBeGreaterThan(10);
  });

  it("refuses another list's cursor", async () => {
    const { nextCursor } = await get('/inventory?limit=1');
    expect(await call('GET', `/inventory?limit=1&status=low&cursor=${nextCursor}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_cursor' },
    });
    expect(await call('GET', '/inventory?cursor=x')).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
    expect(await call('GET', '/inventory?sort=name')).toMatchObject({ status: 400 });
  });

  it('reads % and _ in a search as themselves', async () => {
    expect((await get('/inventory?search=%25')).items).toEqual([]);
    expect((await get('/inventory?search=LIST_A')).items).toEqual([]);
  });
});

describe('POST /availability', () => {
  const ask = (...lines: object[]) => call('POST', '/availability', { lines });

  it('says what could be had, and where, and reserves nothing', async () => {
    await product('ASK-1', { safetyStock: 1 });
    await stock('ASK-1', 'WH001', 8);
    await stock('ASK-1', 'WH002', 6);
    const { status, body } = await ask({ sku: 'ASK-1', quantity: 12 }, { sku: 'ASK-1', quantity: 1, location: 'SHOP' });
    expect(status).toBe(200);
    expect(body.lines).toEqual([
      {
        sku: 'ASK-1',
        quantity: 12,
        location: null,
        available: 12,
        fulfillable: true,
        byLocation: [
          { location: 'WH002', available: 5 },
          { location: 'WH001', available: 7 },
        ],
      },
      { sku: 'ASK-1', quantity: 1, location: 'SHOP', available: 0, fulfillable: false, byLocation: [] },
    ]);
    expect((await get('/inventory/ASK-1')).totals.reserved).toBe(0);
  });

  it('counts the units of a hold as free once it has lapsed, as a reserve would', async () => {
    await product('ASK-2');
    await stock('ASK-2', 'WH001', 5);
    const { id } = await hold('ASK-2', 'WH001', 4);
    expect((await ask({ sku: 'ASK-2', quantity: 5 })).body.lines[0]).toMatchObject({
      available: 1,
      fulfillable: false,
    });
    await lapse(id);
    expect((await ask({ sku: 'ASK-2', quantity: 5 })).body.lines[0]).toMatchObject({ available: 5, fulfillable: true });
    expect((await get('/inventory/ASK-2')).totals.available).toBe(1);
    await hold('ASK-2', 'WH001', 5);
    expect((await ask({ sku: 'ASK-2', quantity: 1 })).body.lines[0]).toMatchObject({
      available: 0,
      fulfillable: false,
    });
  });

  it('refuses unknown names and wrong shapes', async () => {
    await product('ASK-3');
    expect(await ask({ sku: 'NOPE', quantity: 1 })).toMatchObject({ status: 404, body: { code: 'product_not_found' } });
    expect(await ask({ sku: 'ASK-3', quantity: 1, location: 'NOPE' })).toMatchObject({
      status: 404,
      body: { code: 'location_not_found' },
    });
    expect(await ask()).toMatchObject({ status: 400 });
    expect(await ask({ sku: 'ASK-3', quantity: 0 })).toMatchObject({ status: 400 });
    expect(await ask({ sku: 'ASK-3', quantity: 1, colour: 'blue' })).toMatchObject({ status: 400 });
  });
});

describe('GET /summary', () => {
  it('sums up everything, and each location', async () => {
    const own = await startTestApp({ env: { HOLDFAST_CURRENCY: 'CHF' } });
    const outer = test;
    test = own;
    try {
      expect(await get('/summary')).toMatchObject({ products: 0, levels: 0, value: '0', locations: [] });
      await made('/locations', { code: 'A', name: 'A', type: 'warehouse', priority: 2 });
      await made('/locations', { code: 'B', name: 'B', type: 'store', priority: 1 });
      await product('CUP', { unitCost: 0.1, reorderPoint: 5 });
      await product('JUG', { unitCost: 12.3456, safetyStock: 1 });
      await product('GONE');
      await call('DELETE', '/products/GONE');
      await stock('CUP', 'A', 3);
      await stock('CUP', 'B', 10);
      await stock('JUG', 'A', 2);
      const shared = { lines: ['A', 'B'].map((location) => ({ sku: 'CUP', location, quantity: 1 })), ttlSeconds: 60 };
      const { id } = await made('/reservations', shared);
      await made('/reservations', { lines: [{ sku: 'CUP', location: 'B', quantity: 2 }], ttlSeconds: 3600 });
      await lapse((await hold('JUG', 'A', 1)).id);
      const answered = await summaryOf(8);
      expect(answered).toEqual({
        products: 2,
        levels: 3,
        units: { onHand: 15, reserved: 5, committed: 0, available: 9, shortage: 0 },
        value: '25.9912',
        currency: 'CHF',
        lowStock: 1,
        outOfStock: 1,
        short: 0,
        openReservations: 2,
        expiringSoon: 1,
        locations: [
          {
            location: 'B',
            active: true,
            levels: 1,
            units: { onHand: 10, reserved: 3, committed: 0, available: 7, shortage: 0 },
            value: '1',
            lowStock: 0,
            outOfStock: 0,
            openReservations: 2,
          },
          {
            location: 'A',
            active: true,
            levels: 2,
            units: { onHand: 5, reserved: 2, committed: 0, available: 2, shortage: 0 },
            value: '24.9912',
            lowStock: 1,
            outOfStock: 1,
            openReservations: 1,
          },
        ],
        asOf: expect.stringMatching(/Z$/),
      });
      await call('POST', `/reservations/${id}/confirm`);
      // What is missing at one place is not made up for by what is free at another.
      const lost = { location: 'A', type: 'set', quantity: 0, movement: 'count', force: true };
      await call('POST', '/inventory/CUP/adjust', lost);
      const { short, units } = await summaryOf(8);
      expect({ short, units }).toEqual({
        short: 1,
        units: { onHand: 12, reserved: 3, committed: 2, available: 7, shortage: 1 },
      });
      await call('PATCH', '/locations/B', { active: false });
      const { units: closed, locations } = await summaryOf(8);
      expect(closed).toMatchObject({ onHand: 12, available: 0 });
      expect(locations).toMatchObject([
        { location: 'B', active: false },
        { location: 'A', active: true },
      ]);
    } finally {
      test = outer;
      await own.close();
    }
  });

  /** The numbers are kept for a moment: asked again until the kept ones are from after the last change. */
  async function summaryOf(readings: number) {
    const { rows } = await test.database.pool.query('SELECT clock_timestamp() AS now');
    const changedAt = rows[0].now as number;
    for (let reading = 0; ; reading += 1) {
      const summary = await get('/summary');
      if (Date.parse(summary.asOf) >= changedAt || reading > readings * 1_000) return summary;
    }
  }
});
