import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import type { JobType } from '../../platform/jobs/index.ts';
import { configOf, fixtureRun, type FixtureRun } from '../../platform/jobs/run.context.fixture.ts';
import { reportJobTypes } from './index.ts';

type Config = Record<string, unknown>;

const DAY_MS = 86_400_000;

let app: TestApp;
let type: JobType;

async function api(method: 'POST' | 'PATCH' | 'DELETE', url: string, payload: object = {}): Promise<void> {
  const answer = await app.app.inject({ method, url: `/api/v1${url}`, ...(method === 'DELETE' ? {} : { payload }) });
  if (answer.statusCode >= 300) throw new Error(answer.body);
}

/** Moves the ledger of a product back in time. */
async function longAgo(sku: string): Promise<void> {
  const owner = await app.database.openClient();
  const query = `UPDATE ledger_entry SET at = at - interval '200 days' WHERE product_id = (SELECT id FROM product WHERE sku = $1)`;
  await owner.query(query, [sku]);
  await owner.end();
}

async function countedAgo(sku: string, days: number, zone: string, aisle: string): Promise<void> {
  await app.database.pool.query(
    `UPDATE level SET last_count_at = CASE WHEN $2::int >= 0 THEN now() - $2::int * interval '1 day' END, zone = $3, aisle = $4
     WHERE product_id = (SELECT id FROM product WHERE sku = $1)`,
    [sku, days, zone, aisle],
  );
}

async function product(sku: string, unitCost: number | null, moved: number[]): Promise<void> {
  await api('POST', '/products', { sku, name: `=${sku}\r\n'; --`, ...(unitCost === null ? {} : { unitCost }) });
  for (const quantity of moved) {
    const change = { type: quantity > 0 ? 'add' : 'subtract', quantity: Math.abs(quantity) };
    await api('POST', `/inventory/${sku}/adjust`, { location: 'A', ...change });
  }
}

const NEVER = -1;

beforeAll(async () => {
  app = await startTestApp();
  const types = reportJobTypes({ database: app.database, currency: 'EUR' });
  const found = types.find(({ name }) => name === 'cycle_count_plan');
  if (found === undefined) throw new Error('no such type');
  type = found;
  for (const code of ['A', 'B', 'C']) await api('POST', '/locations', { code, name: code, type: 'warehouse' });
  await product('P1', 10, [100]);
  await product('P2', 1, [100]);
  await product('P3', 1, [50]);
  await product('P4', null, [500]);
  await product('P5', 1, [7]);
  await product('P6', 0.5, [5, -5]);
  await product('P7', 1, [3, -3]);
  await product('P8', 1, [9]);
  // Only counted, just now: nothing of it moved, and it is not due.
  await product('P9', 100, []);
  await api('POST', '/inventory/P9/adjust', { location: 'A', type: 'set', quantity: 20, movement: 'count' });
  await longAgo('P5');
  await longAgo('P7');
  await countedAgo('P1', 40, 'Z2', 'A-10');
  await countedAgo('P2', 100, 'Z2', 'A-2');
  await countedAgo('P3', 170, 'Z1', 'A-1');
  await countedAgo('P4', 178, 'Z1', 'A-1');
  await countedAgo('P5', NEVER, 'Z1', 'A-1');
  await countedAgo('P6', NEVER, 'Z1', 'A-2');
  await api('POST', '/inventory/P8/adjust', { location: 'A', type: 'subtract', quantity: 9 });
  await api('DELETE', '/products/P8');
  for (const change of ['add', 'subtract'])
    await api('POST', '/inventory/P7/adjust', { location: 'C', type: change, quantity: 5 });
  await api('DELETE', '/locations/C');
});

afterAll(() => app.close());

const runOf = (given: object): FixtureRun<Config> =>
  fixtureRun<Config>({ database: app.database, config: configOf(type, given) });

interface Result {
  at: string;
  firstDay: string;
}

const dateIn = (result: unknown, days: number): string =>
  new Date(Date.parse((result as Result).firstDay) + days * DAY_MS).toISOString().slice(0, 10);

function planOf(context: FixtureRun<Config>): Record<string, string>[] {
  return parse(context.textOf('counts.csv'), { columns: true });
}

test('what was never counted first, then what was missed most, each on a day with room and not before it is due', async () => {
  const context = runOf({ perDay: 2 });
  const result = await type.run(context);
  const plan = planOf(context);
  // By value: P1 1,000 · P2 100 · P3 50 · P6 5 · P4 and P5 nothing.
  expect(plan.map(({ day, sku, class: name, overdueDays }) => [day, sku, name, overdueDays])).toEqual([
    [dateIn(result, 0), 'P5', 'C', '0'],
    [dateIn(result, 0), 'P6', 'C', '0'],
    [dateIn(result, 1), 'P2', 'B', '10'],
    [dateIn(result, 1), 'P1', 'A', '10'],
    [dateIn(result, 2), 'P4', 'C', '0'],
  ]);
  expect(result).toEqual({
    at: expect.any(String),
    from: expect.any(String),
    firstDay: (result as Result).at.slice(0, 10),
    lastDay: dateIn(result, 6),
    levels: 7,
    neverCounted: 2,
    due: 5,
    planned: 5,
    leftOver: 0,
    classes: { A: { levels: 1, planned: 1 }, B: { levels: 1, planned: 1 }, C: { levels: 5, planned: 3 } },
    byDay: [
      { day: dateIn(result, 0), levels: 2 },
      { day: dateIn(result, 1), levels: 2 },
      { day: dateIn(result, 2), levels: 1 },
    ],
    file: 'counts.csv',
    bytes: context.files.get('counts.csv')?.size,
  });
  expect(plan[3]).toMatchObject({ name: "'=P1\r\n'; --", moved: '100', movedValue: '1000', onHand: '100' });
  expect(plan[3]?.['dueOn']).toBe(dateIn(result, -10));
});

test('by units, the most moved are A', async () => {
  const context = runOf({ by: 'units', perDay: 100, aPercent: 60, bPercent: 90 });
  // P1 is B now, and not due before its 90 days. 760 in all: P4 500 · P1 100 · P2 100 · P3 50 · P6 10. P1 begins at 65 %, P2 at 78 %, P3 at 92 %.
  expect(await type.run(context)).toMatchObject({ classes: { A: { levels: 1 }, B: { levels: 2 }, C: { levels: 4 } } });
  const classes = planOf(context).map(({ sku, class: name }) => `${sku} ${name}`);
  expect(classes).toEqual(['P4 A', 'P5 C', 'P6 C', 'P2 B']);
});

test('more than the days have room for is left over', async () => {
  const context = runOf({ perDay: 1, planDays: 3 });
  expect(await type.run(context)).toMatchObject({ due: 5, planned: 3, leftOver: 2 });
  expect(planOf(context).map(({ sku }) => sku)).toEqual(['P6', 'P5', 'P1']);
});

test('who counts blind is not told what should be there', async () => {
  const context = runOf({ blind: true });
  await type.run(context);
  expect(Object.keys(planOf(context)[0] ?? {})).not.toContain('onHand');
});

test('a count moves a level to the end; nothing to count is a plan, too', async () => {
  const context = runOf({ locations: ['B'] });
  expect(await type.run(context)).toMatchObject({ levels: 0, planned: 0, byDay: [] });
  expect(planOf(context)).toEqual([]);
  await api('POST', '/inventory/P6/adjust', { location: 'A', type: 'set', quantity: 0, movement: 'count' });
  const after = runOf({});
  expect(await type.run(after)).toMatchObject({ neverCounted: 1, due: 4 });
});

test('a later attempt plans from the same day, an unknown location ends the run, an abort leaves no file', async () => {
  const context = runOf({});
  const first = await type.run(context);
  for (const change of ['add', 'subtract'])
    await api('POST', '/inventory/P3/adjust', { location: 'A', type: change, quantity: 5_000 });
  expect(await type.run(context.next())).toEqual(first);
  await expect(type.run(runOf({ locations: ['NOWHERE'] }))).rejects.toMatchObject({ name: 'PermanentError' });
  const aborted = runOf({});
  const watched = { ...aborted, progress: () => aborted.abort(new Error('cancelled')) };
  await expect(type.run(watched)).rejects.toThrow('cancelled');
  expect([...aborted.files]).toEqual([]);
});

test('classes that overlap are refused when the job is made', async () => {
  const config = configOf(type, { aPercent: 95, bPercent: 95 });
  await expect(async () => type.check?.(config)).rejects.toMatchObject({
    code: 'validation_failed',
    detail: '/config/bPercent must be more than aPercent.',
  });
});

test.each([
  [{ perDay: 0 }],
  [{ perDay: 1_000_000_000 }],
  [{ planDays: 93 }],
  [{ weekdays: [] }],
  [{ weekdays: ['Freitag'] }],
  [{ by: 'units; DROP TABLE level' }],
  [{ aPercent: 100 }],
  [{ cEveryDays: 3_651 }],
  [{ other: 1 }],
])('a config %j does not fit', (given) => {
  expect(() => configOf(type, given)).toThrow('no config of cycle_count_plan');
});
