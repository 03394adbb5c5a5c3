import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { typeDirectory, typeText, type TypeDirectory } from '../src/platform/jobs/thread.fixture.ts';
import { startTestApp, type TestApp } from './app.ts';
import { blocksOf } from './docs/markdown.blocks.ts';

const blocks = blocksOf(readFileSync(new URL('../../../docs/guides/job-type-in-one-file.md', import.meta.url), 'utf8'));
const textOf = (language: string): string => {
  const found = blocks.filter((block) => block.language === language);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`the guide has ${found.length} blocks of ${language}`);
  return only.text;
};

/** The first attempt fails behind its effects; the second makes them again, one of them in another way. */
const REPEATED = `
  const add = (body, options) => context.call('POST', '/inventory/OFTEN/adjust', { location: 'PARIS', type: 'add', ...body }, options);
  const answers = [await add({ quantity: 1 }), await add({ quantity: 1 }), await add({ quantity: context.attempt * 100 }, { key: 'mine' })];
  if (context.attempt === 1) throw new Error('behind it');
  const keys = await context.call('GET', '/api-keys');
  return [...answers, keys].map(({ status, body }) => body.code ?? status);`;

const BACKOFF = { kind: 'fixed', delayMs: 0, maxDelayMs: 0 };

let directory: TypeDirectory;
let app: TestApp;

beforeAll(async () => {
  directory = await typeDirectory({
    'refill_store.mjs': textOf('js'),
    'broken.mjs': 'export default {',
    'repeats.mjs': typeText('repeats', REPEATED),
    'loops.mjs': typeText('loops', 'while (true) {}'),
  });
  app = await startTestApp({ env: { HOLDFAST_JOB_TYPES: directory.path, LOG_LEVEL: 'fatal' } });
  await app.server.jobs.queue.open();
});
afterAll(async () => {
  await app.close();
  await directory.remove();
});

async function ask(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) {
  const answer = await app.app.inject({
    method,
    url: `/api/v1${path}`,
    ...(body === undefined ? {} : { payload: body }),
  });
  if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${answer.body}`);
  return answer.body === '' ? null : answer.json();
}

async function stock(sku: string, atBerlin: number, atParis: number, level: object): Promise<void> {
  await ask('POST', '/products', { sku, name: sku, ...level });
  for (const [location, quantity] of Object.entries({ BERLIN: atBerlin, PARIS: atParis })) {
    await ask('POST', `/inventory/${sku}/adjust`, { location, type: 'set', quantity, movement: 'count' });
  }
}

/** Does what there is to do, until the run is over. */
async function finished(runId: string) {
  for (;;) {
    await app.server.jobs.worker.runOnce();
    const run = await ask('GET', `/runs/${runId}`);
    if (run.finishedAt !== null) return run;
  }
}

test('the type of the guide is one of the server, runs, and can be run again', async () => {
  for (const code of ['BERLIN', 'PARIS']) await ask('POST', '/locations', { code, name: code, type: 'warehouse' });
  await stock('LOW', 500, 3, { reorderPoint: 5, maxLevel: 50 });
  await stock('EMPTY', 500, 0, { reorderPoint: 5 });
  await stock('SCARCE', 2, 1, { reorderPoint: 5 });
  await stock('ENOUGH', 500, 6, { reorderPoint: 5 });

  const types = await ask('GET', '/jobs/types');
  expect(types.items).toContainEqual(expect.objectContaining({ name: 'refill_store', title: 'Refill a store' }));
  const job = await ask('POST', '/jobs', JSON.parse(textOf('json')));
  expect(job.config).toEqual({ from: 'BERLIN', to: 'PARIS', most: 100 });

  const run = await finished((await ask('POST', `/jobs/${job.id}/run`, {})).id);
  expect(run).toMatchObject({ status: 'succeeded', result: { products: 2, units: 147 } });
  const levels = (await ask('GET', '/inventory?location=PARIS&sort=sku')).items;
  expect(levels.map(({ sku, onHand }: { sku: string; onHand: number }) => [sku, onHand])).toEqual([
    ['EMPTY', 100],
    ['ENOUGH', 6],
    ['LOW', 50],
    ['SCARCE', 1],
  ]);
  const entries = (await ask('GET', '/inventory/LOW/ledger?location=PARIS')).items;
  expect(entries[0]).toMatchObject({ deltaOnHand: 47, actor: 'job:Refill Paris' });

  expect(run.files).toMatchObject([{ name: 'moved.csv', size: 30 }]);

  const again = await finished((await ask('POST', `/jobs/${job.id}/run`, {})).id);
  expect(again).toMatchObject({ status: 'succeeded', result: { products: 0, units: 0 } });
});

test('what an attempt has called is done once, and what needs admin is not done', async () => {
  await stock('OFTEN', 0, 0, {});
  const job = await ask('POST', '/jobs', { name: 'Repeats', type: 'repeats', backoff: BACKOFF });
  const run = await finished((await ask('POST', `/jobs/${job.id}/run`, {})).id);
  expect(run).toMatchObject({
    status: 'succeeded',
    attempt: 2,
    result: [200, 200, 'idempotency_key_reused', 'forbidden'],
  });
  expect(await ask('GET', '/inventory/OFTEN/locations/PARIS')).toMatchObject({ onHand: 102 });
});

test('an endless loop ends with its time, and the server serves meanwhile', async () => {
  const job = await ask('POST', '/jobs', { name: 'Loops', type: 'loops', timeoutMs: 500, retries: 0 });
  const { id } = await ask('POST', `/jobs/${job.id}/run`, {});
  const working = app.server.jobs.worker.runOnce();
  await expect.poll(async () => (await ask('GET', `/runs/${id}`)).status).toBe('running');
  await working;
  expect(await finished(id)).toMatchObject({ status: 'failed', error: { code: 'timed_out' } });
});
