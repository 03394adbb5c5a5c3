import { parse } from 'csv-parse/sync';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Problem, problems } from '../../kernel/problem.ts';
import { createEgress, type Egress } from '../../platform/egress/index.ts';
import type { JobType } from '../../platform/jobs/index.ts';
import { configOf, fixtureRun, type FixtureRun } from '../../platform/jobs/run.context.fixture.ts';
import type { Engine } from '../../engine/index.ts';
import { importJobTypes } from './index.ts';

type Config = Record<string, unknown>;

let app: TestApp;
let egress: Egress;
let temporaryDirectory: string;
let files: Server;
let base: string;
/** What the file server answers. */
let answer: (response: ServerResponse) => void = (response) => void response.end();

beforeAll(async () => {
  app = await startTestApp();
  egress = createEgress({ allow: ['127.0.0.1'] });
  temporaryDirectory = await mkdtemp(join(tmpdir(), 'holdfast-import-jobs-'));
  files = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
  for (const code of ['A', 'B']) await api('POST', '/locations', { code, name: code, type: 'warehouse' });
  for (const sku of ['MUG', 'CUP', 'POT', 'JUG', 'PAN', 'WOK', 'FAN'])
    await api('POST', '/products', { sku, name: sku });
});

afterEach(async () => {
  const left = await readdir(temporaryDirectory);
  if (left.length > 0) throw new Error(`a run left ${left.join(', ')}`);
});

afterAll(async () => {
  egress.close();
  files.closeAllConnections();
  files.close();
  await rm(temporaryDirectory, { recursive: true });
  await app.close();
});

async function api(method: 'GET' | 'POST', url: string, payload?: object) {
  const response = await app.app.inject({
    method,
    url: `/api/v1${url}`,
    ...(payload === undefined ? {} : { payload }),
  });
  if (response.statusCode >= 300) throw new Error(response.body);
  return response.json();
}

function typeOf(name: 'import_products' | 'import_stock', engine: Engine = app.server.engine): JobType {
  const deps = { database: app.database, engine, egress, clock: systemClock, temporaryDirectory };
  const type = importJobTypes(deps).find((each) => each.name === name);
  if (type === undefined) throw new Error(name);
  return type;
}

/** Tells the count of commands before each. */
function engineThat(before: (commands: number) => void): Engine {
  const { engine } = app.server;
  let commands = 0;
  return {
    submit: (command, meta) => {
      commands += 1;
      before(commands);
      return engine.submit(command, meta);
    },
    transact: (...args) => engine.transact(...args),
  };
}

function stockRun(config: object): FixtureRun<Config> {
  return fixtureRun({ database: app.database, config: configOf(typeOf('import_stock'), config), jobName: 'Delivery' });
}

const run = (name: 'import_products' | 'import_stock', context: FixtureRun<Config>, engine?: Engine) =>
  typeOf(name, engine).run(context);

const onHand = async (sku: string, location: string): Promise<number> =>
  (await api('GET', `/inventory/${sku}/locations/${location}`)).onHand;

const serve = (content: string | Buffer): void => {
  answer = (response) => void response.end(content);
};

const csv = (rows: string[]): string => `sku,location,quantity\n${rows.join('\n')}\n`;

test('each run adds its content once, however often it is attempted; the next run adds it again', async () => {
  const config = { source: { content: csv(['MUG,A,10', 'CUP,A,0', 'MUG,B,4']) } };
  const first = stockRun(config);
  expect(await run('import_stock', first)).toMatchObject({
    kind: 'stock',
    file: 'The content',
    rows: 3,
    updated: 2,
    unchanged: 1,
    doneBefore: 0,
    refused: 0,
    units: 14,
    files: [],
  });
  expect(first.progressed.at(-1)).toEqual({ percent: 100, message: '3 rows, 0 refused' });
  expect(await run('import_stock', first.next())).toMatchObject({ updated: 2, doneBefore: 2, units: 14 });
  expect([await onHand('MUG', 'A'), await onHand('MUG', 'B')]).toEqual([10, 4]);
  await run('import_stock', stockRun(config));
  expect([await onHand('MUG', 'A'), await onHand('MUG', 'B')]).toEqual([20, 8]);
  const { items } = await api('GET', '/inventory/MUG/ledger?location=B');
  expect(items[1]).toMatchObject({ actor: 'job:Delivery', reference: { type: 'import', id: first.runId } });
});

test('an attempt that died between two chunks is gone on with: nothing comes in twice, nothing is left out', async () => {
  const rows = Array.from({ length: 2_600 }, (_, index) => `POT,${index % 2 === 0 ? 'A' : 'B'},1`);
  const context = stockRun({ source: { content: csv(rows) } });
  const dying = engineThat((commands) => {
    if (commands === 3) throw new Error('the process is gone');
  });
  await expect(run('import_stock', context, dying)).rejects.toThrow('the process is gone');
  const partly = (await onHand('POT', 'A')) + (await onHand('POT', 'B'));
  expect(partly).toBeGreaterThan(0);
  expect(partly).toBeLessThan(2_600);
  expect(await run('import_stock', context.next())).toMatchObject({ rows: 2_600, updated: 2_600, doneBefore: partly });
  expect([await onHand('POT', 'A'), await onHand('POT', 'B')]).toEqual([1_300, 1_300]);
});

test.each([
  ['the last chunk', 2, 900],
  ['one of many', 2, 20_000],
])('%s that fails ends the attempt, and no further ones are begun', async (_what, failing, count) => {
  const context = stockRun({ source: { content: csv(Array.from({ length: count }, () => 'FAN,A,1')) } });
  let begun = 0;
  const dying = engineThat((commands) => {
    begun = commands;
    if (commands >= failing) throw new Error('the process is gone');
  });
  await expect(run('import_stock', context, dying)).rejects.toThrow('the process is gone');
  // Four at once.
  expect(begun).toBeLessThanOrEqual(failing + 4);
});

test('what may pass is not waited for by a run that was stopped', async () => {
  const context = stockRun({ source: { content: csv(['FAN,B,1']) } });
  let begun = 0;
  const busy = engineThat((commands) => {
    begun = commands;
    context.abort(new Error('cancelled by key:k2'));
    throw new Problem(problems.levelBusy, 'Another writer holds this stock.');
  });
  await expect(run('import_stock', context, busy)).rejects.toThrow('cancelled by key:k2');
  expect(begun).toBe(1);
});

test('an abort stops it between two chunks, with the reason of the signal', async () => {
  const rows = Array.from({ length: 5_000 }, () => 'JUG,A,1');
  const context = stockRun({ source: { content: csv(rows) } });
  const watched = engineThat(() => context.abort(new Error('it took too long')));
  await expect(run('import_stock', context, watched)).rejects.toThrow('it took too long');
  expect(await onHand('JUG', 'A')).toBe(500);
  expect(await run('import_stock', context.next())).toMatchObject({ updated: 5_000, doneBefore: 500 });
  expect(await onHand('JUG', 'A')).toBe(5_000);
});

test('refused rows are logged and kept in a file that can be put right and imported', async () => {
  const source = {
    content: 'sku,location,quantity,notes\nCUP,A,2,=1+1\nNOPE,A,3,=cmd()\nCUP,NOWHERE,1,"a\r\nb"\nCUP,A,-5,x\n',
  };
  const context = stockRun({ source });
  expect(await run('import_stock', context)).toMatchObject({ updated: 1, refused: 3, files: ['refused.csv'] });
  expect(context.logs.map(({ level, message }) => [level, message.slice(0, 34)])).toEqual(
    expect.arrayContaining([
      ['warn', 'line 3: product_not_found: There i'],
      ['warn', 'line 4: location_not_found: There '],
      ['warn', 'line 6: validation_failed: quantit'],
    ]),
  );
  const rows: Record<string, string>[] = parse(context.textOf('refused.csv'), { columns: true });
  const byLine = new Map(rows.map((row) => [row['refusedLine'], row]));
  expect(byLine.get('3')).toMatchObject({ sku: 'NOPE', notes: "'=cmd()", refusedCode: 'product_not_found' });
  expect(byLine.get('4')).toMatchObject({ location: 'NOWHERE', notes: 'a\r\nb' });
  expect(byLine.get('6')).toMatchObject({ quantity: "'-5" });
  await api('POST', '/products', { sku: 'NOPE', name: 'now it is there' });
  const again = stockRun({ source: { content: context.textOf('refused.csv') } });
  expect(await run('import_stock', again)).toMatchObject({ rows: 3, updated: 1, refused: 2 });
  const { items } = await api('GET', '/inventory/NOPE/ledger');
  expect(items).toMatchObject([{ deltaOnHand: 3, notes: '=cmd()' }]);
});

test('of many refused rows the log holds the first thousand, the file all', async () => {
  const context = stockRun({ source: { content: csv(Array.from({ length: 1_203 }, () => 'CUP,A,x')) } });
  expect(await run('import_stock', context)).toMatchObject({ refused: 1_203 });
  expect(context.logs).toHaveLength(1_001);
  expect(parse(context.textOf('refused.csv'), { columns: true })).toHaveLength(1_203);
});

test('a count sets levels; its own words are told where something would help', async () => {
  const columns = { quantity: 'Counted', sku: 'Article' };
  const content = 'Article;Counted\nPAN;12\n';
  const context = stockRun({ source: { content }, mode: 'set', location: 'B', columns, delimiter: ';' });
  expect(await run('import_stock', context)).toMatchObject({ updated: 1, units: 12 });
  await api('POST', '/reservations', { lines: [{ sku: 'PAN', location: 'B', quantity: 6 }] });
  const low = { source: { content: csv(['PAN,B,5']) }, mode: 'set' };
  const dry = stockRun({ ...low, dryRun: true });
  expect(await run('import_stock', dry)).toMatchObject({ dryRun: true, refused: 1 });
  expect(dry.logs[0]?.message).toMatch(/"force": true records it all the same/);
  expect(await run('import_stock', stockRun({ ...low, force: true }))).toMatchObject({ updated: 1, refused: 0 });
  expect(await onHand('PAN', 'B')).toBe(5);
  const missing = stockRun({ source: { content: 'a,b\n1,2\n' } });
  await expect(run('import_stock', missing)).rejects.toMatchObject({
    name: 'PermanentError',
    message: expect.stringMatching(/^No column of a, b is called sku.*"columns": \{"sku": "<column>"\}/),
  });
});

test('products are made, changed where that is wanted, and left alone by a second attempt', async () => {
  const content = `sku,name,unitCost\nP-1,"two\r\nlines","1,5"\nP-2,"'); DROP TABLE product; --",2\n`;
  const type = typeOf('import_products');
  const config = configOf(type, { source: { content }, decimalComma: true });
  const context = fixtureRun({ database: app.database, config });
  expect(await type.run(context)).toMatchObject({ kind: 'products', created: 2, refused: 0 });
  expect(await type.run(context.next())).toMatchObject({ created: 0, unchanged: 2 });
  expect(await api('GET', '/products/P-1')).toMatchObject({ name: 'two\r\nlines', unitCost: 1.5 });
  expect(await api('GET', '/products/P-2')).toMatchObject({ name: "'); DROP TABLE product; --" });
  const changed = configOf(type, { source: { content: 'sku,name\nP-1,One\n' } });
  const refused = fixtureRun({ database: app.database, config: changed });
  expect(await type.run(refused)).toMatchObject({ refused: 1 });
  expect(refused.logs[0]?.message).toContain('"updates": true would change it');
  const updates = fixtureRun({ database: app.database, config: { ...changed, updates: true } });
  expect(await type.run(updates)).toMatchObject({ updated: 1 });
});

test('a file of a url is fetched; what follows the ? is not told', async () => {
  serve(`\uFEFF${csv(['WOK,A,3'])}`);
  const context = stockRun({ source: { url: `${base}/stock.csv?token=secret` } });
  expect(await run('import_stock', context)).toMatchObject({ file: `${base}/stock.csv`, updated: 1, units: 3 });
});

test('a url that answers something else later does not add what was added', async () => {
  const url = `${base}/stock.csv`;
  const before = await onHand('WOK', 'A');
  serve(csv(['WOK,A,3']));
  const context = stockRun({ source: { url } });
  await run('import_stock', context);
  serve(csv(['WOK,A,3', 'WOK,A,4']));
  const again = context.next();
  await expect(run('import_stock', again)).rejects.toMatchObject({
    name: 'PermanentError',
    message: `${url} has changed since this run began to import it. What came in before has the reference ${context.runId} in the ledger: compare it with the file.`,
  });
  expect(await onHand('WOK', 'A')).toBe(before + 3);
});

test('a later attempt may count by another file, since the last count is the one that counts', async () => {
  const url = `${base}/counts.csv`;
  serve(csv(['WOK,B,3']));
  const context = stockRun({ source: { url }, mode: 'set' });
  await run('import_stock', context);
  serve(csv(['WOK,B,5']));
  expect(await run('import_stock', context.next())).toMatchObject({ updated: 1, doneBefore: 0 });
  expect(await onHand('WOK', 'B')).toBe(5);
  const { items } = await api('GET', '/inventory/WOK/ledger?location=B');
  expect(items.map(({ reference }: { reference: { id: string } }) => reference.id)).toEqual([
    context.runId,
    context.runId,
  ]);
});

test.each<[string, (response: ServerResponse) => void, string, string]>([
  ['not found', (response) => void response.writeHead(404).end(), 'PermanentError', 'answered 404.'],
  ['ill', (response) => void response.writeHead(503).end(), 'Error', 'answered 503.'],
  [
    'elsewhere',
    (response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    'PermanentError',
    'answered 302. Redirects are not followed.',
  ],
  [
    'too large',
    (response) => void response.end(Buffer.alloc(1_048_577, 'a')),
    'PermanentError',
    'is larger than 1 MiB',
  ],
  ['cut off', (response) => cutOff(response), 'Error', 'did not come to its end'],
  [
    'packed',
    (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    'PermanentError',
    'came as gzip',
  ],
  [
    'of another encoding',
    (response) => void response.end(Buffer.from('sku\ncaf\xe9', 'latin1')),
    'PermanentError',
    'is not UTF-8',
  ],
])('a url whose file is %s', async (_what, responds, name, message) => {
  answer = responds;
  const context = stockRun({ source: { url: `${base}/f` }, maxMiB: 1 });
  await expect(run('import_stock', context)).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
});

function cutOff(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('sku,location', () => response.destroy());
}

test('an abort ends a fetch that hangs', async () => {
  const context = stockRun({ source: { url: `${base}/hangs` } });
  answer = () => context.abort(new Error('cancelled by key:k2'));
  await expect(run('import_stock', context)).rejects.toThrow('cancelled by key:k2');
});

test('a private address is refused when the job is made, and again when it runs', async () => {
  const source = { url: 'http://169.254.169.254/latest/meta-data' };
  const config = configOf(typeOf('import_stock'), { source });
  await expect(typeOf('import_stock').check?.(config)).rejects.toMatchObject({ code: 'forbidden_target' });
  await expect(run('import_stock', stockRun({ source }))).rejects.toMatchObject({ name: 'PermanentError' });
});

test.each<[string, object, string]>([
  ['both', { source: { url: 'https://example.com/', content: 'a' } }, '/config/source must be one of url and content'],
  ['not the web', { source: { url: 'file:///etc/passwd' } }, '/config/source/url must begin with https:// or http://'],
  ['user and password', { source: { url: 'https://u:p@example.com/' } }, 'must hold no user and no password'],
  ['over 1 MiB in UTF-8', { source: { content: 'é'.repeat(600_000) } }, '/config/source/content must have at most'],
  ['a column twice', { source: { content: 'a' }, columns: { sku: 'x', quantity: 'x' } }, '/config/columns/quantity'],
])('a job of %s is refused when it is made', async (_what, given, detail) => {
  const type = typeOf('import_stock');
  await expect(type.check?.(configOf(type, given))).rejects.toMatchObject({
    code: 'validation_failed',
    detail: expect.stringContaining(detail),
  });
});

test.each([
  [{}],
  [{ source: {} }],
  [{ source: { path: '/etc/passwd' } }],
  [{ source: { content: 'a' }, maxMiB: 1_000_000_000 }],
  [{ source: { content: 'a' }, timeoutSeconds: 0 }],
  [{ source: { content: 'a' }, delimiter: '"' }],
  [{ source: { content: 'a' }, delimiter: '\n' }],
  [{ source: { content: 'a' }, location: 'A\r\nB' }],
  [{ source: { content: 'a' }, mode: 'subtract' }],
  [{ source: { content: 'a' }, columns: { unknown: 'x' } }],
  [{ source: { content: 'a' }, other: 1 }],
])('a config %j does not fit', (given) => {
  expect(() => configOf(typeOf('import_stock'), given)).toThrow('no config of import_stock');
});
