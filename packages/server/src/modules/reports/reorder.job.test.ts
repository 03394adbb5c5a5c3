import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import type { JobType } from '../../platform/jobs/index.ts';
import { configOf, fixtureRun, type FixtureRun } from '../../platform/jobs/run.context.fixture.ts';
import { reportJobTypes } from './index.ts';

type Config = Record<string, unknown>;

let app: TestApp;
let type: JobType;

async function api(method: 'POST' | 'PATCH' | 'DELETE', url: string, payload: object = {}): Promise<{ id: string }> {
  const answer = await app.app.inject({ method, url: `/api/v1${url}`, ...(method === 'DELETE' ? {} : { payload }) });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return method === 'DELETE' ? { id: '' } : answer.json();
}

async function stock(sku: string, location: string, quantity: number): Promise<void> {
  await api('POST', `/inventory/${sku}/adjust`, { location, type: 'add', quantity });
}

async function sell(sku: string, location: string, quantity: number, daysAgo = 0): Promise<void> {
  const { id } = await api('POST', '/reservations', { lines: [{ sku, location, quantity }] });
  await api('POST', `/reservations/${id}/confirm`, { ship: true });
  const owner = await app.database.openClient();
  await owner.query(
    `UPDATE ledger_entry SET at = at - $2::int * interval '1 day' WHERE reference_id = $1 AND type = 'sale'`,
    [id, daysAgo],
  );
  await owner.end();
}

const runOf = (given: object, jobName = 'Weekly'): FixtureRun<Config> =>
  fixtureRun<Config>({ database: app.database, config: configOf(type, given), jobName });

beforeAll(async () => {
  app = await startTestApp();
  const found = reportJobTypes({ database: app.database, currency: 'EUR' }).find(
    ({ name }) => name === 'reorder_report',
  );
  if (found === undefined) throw new Error('no such type');
  type = found;
  for (const code of ['A', 'B', 'C', 'D']) await api('POST', '/locations', { code, name: code, type: 'warehouse' });
  const script = `<script>alert(1)</script> & "Mug"`;
  await api('POST', '/products', { sku: 'MUG', name: script, unitCost: 2.5, reorderPoint: 10, reorderQuantity: 24 });
  await api('POST', '/products', { sku: 'CUP', name: '=1+1', category: "kit'chen" });
  await api('POST', '/products', { sku: 'JUG', name: 'sold long ago' });
  await api('POST', '/products', { sku: 'PAN', name: "'); DROP TABLE level; --\r\n", unitCost: 0.1, reorderPoint: 4 });
  await api('POST', '/products', { sku: 'WOK', name: 'at a closed location', reorderPoint: 5 });
  await api('POST', '/products', { sku: 'OLD', name: 'archived', reorderPoint: 5 });
  await stock('MUG', 'A', 40);
  await stock('MUG', 'B', 50);
  await sell('MUG', 'A', 30, 29);
  await sell('MUG', 'A', 2);
  await stock('CUP', 'A', 5);
  await sell('CUP', 'A', 5, 3);
  await stock('JUG', 'B', 3);
  await sell('JUG', 'B', 3, 40);
  await stock('PAN', 'A', 4);
  await stock('WOK', 'C', 1);
  await api('PATCH', '/locations/C', { active: false });
  await stock('OLD', 'A', 1);
  await api('POST', '/inventory/OLD/adjust', { location: 'A', type: 'subtract', quantity: 1 });
  await api('DELETE', '/products/OLD');
  await stock('PAN', 'D', 1);
  await api('POST', '/inventory/PAN/adjust', { location: 'D', type: 'subtract', quantity: 1 });
  await api('DELETE', '/locations/D');
});

afterAll(() => app.close());

test('the levels at or below their reorder point, soonest gone first, with exact sums', async () => {
  const context = runOf({});
  const result = await type.run(context);
  const rows: Record<string, string>[] = parse(context.textOf('reorder.csv'), { columns: true });
  const shown = rows.map(({ sku, location, available, sold, soldPerDay, daysOfSupply, suggested, cost }) => {
    return [sku, location, available, sold, soldPerDay, daysOfSupply, suggested, cost].join(' ');
  });
  expect(shown).toEqual(['CUP A 0 5 0.17 0 5 ', 'MUG A 8 32 1.07 7.5 24 60', 'PAN A 4 0 0  1 0.1']);
  expect(rows.map(({ name }) => name)).toEqual([
    "'=1+1",
    '<script>alert(1)</script> & "Mug"',
    "'); DROP TABLE level; --\r\n",
  ]);
  expect(result).toEqual({
    at: expect.any(String),
    from: expect.any(String),
    days: 30,
    coverDays: 30,
    levels: 3,
    outOfStock: 1,
    toOrder: 3,
    suggestedUnits: 30,
    suggestedCost: 60.1,
    withoutCost: 1,
    files: ['reorder.csv', 'reorder.html'],
  });
});

test('its window and its cover are those of the config', async () => {
  const context = runOf({ days: 60, coverDays: 120 });
  // MUG: 32 in 60 days are 64 in 120, of which 8 are there; CUP: 10; JUG: 6; PAN: above its point.
  expect(await type.run(context)).toMatchObject({ levels: 4, outOfStock: 2, suggestedUnits: 56 + 10 + 6 + 1 });
  const short = runOf({ days: 29, coverDays: 1 });
  expect(await type.run(short)).toMatchObject({ levels: 3, suggestedUnits: 24 + 1 + 1 });
});

test('of some locations, of some categories', async () => {
  expect(await type.run(runOf({ locations: ['B', 'C'], days: 60 }))).toMatchObject({ levels: 1 });
  expect(await type.run(runOf({ categories: ["kit'chen"] }))).toMatchObject({ levels: 1, withoutCost: 1 });
  expect(await type.run(runOf({ categories: ["' OR '1'='1"] }))).toMatchObject({ levels: 0 });
  await expect(type.run(runOf({ locations: ['A', 'NOWHERE'] }))).rejects.toMatchObject({
    name: 'PermanentError',
    message: 'There is no location NOWHERE.',
  });
});

test('a page that runs nothing and loads nothing, whatever names are like', async () => {
  const context = runOf({}, '</title><img src=x onerror=alert(1)>\r\n');
  await type.run(context);
  const page = context.textOf('reorder.html');
  expect(context.files.get('reorder.html')?.mediaType).toBe('text/html; charset=utf-8');
  expect(page).toContain('<bdi>&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Mug&quot;</bdi>');
  expect(page).toContain('<title>To reorder: &lt;/title&gt;&lt;img src=x onerror=alert(1)&gt; ,');
  expect(page).not.toMatch(/<script|<img|<link|<iframe|\son\w+="|@import|url\(|https?:/i);
  expect(page.match(/<tr>/g)).toHaveLength(4);
  expect(page).toContain('<div><dt>Cost, EUR</dt><dd>60.10</dd></div>');
  expect(page).toContain('aria-label="available 8"');
});

test('a page shows no more than it was asked for, the most urgent, and says so', async () => {
  const context = runOf({ pageRows: 1 });
  await type.run(context);
  const page = context.textOf('reorder.html');
  expect(page).toContain('The 1 most urgent of 3, those that are gone soonest first.');
  expect(page).toContain('2 more are in the CSV file of this run.');
  expect(page).toContain('<b>CUP</b>');
  expect(page).not.toContain('<b>MUG</b>');
});

test('nothing to reorder is a report, too', async () => {
  const context = runOf({ locations: ['B'] });
  expect(await type.run(context)).toMatchObject({ levels: 0, suggestedUnits: 0, suggestedCost: 0 });
  expect(context.textOf('reorder.html')).toContain('Nothing is at or below its reorder point.');
  expect(parse(context.textOf('reorder.csv'), { columns: true })).toEqual([]);
});

test('a later attempt reports of the same window, and an abort leaves no file', async () => {
  const context = runOf({});
  const first = await type.run(context);
  await sell('MUG', 'A', 1);
  await stock('MUG', 'A', 1);
  expect(await type.run(context.next())).toEqual(first);
  const aborted = runOf({});
  const watched = { ...aborted, progress: () => aborted.abort(new Error('cancelled')) };
  await expect(type.run(watched)).rejects.toThrow('cancelled');
  expect([...aborted.files]).toEqual([]);
});

test.each([
  [{ days: 0 }],
  [{ days: 1_000_000_000 }],
  [{ coverDays: 1.5 }],
  [{ pageRows: 2_001 }],
  [{ locations: ['A\r\nB'] }],
  [{ categories: [''] }],
  [{ other: 1 }],
])('a config %j does not fit', (given) => {
  expect(() => configOf(type, given)).toThrow('no config of reorder_report');
});
