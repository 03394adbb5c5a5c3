import { parse } from 'csv-parse/sync';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { exportText, streamRows, type ExportFormat, type ExportRequest } from './index.ts';

let app: TestApp;

async function api(method: 'POST' | 'DELETE', url: string, payload: object = {}): Promise<{ id: string }> {
  const answer = await app.app.inject({ method, url: `/api/v1${url}`, ...(method === 'POST' ? { payload } : {}) });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return method === 'POST' ? answer.json() : { id: '' };
}

async function textOf(request: ExportRequest, format: ExportFormat): Promise<string> {
  let text = '';
  for await (const piece of exportText({ database: app.database, request, format })) text += piece;
  return text;
}

async function records(request: ExportRequest): Promise<Record<string, string>[]> {
  return parse(await textOf(request, 'csv'), { columns: true });
}

async function lines(request: ExportRequest): Promise<Record<string, unknown>[]> {
  const text = await textOf(request, 'ndjson');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

beforeAll(async () => {
  app = await startTestApp();
  await api('POST', '/products', {
    sku: 'MUG',
    name: '=HYPERLINK("http://evil")',
    description: 'a "quoted", one\nof two lines',
    unitCost: 2.5,
    attributes: { size: 'L' },
  });
  await api('POST', '/products', { sku: 'CUP', name: 'Cup', category: '-kitchen' });
  await api('POST', '/products', { sku: 'OLD', name: 'Old' });
  await api('DELETE', '/products/OLD');
  await api('POST', '/locations', { code: 'A', name: 'A', type: 'warehouse' });
  await api('POST', '/locations', { code: 'B', name: 'B', type: 'warehouse' });
  await api('POST', '/inventory/MUG/adjust', {
    location: 'A',
    type: 'add',
    quantity: 10,
    reason: '@home',
    unitCost: 2,
  });
  await api('POST', '/inventory/MUG/adjust', { location: 'B', type: 'add', quantity: 5 });
  await api('POST', '/inventory/CUP/adjust', { location: 'A', type: 'add', quantity: 7 });
  await api('POST', '/inventory/CUP/adjust', { location: 'A', type: 'subtract', quantity: 4, movement: 'damage' });
});

afterAll(() => app.close());

test('products: text that a spreadsheet would run is made safe, the rest is as it was', async () => {
  const rows = await records({ what: 'products', includeArchived: false });
  expect(rows.map(({ sku, name, category }) => [sku, name, category])).toEqual([
    ['CUP', 'Cup', "'-kitchen"],
    ['MUG', `'=HYPERLINK("http://evil")`, ''],
  ]);
  expect(rows[1]).toMatchObject({
    description: 'a "quoted", one\nof two lines',
    attributes: '{"size":"L"}',
    unitCost: '2.5',
    safetyStock: '0',
    reorderPoint: '',
    archivedAt: '',
  });
});

test('archived products come along when they are asked for', async () => {
  const rows = await lines({ what: 'products', includeArchived: true });
  expect(rows.map(({ sku }) => sku)).toEqual(['CUP', 'MUG', 'OLD']);
  const { body } = await app.app.inject({ url: '/api/v1/products/OLD' });
  expect(rows[2]).toEqual(JSON.parse(body));
});

test('stock: the levels as the API shows them', async () => {
  const rows = await records({ what: 'stock', filter: {} });
  expect(rows.map(({ sku, location, onHand, available }) => [sku, location, onHand, available])).toEqual([
    ['CUP', 'A', '3', '3'],
    ['MUG', 'A', '10', '10'],
    ['MUG', 'B', '5', '5'],
  ]);
  const { body } = await app.app.inject({ url: '/api/v1/inventory/MUG/locations/B' });
  expect(await lines({ what: 'stock', filter: { sku: 'MUG', location: 'B' } })).toEqual([JSON.parse(body)]);
});

test('ledger: oldest first, and negative numbers stay numbers', async () => {
  const rows = await records({ what: 'ledger', filter: {} });
  expect(rows.map(({ sku, deltaOnHand, reason }) => [sku, deltaOnHand, reason])).toEqual([
    ['MUG', '10', "'@home"],
    ['MUG', '5', ''],
    ['CUP', '7', ''],
    ['CUP', '-4', ''],
  ]);
});

test('ledger: filtered by product, place and time', async () => {
  const { body } = await app.app.inject({ url: '/api/v1/ledger?sort=seq' });
  const { items } = JSON.parse(body) as { items: { at: string }[] };
  expect(await lines({ what: 'ledger', filter: {} })).toEqual(items);
  expect(await lines({ what: 'ledger', filter: { sku: 'CUP' } })).toEqual(items.slice(2));
  expect(await lines({ what: 'ledger', filter: { location: 'B' } })).toEqual([items[1]]);
  const fromMs = Date.parse(items[3]?.at ?? '');
  const late = items.filter(({ at }) => Date.parse(at) >= fromMs);
  expect(await lines({ what: 'ledger', filter: { fromMs } })).toEqual(late);
  expect(await lines({ what: 'ledger', filter: { toMs: fromMs } })).toEqual(items.slice(0, items.length - late.length));
});

test('a name that does not exist is refused, not answered with nothing', async () => {
  await expect(lines({ what: 'ledger', filter: { sku: 'NOPE', location: 'X' } })).rejects.toThrow(
    'There is no product NOPE. There is no location X.',
  );
});

test('an export is of one instant, and a reader that leaves frees its connection', async () => {
  const products = Array.from({ length: 4_500 }, (_, index) => ({ sku: `P-${index}`, name: 'x' }));
  await api('POST', '/products/batch', { products });
  const reader = exportText({
    database: app.database,
    request: { what: 'products', includeArchived: false },
    format: 'ndjson',
  });
  let count = (await reader.next()).value?.split('\n').length ?? 0;
  await api('POST', '/products', { sku: 'ZZZ', name: 'came later' });
  for await (const piece of reader) {
    expect(piece).not.toContain('came later');
    count += piece.split('\n').length;
  }
  expect(count - 3).toBe(4_502);

  for (let round = 0; round < 20; round += 1) {
    const left = exportText({
      database: app.database,
      request: { what: 'products', includeArchived: false },
      format: 'csv',
    });
    await left.next();
    await left.next();
    await left.return();
  }
  expect(app.database.pool.idleCount).toBe(app.database.pool.totalCount);
});

test('an abort cancels the statement that is under way, and the session serves the next', async () => {
  const stop = new AbortController();
  // Only who connected may see what sessions wait for.
  const owner = await app.database.openClient();
  const countSleeping = async (): Promise<number> => {
    const { rows } = await owner.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
    );
    return rows[0]?.count ?? -1;
  };
  const rows = streamRows(app.database, sql`SELECT pg_sleep(20)`, { signal: stop.signal }).next();
  await expect.poll(countSleeping).toBe(1);
  stop.abort(new Error('enough'));
  await expect(rows).rejects.toThrow('canceling statement');
  expect(await countSleeping()).toBe(0);
  await owner.end();
  expect(await textOf({ what: 'stock', filter: {} }, 'csv')).toContain('MUG,');
});
