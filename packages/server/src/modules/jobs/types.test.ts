import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startJobsApp, type JobsApp } from './jobs.fixture.ts';

/** What a run's list of files shows. */
interface Shown {
  status: string;
  result: Record<string, unknown>;
  error: { code: string; message: string } | null;
  files: { name: string; size: number }[];
  id: string;
}

let jobs: JobsApp;

beforeAll(async () => {
  jobs = await startJobsApp();
  await jobs.request('POST', '/locations', { code: 'BERLIN', name: 'Berlin', type: 'warehouse' });
});
afterAll(() => jobs.close());

async function runOf(type: string, config: object): Promise<Shown> {
  const job = await jobs.create({ name: `${type} ${Math.random()}`, type, config });
  const { id } = await jobs.run(job.id);
  await jobs.work();
  return (await jobs.read(id)) as unknown as Shown;
}

async function fileOf({ id }: Shown, name: string): Promise<string> {
  const answer = await jobs.app.inject({ url: `/api/v1/runs/${id}/files/${name}` });
  if (answer.statusCode !== 200) throw new Error(answer.body);
  return answer.body;
}

test('from a catalog to a plan of counts, by jobs alone', async () => {
  const content = 'sku,name,reorderPoint,unitCost\nMUG,Blue mug,10,2.5\nCUP,=1+1,,1\nbad sku,x,,\n';
  const catalog = await runOf('import_products', { source: { content } });
  expect(catalog).toMatchObject({ status: 'succeeded', result: { created: 2, refused: 1, files: ['refused.csv'] } });
  expect(parse(await fileOf(catalog, 'refused.csv'), { columns: true })).toMatchObject([
    { sku: 'bad sku', refusedLine: '4', refusedCode: 'validation_failed' },
  ]);

  const source = { content: 'sku,quantity\nMUG,8\nCUP,40\n' };
  const stock = await runOf('import_stock', { source, location: 'BERLIN' });
  expect(stock).toMatchObject({ status: 'succeeded', result: { updated: 2, units: 48 } });

  const ledger = await runOf('export_ledger', { lastHours: 1, format: 'ndjson' });
  expect(ledger).toMatchObject({ status: 'succeeded', result: { rows: 2, file: 'ledger.ndjson' } });
  const [first] = (await fileOf(ledger, 'ledger.ndjson')).split('\n');
  expect(JSON.parse(first ?? '')).toMatchObject({
    sku: 'MUG',
    deltaOnHand: 8,
    reference: { type: 'import', id: stock.id },
    actor: expect.stringMatching(/^job:import_stock 0\./),
  });

  const snapshot = await runOf('stock_snapshot', {});
  expect(snapshot).toMatchObject({ status: 'succeeded', result: { totals: { onHand: 48, value: 60 } } });
  expect(parse(await fileOf(snapshot, 'stock.csv'), { columns: true })).toHaveLength(2);

  const report = await runOf('reorder_report', {});
  expect(report).toMatchObject({ status: 'succeeded', result: { levels: 1, suggestedUnits: 3, suggestedCost: 7.5 } });
  expect(report.files.map(({ name }) => name)).toEqual(['reorder.csv', 'reorder.html']);
  expect(await fileOf(report, 'reorder.html')).toContain('<b>MUG</b>');

  const plan = await runOf('cycle_count_plan', { perDay: 1 });
  expect(plan).toMatchObject({ status: 'succeeded', result: { levels: 2, planned: 2, neverCounted: 2 } });
  expect(parse(await fileOf(plan, 'counts.csv'), { columns: true })).toMatchObject([{ sku: 'CUP' }, { sku: 'MUG' }]);
});

test('a run that cannot succeed fails at once, with the reason', async () => {
  const run = await runOf('stock_snapshot', { locations: ['NOWHERE'] });
  expect(run).toMatchObject({
    status: 'failed',
    attempt: 1,
    error: { code: 'permanent', message: 'There is no location NOWHERE.' },
  });
});

test.each<[string, object, string]>([
  ['import_stock', {}, '/config/source'],
  ['import_stock', { source: { url: 'http://169.254.169.254/' } }, 'forbidden_target'],
  ['import_stock', { source: { content: 'a', url: 'https://example.com/' } }, '/config/source'],
  ['export_ledger', { lastHours: 1, lastDays: 1 }, '/config/lastDays'],
  ['reorder_report', { days: 1_000_000_000 }, '/config/days'],
  ['cycle_count_plan', { aPercent: 95 }, '/config/bPercent'],
])('a job of %s with %j is refused, with the place', async (type, config, place) => {
  const { status, body } = await jobs.request('POST', '/jobs', { name: 'refused', type, config });
  expect(status).toBe(400);
  expect(JSON.stringify(body)).toContain(place);
});

test('a job and a run take a file of 1 MiB in their config, and no config of more than 2', async () => {
  // In JSON each line has a character more.
  const content = 'sku,quantity\n'.padEnd(1_048_576, 'A,1\n');
  const large = { source: { content }, location: 'BERLIN', dryRun: true };
  const job = await jobs.create({ name: 'large', type: 'import_stock', config: large });
  const changed = await jobs.request('PATCH', `/jobs/${job.id}`, { config: large });
  expect(changed.status).toBe(200);
  await jobs.run(job.id, { config: large, delayMs: 60_000 });

  const tooLarge = { ...large, source: { content: content.repeat(2) } };
  const refused = await jobs.request('POST', '/jobs', { name: 'larger', type: 'import_stock', config: tooLarge });
  expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: '/config' }] } });
});
