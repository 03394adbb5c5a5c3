import pg from 'pg';
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
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : answer.json() };
}

const create = (location: object) => call('POST', '/locations', { name: 'x', type: 'virtual', ...location });

async function codesOf(query: string): Promise<string[]> {
  const { status, body } = await call('GET', `/locations?${query}`);
  expect(status).toBe(200);
  return body.items.map(({ code }: { code: string }) => code);
}

/** So many rows of a list, row by row, and no more. */
async function walk(query: string, rows: number): Promise<string[]> {
  const codes: string[] = [];
  let cursor = '';
  for (let row = 0; row < rows; row += 1) {
    const { body } = await call('GET', `/locations?${query}&limit=1${cursor}`);
    codes.push(body.items[0].code);
    cursor = `&cursor=${body.nextCursor}`;
  }
  expect(cursor === '' || cursor === '&cursor=null').toBe(true);
  return codes;
}

async function stock(sku: string, code: string, quantity: number) {
  await call('POST', '/products', { sku, name: sku, reorderPoint: 10 });
  const added = await call('POST', `/inventory/${sku}/adjust`, { location: code, type: 'add', quantity });
  expect(added.status).toBe(200);
}

describe('POST /locations', () => {
  it('makes a location and says where it is', async () => {
    const location = {
      code: 'WH001',
      name: 'Berlin',
      type: 'warehouse',
      address: { street: 'Alexanderplatz 1', city: 'Berlin' },
      lat: 52.5219,
      lng: 13.4132,
      priority: 0,
      active: false,
    };
    const { status, headers, body } = await call('POST', '/locations', location);
    expect(status).toBe(201);
    expect(headers['location']).toBe('/api/v1/locations/WH001');
    expect(headers['etag']).toBe('"1"');
    expect(body).toEqual({
      ...location,
      version: 1,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: body.createdAt,
      archivedAt: null,
    });
    const read = await call('GET', '/locations/WH001');
    expect(read.body).toEqual(body);
    expect(read.headers['etag']).toBe('"1"');
  });

  it('is active with priority 100 and nowhere on the map unless told otherwise', async () => {
    const { body } = await create({ code: 'BARE', priority: null });
    expect(body).toMatchObject({ priority: 100, active: true, address: null, lat: null, lng: null });
  });

  it('keeps an address of one line', async () => {
    const { body } = await create({ code: 'LINE', address: 'Alexanderplatz 1' });
    expect(body.address).toBe('Alexanderplatz 1');
    expect((await call('GET', '/locations/LINE')).body.address).toBe('Alexanderplatz 1');
  });

  it('refuses a code that is taken', async () => {
    await create({ code: 'TWICE' });
    const { status, body } = await create({ code: 'TWICE' });
    expect(status).toBe(409);
    expect(body.code).toBe('duplicate_location');
  });

  it.each([
    ['lat without lng', { code: 'V', lat: 1 }, '/lng'],
    ['lng without lat', { code: 'V', lng: 1, lat: null }, '/lat'],
    ['a latitude beyond the pole', { code: 'V', lat: 90.1, lng: 0 }, '/lat'],
    ['a priority below 0', { code: 'V', priority: -1 }, '/priority'],
    ['a priority over a million', { code: 'V', priority: 1_000_001 }, '/priority'],
    ['an unknown type', { code: 'V', type: 'shed' }, '/type'],
    ['an address of 501', { code: 'V', address: 'x'.repeat(501) }, '/address'],
    ['an address that is a list', { code: 'V', address: [] }, '/address'],
    ['a flag in a string', { code: 'V', active: 'true' }, '/active'],
    ['an unknown field', { code: 'V', zip: '10178' }, '/zip'],
    ['a code that is no name', { code: 'a/b' }, '/code'],
  ])('refuses %s', async (_what, location, path) => {
    const { status, body } = await create(location);
    expect(status).toBe(400);
    expect(body.errors.map((error: { path: string }) => error.path)).toContain(path);
    expect((await call('GET', '/locations/V')).status).toBe(404);
  });
});

describe('GET /locations', () => {
  beforeAll(async () => {
    await create({ code: 'L-B', type: 'store', priority: 7, name: 'one' });
    await create({ code: 'L-A', type: 'store', priority: 7, name: 'two' });
    await create({ code: 'L-C', type: 'store', priority: 1, name: 'three', active: false });
    await create({ code: 'L-D', type: 'store', priority: 900_000, name: 'four' });
  });

  it.each([
    ['type=store', ['L-C', 'L-A', 'L-B', 'L-D']],
    ['type=store&active=true', ['L-A', 'L-B', 'L-D']],
    ['type=store&active=false', ['L-C']],
    ['type=store&sort=-code', ['L-D', 'L-C', 'L-B', 'L-A']],
    ['type=store&sort=name', ['L-D', 'L-B', 'L-C', 'L-A']],
    ['type=store&sort=createdAt', ['L-B', 'L-A', 'L-C', 'L-D']],
    ['type=supplier', []],
  ])('%s, in one page and row by row', async (query, expected) => {
    expect(await codesOf(query)).toEqual(expected);
    expect(await walk(query, expected.length)).toEqual(expected);
  });

  it('tells when one was made from when it was changed, and puts equals in the order of codes, row by row', async () => {
    for (const code of ['T-B', 'T-A', 'T-C']) await create({ code, type: 'warehouse', name: 'same' });
    await test.database.pool.query(`UPDATE location SET
      created_at = CASE code WHEN 'T-C' THEN timestamptz '2020-01-01' ELSE '2020-01-02' END,
      updated_at = CASE code WHEN 'T-A' THEN timestamptz '2022-01-01' ELSE '2021-01-01' END WHERE code LIKE 'T-_'`);
    for (const [sort, codes] of [
      ['priority', ['T-A', 'T-B', 'T-C']],
      ['-name', ['T-C', 'T-B', 'T-A']],
      ['createdAt', ['T-C', 'T-A', 'T-B']],
      ['updatedAt', ['T-B', 'T-C', 'T-A']],
    ] as const) {
      expect([sort, await walk(`type=warehouse&active=true&sort=${sort}`, 3)]).toEqual([sort, codes]);
    }
  });

  it('refuses the cursor of another list', async () => {
    const { body } = await call('GET', '/locations?type=store&limit=1');
    for (const other of ['', '&type=store&sort=-priority', '&type=store&archived=true', '&type=store&active=true']) {
      const answer = await call('GET', `/locations?limit=1${other}&cursor=${body.nextCursor}`);
      expect([other, answer.body.code]).toEqual([other, 'invalid_cursor']);
    }
  });
});

describe('PATCH /locations/{code}', () => {
  it('changes what is given, clears with null, keeps the rest', async () => {
    await create({ code: 'P-1', address: 'here', lat: 1, lng: 2, priority: 5 });
    const patch = { name: 'new', lat: null, lng: null, priority: null, active: false };
    const { status, headers, body } = await call('PATCH', '/locations/P-1', patch, { 'if-match': '"1"' });
    expect(status).toBe(200);
    expect(headers['etag']).toBe('"2"');
    expect(body).toMatchObject({
      code: 'P-1',
      name: 'new',
      address: 'here',
      lat: null,
      lng: null,
      priority: 100,
      active: false,
      version: 2,
    });
    expect((await call('GET', '/locations/P-1')).body).toEqual(body);

    await test.database.pool.query(`UPDATE location SET created_at = '2020-01-01', updated_at = '2020-01-01'
      WHERE code = 'P-1'`);
    const moved = { type: 'store', address: { city: 'there' }, lat: 3, lng: 4, priority: 7 };
    const kept = { name: 'new', active: false, createdAt: '2020-01-01T00:00:00.000Z' };
    expect((await call('PATCH', '/locations/P-1', moved)).body).toMatchObject({ ...moved, ...kept, version: 3 });
    const cleared = (await call('PATCH', '/locations/P-1', { address: null })).body;
    expect(cleared).toMatchObject({ ...moved, ...kept, address: null, version: 4 });
    expect(cleared.updatedAt).not.toMatch(/^2020/);
    const [entry] = (await call('GET', '/audit?kind=location.updated&limit=1')).body.items;
    expect(entry).toMatchObject({ subject: 'P-1', data: cleared });
  });

  it('leaves no trace where nothing changes', async () => {
    const before = (await create({ code: 'P-6', address: { city: 'x', street: 'y' }, lat: 1.5, lng: 2 })).body;
    const same = { name: 'x', address: { street: 'y', city: 'x' }, lat: 1.5, lng: 2, priority: null, active: true };
    for (const patch of [{}, { code: 'P-6' }, same]) {
      const { status, headers, body } = await call('PATCH', '/locations/P-6', patch, { 'if-match': '"1"' });
      expect(status).toBe(200);
      expect(headers['etag']).toBe('"1"');
      expect(body).toEqual(before);
    }
    const { body } = await call('GET', '/audit?limit=200');
    const kinds = body.items.filter(({ subject }: { subject: string }) => subject === 'P-6');
    expect(kinds.map(({ kind }: { kind: string }) => kind)).toEqual(['location.created']);
  });

  it('keeps coordinates in pairs, also with what is there', async () => {
    await create({ code: 'P-2', lat: 1, lng: 2 });
    expect((await call('PATCH', '/locations/P-2', { lat: 3 })).body).toMatchObject({ lat: 3, lng: 2 });
    const { status, body } = await call('PATCH', '/locations/P-2', { lat: null });
    expect(status).toBe(400);
    expect(body.errors[0].path).toBe('/lat');
  });

  it('renames, and the old code is free again; the repeat of a rename answers as the first', async () => {
    await create({ code: 'P-3' });
    await create({ code: 'P-3-taken' });
    expect((await call('PATCH', '/locations/P-3', { code: 'P-3-taken' })).body.code).toBe('duplicate_location');
    const key = { 'idempotency-key': 'rename-P-3' };
    const first = await call('PATCH', '/locations/P-3', { code: 'P-3-new' }, key);
    expect(first.status).toBe(200);
    const repeat = await call('PATCH', '/locations/P-3', { code: 'P-3-new' }, key);
    expect(repeat.body).toEqual(first.body);
    expect(repeat.headers['etag']).toBe('"2"');
    expect((await call('PATCH', '/locations/P-3', { code: 'P-3-new' })).body.code).toBe('location_not_found');
    expect((await create({ code: 'P-3' })).status).toBe(201);
  });

  it('refuses a stale If-Match and a field that is not the caller’s', async () => {
    await create({ code: 'P-4' });
    expect((await call('PATCH', '/locations/P-4', { name: 'y' }, { 'if-match': '"2"' })).status).toBe(412);
    expect((await call('PATCH', '/locations/P-4', { version: 9 })).status).toBe(400);
    expect((await call('GET', '/locations/P-4')).body).toMatchObject({ name: 'x', version: 1 });
  });

  it('loses no change of many at once', async () => {
    await create({ code: 'P-5' });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => call('PATCH', '/locations/P-5', { name: `${index}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const versions = answers.map(({ body }) => body.version as number).toSorted((left, right) => left - right);
    expect(versions).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

describe('DELETE /locations/{code}', () => {
  it('archives: out of lists, still answering, its code taken, commands on it refused', async () => {
    await create({ code: 'D-1', type: 'supplier' });
    expect((await call('DELETE', '/locations/D-1', undefined, { 'if-match': '"3"' })).status).toBe(412);
    expect((await call('DELETE', '/locations/D-1')).status).toBe(204);
    expect((await call('GET', '/locations/D-1')).body).toMatchObject({ version: 2, archivedAt: expect.any(String) });
    expect(await codesOf('type=supplier')).toEqual([]);
    expect(await codesOf('type=supplier&archived=true')).toEqual(['D-1']);
    expect((await create({ code: 'D-1' })).body.code).toBe('duplicate_location');
    expect((await call('PATCH', '/locations/D-1', { name: 'y' })).body.code).toBe('location_archived');
    expect((await call('DELETE', '/locations/D-1')).status).toBe(204);
    const gone = (await call('GET', '/locations/D-1')).body;
    expect(gone).toMatchObject({ version: 2, updatedAt: gone.archivedAt });
    await create({ code: 'D-1-other' });
    const renamed = await call('PATCH', '/locations/D-1-other', { code: 'D-1' });
    expect(renamed.body.code).toBe('duplicate_location');
  });

  it('is refused while a unit is there, then resolves what was open', async () => {
    for (const code of ['D-2', 'D-3']) {
      await create({ code });
      await stock('D-SKU', code, 5);
    }
    const refused = await call('DELETE', '/locations/D-2');
    expect(refused.status).toBe(409);
    expect(refused.body.code).toBe('location_in_use');
    expect(refused.body.detail).toContain('5 units on hand');
    // What was over before stays as it was.
    await call('POST', '/inventory/D-SKU/adjust', { location: 'D-2', type: 'set', quantity: 50 });
    const [over] = (await call('GET', '/alerts?location=D-2&status=resolved')).body.items;

    await call('POST', '/inventory/D-SKU/adjust', { location: 'D-2', type: 'set', quantity: 0 });
    const open = await call('GET', '/alerts?location=D-2&status=active');
    expect(open.body.items.map(({ type }: { type: string }) => type).toSorted()).toEqual(['low_stock', 'out_of_stock']);
    const [seen] = open.body.items;
    expect((await call('POST', `/alerts/${seen.id}/acknowledge`)).status).toBe(200);
    expect((await call('DELETE', '/locations/D-2')).status).toBe(204);
    expect((await call('GET', '/alerts?location=D-2&status=active')).body.items).toEqual([]);
    const resolved = await call('GET', '/alerts?location=D-2&status=resolved');
    expect(resolved.body.items).toHaveLength(3);
    expect(resolved.body.items[2]).toEqual(over);
    expect(resolved.body.items[0].resolvedAt).toBe((await call('GET', '/locations/D-2')).body.archivedAt);
    const told = await test.database.pool.query(`SELECT subject, data::jsonb AS data FROM journal_entry
      WHERE kind = 'alert.resolved' AND id > (SELECT id FROM journal_entry WHERE kind = 'location.archived' ORDER BY id DESC LIMIT 1)`);
    expect(told.rows.map(({ data }) => data).toSorted((left, right) => (left.id < right.id ? 1 : -1))).toEqual(
      resolved.body.items.slice(0, 2),
    );
    expect((await call('GET', '/alerts?location=D-3&status=active')).body.items).toHaveLength(1);
    const levels = `SELECT code, open_alerts FROM level JOIN location l ON l.id = location_id WHERE code LIKE 'D-_' ORDER BY 1`;
    expect((await test.database.pool.query(levels)).rows).toEqual([
      { code: 'D-2', open_alerts: 0 },
      { code: 'D-3', open_alerts: 1 },
    ]);
    const later = await call('POST', '/inventory/D-SKU/adjust', { location: 'D-2', type: 'add', quantity: 1 });
    expect(later.body.code).toBe('location_archived');
  });

  it('is refused while units are promised that are not there', async () => {
    await create({ code: 'D-4' });
    await stock('D-OWED', 'D-4', 5);
    const reserved = await call('POST', '/inventory/D-OWED/reserve', { quantity: 2, location: 'D-4' });
    expect(reserved.status).toBe(201);
    await call('POST', '/inventory/D-OWED/adjust', { location: 'D-4', type: 'set', quantity: 0, force: true });
    const refusal = async () => {
      const { status, body } = await call('DELETE', '/locations/D-4');
      return [status, /0 units on hand.*committed/.exec(body.detail)?.[0]];
    };
    expect(await refusal()).toEqual([409, '0 units on hand, 2 reserved and 0 committed']);
    expect((await call('POST', `/reservations/${reserved.body.id}/confirm`)).status).toBe(200);
    expect(await refusal()).toEqual([409, '0 units on hand, 0 reserved and 2 committed']);
  });

  it('knows no other codes', async () => {
    expect((await call('GET', '/locations/NOWHERE')).body.code).toBe('location_not_found');
    expect((await call('PATCH', '/locations/NOWHERE', { name: 'y' })).body.code).toBe('location_not_found');
    expect((await call('DELETE', '/locations/NOWHERE')).body.code).toBe('location_not_found');
  });
});

describe('against stock in flight', () => {
  it('either the unit arrives and the location stays, or it is archived and holds none', async () => {
    await call('POST', '/products', { sku: 'FLIGHT', name: 'x' });
    for (let round = 0; round < 10; round += 1) {
      const code = `F-${round}`;
      await create({ code });
      const add = { location: code, type: 'add', quantity: 1 };
      const [added, archived] = await Promise.all([
        call('POST', '/inventory/FLIGHT/adjust', add),
        call('DELETE', `/locations/${code}`),
      ]);
      const outcome = [added.status, archived.status];
      expect([
        [200, 409],
        [409, 204],
      ]).toContainEqual(outcome);
    }
  });

  it('waits for a location that somebody holds without keeping the stock of others waiting', async () => {
    await create({ code: 'HELD' });
    const foreign = new pg.Client(test.connection);
    await foreign.connect();
    try {
      await foreign.query('BEGIN');
      await foreign.query(`SELECT 1 FROM location WHERE code = 'HELD' FOR UPDATE`);
      const patched = call('PATCH', '/locations/HELD', { active: false });
      const waiting = 'SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid';
      await expect.poll(async () => (await foreign.query(waiting)).rowCount).toBe(1);
      // Behind an exclusive one all batches of stock would wait.
      const advisory = `SELECT mode FROM pg_locks WHERE locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      expect((await foreign.query(advisory)).rows).toEqual([]);
      await foreign.query('ROLLBACK');
      expect((await patched).status).toBe(200);
      // What is renamed meanwhile is not the one that was meant.
      await foreign.query('BEGIN');
      await foreign.query(`UPDATE location SET code = 'HELD-2' WHERE code = 'HELD'`);
      await foreign.query(`INSERT INTO location (code, name, type, created_at, updated_at)
        VALUES ('HELD', 'another', 'store', now(), now())`);
      const meant = call('PATCH', '/locations/HELD', { name: 'meant' });
      await expect.poll(async () => (await foreign.query(waiting)).rowCount).toBe(1);
      await foreign.query('COMMIT');
      expect((await meant).body.code).toBe('location_not_found');
      const names = ['HELD', 'HELD-2'].map(async (code) => (await call('GET', `/locations/${code}`)).body.name);
      expect(await Promise.all(names)).toEqual(['another', 'x']);
    } finally {
      await foreign.end();
    }
  });
});
