import { parse } from 'csv-parse/sync';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import type { JobType } from '../../platform/jobs/index.ts';
import { configOf, fixtureRun, type FixtureRun } from '../../platform/jobs/run.context.fixture.ts';
import { exportJobTypes } from './index.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let app: TestApp;

async function api(method: 'POST' | 'DELETE' | 'PATCH', url: string, payload: object = {}): Promise<{ id: string }> {
  const answer = await app.app.inject({ method, url: `/api/v1${url}`, ...(method === 'DELETE' ? {} : { payload }) });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return method === 'DELETE' ? { id: '' } : answer.json();
}

beforeAll(async () => {
  app = await startTestApp();
  await api('POST', '/products', { sku: 'MUG', name: '=HYPERLINK("http://evil")', unitCost: 0.1 });
  await api('POST', '/products', { sku: 'CUP', name: "two\r\nlines'); DROP TABLE level; --", unitCost: 2.5 });
  await api('POST', '/products', { sku: 'JUG', name: 'no cost', safetyStock: 2 });
  for (const code of ['A', 'B', 'C']) await api('POST', '/locations', { code, name: code, type: 'warehouse' });
  await api('POST', '/inventory/MUG/adjust', { location: 'A', type: 'add', quantity: 3, notes: '@home' });
  await api('POST', '/inventory/MUG/adjust', { location: 'B', type: 'add', quantity: 7 });
  await api('POST', '/inventory/CUP/adjust', { location: 'A', type: 'add', quantity: 10 });
  await api('POST', '/inventory/JUG/adjust', { location: 'B', type: 'add', quantity: 5 });
  await api('POST', '/reservations', { lines: [{ sku: 'CUP', location: 'A', quantity: 4 }] });
  await api('PATCH', '/locations/B', { active: false });
});

afterAll(() => app.close());

function typeOf(name: string): JobType {
  const type = exportJobTypes({ database: app.database }).find((each) => each.name === name);
  if (type === undefined) throw new Error(name);
  return type;
}

type Config = Record<string, unknown>;
const runOf = (name: string, given: object): FixtureRun<Config> =>
  fixtureRun<Config>({ database: app.database, config: configOf(typeOf(name), given) });

test('export_ledger: every movement, oldest first, safe for a spreadsheet', async () => {
  const context = runOf('export_ledger', {});
  const result = await typeOf('export_ledger').run(context);
  const rows: Record<string, string>[] = parse(context.textOf('ledger.csv'), { columns: true });
  expect(rows.map(({ type, sku, location, deltaOnHand }) => [type, sku, location, deltaOnHand])).toEqual([
    ['adjustment', 'MUG', 'A', '3'],
    ['adjustment', 'MUG', 'B', '7'],
    ['adjustment', 'CUP', 'A', '10'],
    ['adjustment', 'JUG', 'B', '5'],
    ['reserve', 'CUP', 'A', '0'],
  ]);
  expect(rows[0]?.['notes']).toBe("'@home");
  const bytes = context.files.get('ledger.csv')?.size;
  expect(result).toEqual({ from: null, to: null, rows: 5, file: 'ledger.csv', bytes });
  expect(context.progressed.at(-1)).toEqual({ percent: null, message: '5 rows' });
});

test('export_ledger: filters, JSON lines, packed', async () => {
  const context = runOf('export_ledger', { sku: 'MUG', location: 'B', format: 'ndjson', gzip: true });
  const result = await typeOf('export_ledger').run(context);
  expect(result).toMatchObject({ rows: 1, file: 'ledger.ndjson.gz' });
  const file = context.files.get('ledger.ndjson.gz');
  expect(file?.mediaType).toBe('application/gzip');
  expect(JSON.parse(gunzipSync(file?.bytes ?? '').toString())).toMatchObject({ sku: 'MUG', deltaOnHand: 7 });
});

test('export_ledger: a span up to the time of the run, which is that of its first attempt', async () => {
  const context = runOf('export_ledger', { lastHours: 2 });
  const before = Date.now();
  const first = (await typeOf('export_ledger').run(context)) as { from: string; to: string; rows: number };
  expect(first.rows).toBe(5);
  expect(Date.parse(first.to) - Date.parse(first.from)).toBe(2 * HOUR_MS);
  expect(Math.abs(Date.parse(first.to) - before)).toBeLessThan(60_000);
  await api('POST', '/inventory/MUG/adjust', { location: 'A', type: 'add', quantity: 1 });
  expect(await typeOf('export_ledger').run(context.next())).toEqual({ ...first, bytes: expect.any(Number) });
});

test('export_ledger: whole days and hours in UTC', async () => {
  const days = runOf('export_ledger', { lastDays: 7, until: 'day' });
  const { from, to } = (await typeOf('export_ledger').run(days)) as { from: string; to: string };
  expect(to).toMatch(/T00:00:00\.000Z$/);
  expect(Date.parse(to) - Date.parse(from)).toBe(7 * DAY_MS);
  // Of a tick that was missed, and of one whose run waited over midnight.
  const config = configOf(typeOf('export_ledger'), { lastDays: 1, until: 'day' });
  const late = fixtureRun<Config>({ database: app.database, config, tickMs: Date.parse('2026-02-03T23:59:30Z') });
  const ofTick = { from: '2026-02-02T00:00:00.000Z', to: '2026-02-03T00:00:00.000Z' };
  expect(await typeOf('export_ledger').run(late)).toMatchObject(ofTick);
  const hours = runOf('export_ledger', { lastHours: 87_600, until: 'hour' });
  expect(await typeOf('export_ledger').run(hours)).toMatchObject({ to: expect.stringMatching(/:00:00\.000Z$/) });
});

test('export_ledger: a span of the calendar holds its first instant and not its last', async () => {
  const { rows } = await app.database.pool.query<{ at: number }>(
    `SELECT at FROM ledger_entry ORDER BY at, seq LIMIT 1`,
  );
  const at = rows[0]?.at ?? 0;
  const span = (fromMs: number, toMs: number) => ({
    sku: 'MUG',
    location: 'A',
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
  });
  const holds = runOf('export_ledger', span(at, at + 1));
  expect(await typeOf('export_ledger').run(holds)).toMatchObject({ rows: 1 });
  const ends = runOf('export_ledger', span(at - 1_000, at));
  expect(await typeOf('export_ledger').run(ends)).toMatchObject({ rows: 0 });
  expect(ends.textOf('ledger.csv')).toMatch(/^seq,at,type,[^\n]*\r\n$/);
});

test('stock_snapshot: the levels of one instant, and exact totals', async () => {
  const context = runOf('stock_snapshot', {});
  const result = await typeOf('stock_snapshot').run(context);
  const rows: Record<string, string>[] = parse(context.textOf('stock.csv'), { columns: true });
  expect(rows.map(({ sku, name, location, available }) => [sku, name, location, available])).toEqual([
    ['CUP', "two\r\nlines'); DROP TABLE level; --", 'A', '6'],
    ['JUG', 'no cost', 'B', '0'],
    ['MUG', `'=HYPERLINK("http://evil")`, 'A', '4'],
    ['MUG', `'=HYPERLINK("http://evil")`, 'B', '0'],
  ]);
  const none = { reserved: 0, committed: 0, safetyStock: 0, incoming: 0, shortage: 0 };
  expect(result).toEqual({
    at: expect.stringMatching(/^\d{4}-/),
    file: 'stock.csv',
    bytes: context.files.get('stock.csv')?.size,
    // 10 × 2.5 + (4 + 7) × 0.1
    totals: { ...none, levels: 4, onHand: 26, reserved: 4, safetyStock: 2, available: 10, value: 26.1 },
    byLocation: [
      { ...none, location: 'A', levels: 2, onHand: 14, reserved: 4, available: 10, value: 25.4 },
      { ...none, location: 'B', levels: 2, onHand: 12, safetyStock: 2, available: 0, value: 0.7 },
    ],
  });
});

test('stock_snapshot: of some locations, as the API shows them', async () => {
  const context = runOf('stock_snapshot', { locations: ['B', 'C'], format: 'ndjson' });
  expect(await typeOf('stock_snapshot').run(context)).toMatchObject({ totals: { levels: 2, onHand: 12 } });
  const [, mug] = context
    .textOf('stock.ndjson')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  const { body } = await app.app.inject({ url: '/api/v1/inventory/MUG/locations/B' });
  expect(mug).toEqual(JSON.parse(body));
});

test.each([
  ['export_ledger', { sku: 'NOPE', location: 'NOWHERE' }, 'There is no product NOPE. There is no location NOWHERE.'],
  [
    'stock_snapshot',
    { locations: ['A', 'NOWHERE', 'GONE'] },
    'There is no location NOWHERE. There is no location GONE.',
  ],
])('%s of %j: what does not exist ends the run', async (name, given, message) => {
  const context = runOf(name, given);
  await expect(typeOf(name).run(context)).rejects.toMatchObject({ name: 'PermanentError', message });
  expect([...context.files]).toEqual([]);
});

test.each(['export_ledger', 'stock_snapshot'])(
  '%s: an abort ends it, packed or not, and its snapshot is let go',
  async (name) => {
    for (const gzip of [false, true]) {
      const context = runOf(name, { gzip });
      const watched = { ...context, progress: () => context.abort(new Error('cancelled')) };
      await expect(typeOf(name).run(watched)).rejects.toThrow('cancelled');
      expect([...context.files]).toEqual([]);
    }
    // Only who connected may see what sessions do.
    const owner = await app.database.openClient();
    const countOpen = async (): Promise<number> => {
      const { rows } = await owner.query<{ open: number }>(
        `SELECT count(*)::int AS open FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'`,
      );
      return rows[0]?.open ?? -1;
    };
    await expect.poll(countOpen).toBe(0);
    await owner.end();
  },
);

test.each<[object, string]>([
  [{ lastHours: 1, lastDays: 1 }, '/config/lastDays cannot stand beside lastHours.'],
  [{ lastHours: 1, from: '2026-01-01T00:00:00Z' }, '/config/from cannot stand beside'],
  [{ lastDays: 1, to: '2026-01-01T00:00:00Z' }, '/config/to cannot stand beside'],
  [{ until: 'day' }, '/config/until needs lastHours or lastDays.'],
  [{ from: '2026-01-02T00:00:00Z', to: '2026-01-02T00:00:00Z' }, '/config/to must be after from.'],
])('export_ledger of %j is refused when the job is made', async (given, detail) => {
  const type = typeOf('export_ledger');
  await expect(async () => type.check?.(configOf(type, given))).rejects.toMatchObject({
    code: 'validation_failed',
    detail: expect.stringContaining(detail),
  });
});

test.each([
  ['export_ledger', { lastHours: 1_000_000_000 }],
  ['export_ledger', { lastDays: 0 }],
  ['export_ledger', { from: '2026-02-30T00:00:00Z' }],
  ['export_ledger', { location: 'A\r\nB' }],
  ['export_ledger', { sku: "x'); DROP TABLE level; --" }],
  ['export_ledger', { other: 1 }],
  ['stock_snapshot', { locations: [] }],
  ['stock_snapshot', { locations: ['A', 'A'] }],
  ['stock_snapshot', { locations: Array.from({ length: 1_001 }, (_, index) => `L${index}`) }],
  ['stock_snapshot', { format: 'xlsx' }],
])('%s: a config %j does not fit', (name, given) => {
  expect(() => configOf(typeOf(name), given)).toThrow(`no config of ${name}`);
});
