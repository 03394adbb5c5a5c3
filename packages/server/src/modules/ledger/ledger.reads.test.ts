import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

let test: TestApp;

interface Entry {
  seq: number;
  at: string;
  type: string;
  sku: string;
  location: string;
  onHand: number;
  reserved: number;
  reference: { type: string; id: string } | null;
}

async function call(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: object) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await test.app.inject({ method, url: `/api/v1${path}`, ...payload });
  return { status: answer.statusCode, body: answer.json() };
}

async function made(path: string, body: object) {
  const answer = await call('POST', path, body);
  if (answer.status >= 300) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function page(path: string): Promise<{ items: Entry[]; nextCursor: string | null }> {
  const answer = await call('GET', path);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

/** All pages of a list, three entries at a time. */
async function pages(path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const join = path.includes('?') ? '&' : '?';
  for (let cursor = ''; ;) {
    const { items, nextCursor } = await page(`${path}${join}limit=3${cursor}`);
    entries.push(...items);
    if (nextCursor === null) return entries;
    cursor = `&cursor=${nextCursor}`;
  }
}

const adjust = (sku: string, location: string, quantity: number, fields: object = {}) =>
  made(`/inventory/${sku}/adjust`, { location, type: 'add', quantity, ...fields });

/** `WH001 receipt 10`: where, what, and what is on hand after it. */
const inShort = ({ location, type, onHand }: Entry): string => `${location} ${type} ${onHand}`;

let reservationId: string;
/** How far the database's clock is ahead. */
let shiftMs = 0;

beforeAll(async () => {
  test = await startTestApp({ timeShiftMs: () => shiftMs });
  for (const code of ['WH001', 'WH002', 'WH003']) await made('/locations', { code, name: code, type: 'warehouse' });
  for (const sku of ['CUP', 'JUG', 'PAN']) await made('/products', { sku, name: sku });
  const order = { type: 'purchase_order', id: 'PO-1' };
  await adjust('CUP', 'WH001', 10, {
    movement: 'receipt',
    reference: order,
    lot: 'L1',
    unitCost: 1.25,
    notes: 'first',
  });
  await adjust('CUP', 'WH002', 5, { movement: 'receipt', reference: order, lot: 'L2' });
  await adjust('JUG', 'WH001', 7, { movement: 'receipt', reference: { type: 'invoice', id: 'PO-1' }, lot: 'L1' });
  const lines = [
    { sku: 'CUP', location: 'WH001', quantity: 2 },
    { sku: 'JUG', location: 'WH001', quantity: 3 },
  ];
  reservationId = (await made('/reservations', { lines })).id;
  await made(`/reservations/${reservationId}/confirm`, { ship: true });
  await adjust('CUP', 'WH001', 1, { reference: { type: 'note', id: reservationId }, reason: 'found' });
});
afterAll(() => test.close());

describe('GET /ledger', () => {
  it('shows every entry, newest first', async () => {
    const { items, nextCursor } = await page('/ledger');
    expect(nextCursor).toBeNull();
    expect(items.map(({ sku, ...entry }) => `${sku} ${inShort({ sku, ...entry })}`)).toEqual([
      'CUP WH001 adjustment 9',
      expect.stringMatching(/sale/),
      expect.stringMatching(/sale/),
      expect.stringMatching(/reserve/),
      expect.stringMatching(/reserve/),
      'JUG WH001 receipt 7',
      'CUP WH002 receipt 5',
      'CUP WH001 receipt 10',
    ]);
    expect(items.at(-1)).toEqual({
      seq: expect.any(Number),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      type: 'receipt',
      sku: 'CUP',
      location: 'WH001',
      deltaOnHand: 10,
      deltaReserved: 0,
      deltaCommitted: 0,
      onHand: 10,
      reserved: 0,
      committed: 0,
      reference: { type: 'purchase_order', id: 'PO-1' },
      reason: null,
      notes: 'first',
      unitCost: 1.25,
      lot: 'L1',
      actor: 'open',
    });
  });

  it('shows the oldest first with sort=seq', async () => {
    const newest = (await page('/ledger?sort=-seq')).items;
    expect((await page('/ledger')).items).toEqual(newest);
    expect((await page('/ledger?sort=seq')).items).toEqual(newest.toReversed());
  });

  it.each([
    ['', 8],
    ['?sort=seq', 8],
    ['?location=WH001', 7],
    ['?type=receipt&sort=seq', 3],
    ['?actor=open', 8],
  ])('pages /ledger%s without a gap or a repeat', async (query, count) => {
    const whole = (await page(`/ledger${query}`)).items;
    expect(whole).toHaveLength(count);
    expect(await pages(`/ledger${query}`)).toEqual(whole);
  });

  it('goes on where it was while entries are added', async () => {
    const whole = (await page('/ledger?location=WH001')).items;
    const first = await page('/ledger?location=WH001&limit=4');
    await adjust('PAN', 'WH001', 1);
    const rest = await page(`/ledger?location=WH001&limit=4&cursor=${first.nextCursor}`);
    expect([...first.items, ...rest.items]).toEqual(whole);
  });

  it('filters by each field, and by all together', async () => {
    const count = async (query: string) => (await page(`/ledger?${query}`)).items.length;
    expect(await count('location=WH002')).toBe(1);
    expect(await count('location=WH003')).toBe(0);
    expect(await count('location=NOPE')).toBe(0);
    expect(await count('type=sale')).toBe(2);
    expect(await count('type=theft')).toBe(0);
    expect(await count('referenceType=purchase_order')).toBe(2);
    expect(await count('referenceType=reservation')).toBe(4);
    expect(await count('referenceId=PO-1')).toBe(3);
    expect(await count('referenceId=PO-1&referenceType=invoice')).toBe(1);
    expect(await count('referenceId=PO-1&referenceType=reservation')).toBe(0);
    expect(await count('referenceId=NOPE')).toBe(0);
    expect(await count('lot=L1')).toBe(2);
    expect(await count('actor=nobody')).toBe(0);
    expect(
      await count('location=WH001&type=receipt&referenceType=purchase_order&referenceId=PO-1&lot=L1&actor=open'),
    ).toBe(1);
    expect(await count('lot=L1&type=sale')).toBe(0);
  });

  it("finds a reservation's entries, and what else refers to its id", async () => {
    const ofIt = await page(`/ledger?referenceId=${reservationId}&referenceType=reservation&sort=seq`);
    expect(ofIt.items.map(({ sku, type }) => `${sku} ${type}`).sort()).toEqual([
      'CUP reserve',
      'CUP sale',
      'JUG reserve',
      'JUG sale',
    ]);
    expect((await page(`/ledger?referenceId=${reservationId}&referenceType=note`)).items.map(inShort)).toEqual([
      'WH001 adjustment 9',
    ]);
    const all = (await page(`/ledger?referenceId=${reservationId}`)).items;
    expect(all.map(({ type }) => type)).toEqual(['adjustment', 'sale', 'sale', 'reserve', 'reserve']);
    expect(await pages(`/ledger?referenceId=${reservationId}`)).toEqual(all);
    expect((await page(`/inventory/JUG/ledger?referenceId=${reservationId}`)).items.map(inShort)).toEqual([
      'WH001 sale 4',
      'WH001 reserve 7',
    ]);
  });

  it('takes from as inclusive and to as exclusive', async () => {
    const whole = (await page('/ledger?sort=seq')).items;
    const at = whole[1]?.at ?? '';
    const since = whole.filter((entry) => entry.at >= at);
    expect((await page(`/ledger?sort=seq&from=${at}`)).items).toEqual(since);
    expect((await page(`/ledger?sort=seq&to=${at}`)).items).toEqual(whole.filter((entry) => entry.at < at));
    // Finer than a millisecond, just after it.
    const after = at.replace('Z', '5Z');
    expect((await page(`/ledger?sort=seq&from=${after}`)).items).toEqual(whole.filter((entry) => entry.at > at));
    expect((await page(`/ledger?sort=seq&to=${after}`)).items).toEqual(whole.filter((entry) => entry.at <= at));
    expect((await page(`/ledger?from=${at}&to=${at}`)).items).toEqual([]);
    expect((await page('/ledger?from=9999-12-31T23:59:59Z')).items).toEqual([]);
    expect((await page('/ledger?sort=seq&to=9999-12-31T23:59:59.9999999Z')).items).toEqual(whole);
  });

  it('refuses what it does not know', async () => {
    for (const query of [
      'type=gift',
      'from=yesterday',
      'sort=at',
      'sku=CUP',
      'location=',
      'limit=201',
      'lot=a&lot=b',
    ]) {
      expect({ query, ...(await call('GET', `/ledger?${query}`)) }).toMatchObject({
        query,
        status: 400,
        body: { code: 'validation_failed' },
      });
    }
  });

  it("refuses another list's cursor, and one that was written by hand", async () => {
    const { nextCursor } = await page('/ledger?limit=1');
    for (const path of ['/ledger?sort=seq', '/ledger?type=sale', '/inventory/CUP/ledger?limit=1']) {
      const answer = await call('GET', `${path}&cursor=${nextCursor}`);
      expect({ path, ...answer }).toMatchObject({ path, status: 400, body: { code: 'invalid_cursor' } });
    }
    const [digest] = JSON.parse(Buffer.from(nextCursor ?? '', 'base64url').toString());
    for (const position of [[-1, 5], [1e15, 5], [5], ['2026-01-01', 5]]) {
      const forged = Buffer.from(JSON.stringify([digest, ...position])).toString('base64url');
      const answer = await call('GET', `/ledger?limit=1&cursor=${forged}`);
      expect({ position, ...answer }).toMatchObject({ position, status: 400, body: { code: 'invalid_cursor' } });
    }
  });
});

describe('GET /inventory/{sku}/ledger', () => {
  it('shows the entries of one product at all its locations', async () => {
    const { items } = await page('/inventory/CUP/ledger?sort=seq');
    expect(items.map(inShort)).toEqual([
      'WH001 receipt 10',
      'WH002 receipt 5',
      'WH001 reserve 10',
      'WH001 sale 8',
      'WH001 adjustment 9',
    ]);
    expect(await pages('/inventory/CUP/ledger?sort=seq')).toEqual(items);
    expect((await page('/inventory/CUP/ledger?location=WH002')).items.map(inShort)).toEqual(['WH002 receipt 5']);
    expect((await page('/inventory/CUP/ledger?type=sale')).items.map(inShort)).toEqual(['WH001 sale 8']);
  });

  it('shows the present sku of a product that was renamed', async () => {
    await made('/products', { sku: 'OLD', name: 'x' });
    await adjust('OLD', 'WH003', 1);
    await call('PATCH', '/products/OLD', { sku: 'NEW' });
    expect((await page('/inventory/NEW/ledger')).items.map(({ sku }) => sku)).toEqual(['NEW']);
    expect(await call('GET', '/inventory/OLD/ledger')).toMatchObject({
      status: 404,
      body: { code: 'product_not_found' },
    });
  });

  it('answers nothing where nothing moved', async () => {
    await made('/products', { sku: 'STILL', name: 'x' });
    expect(await page('/inventory/STILL/ledger')).toEqual({ items: [], nextCursor: null });
  });
});

describe('what callers booked with the id of a reservation', () => {
  it('is found, once, whenever it was booked and whatever the id is', async () => {
    await made('/products', { sku: 'BOX', name: 'x' });
    await adjust('BOX', 'WH001', 10);
    const { id } = await made('/reservations', { lines: [{ sku: 'BOX', location: 'WH001', quantity: 2 }] });
    await adjust('BOX', 'WH001', 1, { reference: { type: 'note', id } });
    await adjust('BOX', 'WH001', 1, { reference: { type: 'reservation', id } });
    await made(`/reservations/${id}/confirm`, { ship: true });
    await adjust('BOX', 'WH002', 2, { movement: 'return', reference: { type: 'reservation', id } });
    await adjust('CUP', 'WH003', 3, { movement: 'return', reference: { type: 'reservation', id: 'ORDER-7' } });
    const own = ['WH002 return 2', 'WH001 sale 10', 'WH001 adjustment 12', 'WH001 reserve 10'];
    expect((await pages(`/ledger?referenceType=reservation&referenceId=${id}`)).map(inShort)).toEqual(own);
    expect((await pages(`/ledger?referenceId=${id}`)).map(inShort)).toEqual(own.toSpliced(3, 0, 'WH001 adjustment 11'));
    expect((await pages('/ledger?referenceId=ORDER-7')).map(inShort)).toEqual(['WH003 return 3']);
  });
});

describe("once the database's clock was set back", () => {
  it('finds all that a reservation did, page by page', async () => {
    await made('/products', { sku: 'POT', name: 'x' });
    shiftMs = 7_200_000;
    await adjust('POT', 'WH001', 10);
    shiftMs = 0;
    await adjust('POT', 'WH002', 10);
    const line = (location: string) => ({ lines: [{ sku: 'POT', location, quantity: 1 }] });
    const typesOf = async (id: string) =>
      (await pages(`/ledger?referenceType=reservation&referenceId=${id}`)).map(inShort);

    const shipped = (await made('/reservations', line('WH001'))).id;
    await made(`/reservations/${shipped}/confirm`, {});
    await made(`/reservations/${shipped}/ship`, {});
    expect(await typesOf(shipped)).toEqual(['WH001 sale 9', 'WH001 commit 10', 'WH001 reserve 10']);
    const cancelled = (await made('/reservations', line('WH001'))).id;
    await made(`/reservations/${cancelled}/cancel`, {});
    expect(await typesOf(cancelled)).toEqual(['WH001 release 9', 'WH001 reserve 9']);

    // Set back by a second, as another server's clock may be: what lay on one level lies on another then.
    shiftMs = 1_000;
    const changed = (await made('/reservations', line('WH002'))).id;
    shiftMs = 0;
    await made('/products', { sku: 'LID', name: 'x' });
    await adjust('LID', 'WH003', 1);
    const lines = [{ sku: 'LID', location: 'WH003', quantity: 1 }];
    expect((await call('PUT', `/reservations/${changed}/lines`, { lines })).status).toBe(200);
    await made(`/reservations/${changed}/cancel`, {});
    expect((await typesOf(changed)).toSorted()).toEqual([
      'WH002 release 10',
      'WH002 reserve 10',
      'WH003 release 1',
      'WH003 reserve 1',
    ]);
  });
});
