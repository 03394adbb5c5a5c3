import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import type { Engine } from '../../engine/index.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Problem, problems } from '../../kernel/problem.ts';
import { importProducts, importStock, type ImportReport, type RefusedRow, type StockImportRequest } from './index.ts';

let app: TestApp;
let directory: string;
let fileNumber = 0;
let refused: RefusedRow[] = [];

beforeAll(async () => {
  app = await startTestApp();
  directory = await mkdtemp(join(tmpdir(), 'holdfast-import-'));
  for (const code of ['A', 'B']) await api('POST', '/locations', { code, name: code, type: 'warehouse' });
  for (const sku of ['MUG', 'CUP', 'POT', 'OLD']) await api('POST', '/products', { sku, name: sku });
  await api('POST', '/locations', { code: 'SHUT', name: 'SHUT', type: 'warehouse' });
  for (const url of ['/products/OLD', '/locations/SHUT']) await api('DELETE', url);
});

afterAll(async () => {
  await rm(directory, { recursive: true });
  await app.close();
});

afterEach(() => {
  refused = [];
});

async function api(method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) {
  const answer = await app.app.inject({ method, url: `/api/v1${url}`, ...(payload === undefined ? {} : { payload }) });
  if (answer.statusCode >= 300) throw new Error(answer.body);
  return answer.body === '' ? null : answer.json();
}

async function file(content: string | Buffer): Promise<string> {
  const path = join(directory, `${(fileNumber += 1)}.csv`);
  await writeFile(path, content);
  return path;
}

const deps = () => ({
  database: app.database,
  engine: app.server.engine,
  clock: systemClock,
  onRefused: (row: RefusedRow) => void refused.push(row),
});

async function products(content: string | Buffer, options: object = {}): Promise<ImportReport> {
  return importProducts({ ...deps(), path: await file(content), ...options });
}

async function stock(content: string, options: Partial<StockImportRequest> = {}): Promise<ImportReport> {
  return importStock({ ...deps(), path: await file(content), mode: 'add', ...options });
}

/** SQLSTATE 57014, as a statement gets it that is cancelled. */
async function breakOff(): Promise<void> {
  const client = await app.database.openClient();
  try {
    await client.query('SET statement_timeout = 1');
    await client.query('SELECT pg_sleep(60)');
  } finally {
    await client.end();
  }
}

const onHand = async (sku: string, location: string): Promise<number> =>
  (await api('GET', `/inventory/${sku}/locations/${location}`)).onHand;

describe('products', () => {
  test('a spreadsheet of another making: BOM, semicolons, CR LF, quotes, its own names of columns', async () => {
    const report = await products(
      '\uFEFFItem Code;Title;Long Description;Category;Cost;Min stock;Colour\r\n' +
        'P-1;"Mug; blue";"two\r\nlines";kitchen;2,50;10;x\r\n' +
        '\r\n' +
        'P-2;5" pipe;;;0,1;;y\r\n',
      { decimalComma: true },
    );
    expect(report).toMatchObject({ rows: 2, created: 2, refused: 0, unchanged: 0 });
    expect(report.columns).toEqual({
      sku: 'Item Code',
      name: 'Title',
      description: 'Long Description',
      category: 'Category',
      unitCost: 'Cost',
      reorderPoint: 'Min stock',
    });
    expect(await api('GET', '/products/P-1')).toMatchObject({
      name: 'Mug; blue',
      description: 'two\r\nlines',
      category: 'kitchen',
      unitCost: 2.5,
      reorderPoint: 10,
    });
    expect(await api('GET', '/products/P-2')).toMatchObject({ name: '5" pipe', description: null, unitCost: 0.1 });
  });

  test.each([
    ['a header with CR LF, rows with LF', 'sku,name\r\nE1-1,"Mug"\nE1-2,"two\r\nlines"\nE1-3,\n'],
    ['a header with LF, rows with CR LF', 'sku,name\nE2-1,"Mug"\r\nE2-2,"two\r\nlines"\r\nE2-3,\r\n'],
    ['a Mac of old, CR alone', 'sku,name\rE3-1,"Mug"\rE3-2,"two\r\nlines"\rE3-3,\r'],
  ])('lines may end in several ways: %s', async (_how, content) => {
    const [sku = ''] = /E\d/.exec(content) ?? [];
    expect(await products(content)).toMatchObject({ rows: 3, created: 2, refused: 1 });
    expect(await api('GET', `/products/${sku}-1`)).toMatchObject({ name: 'Mug' });
    expect(await api('GET', `/products/${sku}-2`)).toMatchObject({ name: 'two\r\nlines' });
    expect(refused.map(({ line, reason }) => [line, reason])).toEqual([[5, 'name is required.']]);
  });

  test('where lines end in another way, CR alone is a character of its cell', async () => {
    expect(await products('sku,name\nE4-1,two\rlines\n')).toMatchObject({ rows: 1, created: 1 });
    expect(await api('GET', '/products/E4-1')).toMatchObject({ name: 'two\rlines' });
  });

  test('rows that are wrong are refused by their line, and the others are made', async () => {
    const report = await products(
      'sku,name,unitCost,attributes,description\n' +
        'Q-1,fine,1,"{""a"":1}",\n' +
        'bad sku,x,,,\n' +
        'Q-2,,,,"over\nthree\nlines"\n' +
        'Q-3,x,1.23456,,\n' +
        'Q-4,x,"1,5",,\n' +
        'Q-5,x,,[1],\n' +
        'Q-6\n' +
        `Q-7,${'x'.repeat(201)},,,\n` +
        'Q-8,also fine,,,,, \n' +
        'Q-9,one cell more,1,500,,x\n',
    );
    expect(report).toMatchObject({ rows: 10, created: 2, refused: 8 });
    expect(refused.map(({ line, code, reason }) => [line, code, reason])).toEqual([
      [3, 'validation_failed', expect.stringMatching(/^sku must be 1 to 64 of letters.*it is "bad sku"\.$/)],
      [4, 'validation_failed', 'name is required.'],
      [7, 'validation_failed', expect.stringMatching(/^unitCost .*4 decimals/)],
      [8, 'validation_failed', 'unitCost must be a number, it is "1,5".'],
      [9, 'validation_failed', 'attributes must be a JSON object.'],
      [10, 'validation_failed', 'name is required.'],
      [11, 'validation_failed', expect.stringMatching(/^name must have at most 200 characters/)],
      [13, 'validation_failed', expect.stringMatching(/^the row has 6 cells and the header 5, beyond them is "x"; /)],
    ]);
  });

  test('with a decimal comma a dot may be one of thousands: the row is refused, not read as a thousandth', async () => {
    const content = 'sku;name;unitCost\nT-1;x;1.250\nT-2;x;1.250,00\nT-3;x;1250,5\nT-4;x;1250\n';
    expect(await products(content, { decimalComma: true })).toMatchObject({ created: 2, refused: 2 });
    expect(refused.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'unitCost must be a number, it is "1.250".'],
      [3, 'unitCost must be a number, it is "1.250,00".'],
    ]);
    expect(await api('GET', '/products/T-3')).toMatchObject({ unitCost: 1250.5 });
  });

  test('those that exist are refused where they differ, changed with --update, and left alone where they do not', async () => {
    const text = 'sku,name,reorderPoint\nR-1,One,5\nR-2,Two,\nR-1,One again,5\n';
    expect(await products(text)).toMatchObject({ created: 2, refused: 1 });
    expect(refused).toMatchObject([{ line: 4, code: 'duplicate_sku' }]);
    // The first row is what is there: only the last differs.
    expect(await products(text)).toMatchObject({ created: 0, unchanged: 2, refused: 1 });
    expect(await products(text, { updates: true, dryRun: true })).toMatchObject({ updated: 1, unchanged: 2 });
    expect(await products(text, { updates: true })).toMatchObject({ updated: 1, unchanged: 2, refused: 0 });
    expect(await api('GET', '/products/R-1')).toMatchObject({ name: 'One again', reorderPoint: 5, version: 2 });
    const changed = 'sku,name,reorderPoint\nR-2,Two,7\n';
    expect(await products(changed, { updates: true })).toMatchObject({ updated: 1 });
    expect(await api('GET', '/products/R-2')).toMatchObject({ reorderPoint: 7, version: 2 });
  });

  test('a dry run looks at every row and writes nothing', async () => {
    const text = 'sku,name\nS-1,One\nS-1,Two\n!,x\nMUG,Other\nOLD,OLD\n';
    const report = await products(text, { dryRun: true });
    expect(report).toMatchObject({ dryRun: true, rows: 5, created: 1, refused: 4 });
    expect(new Map(refused.map(({ line, code }) => [line, code]))).toEqual(
      new Map([
        [3, 'duplicate_sku'],
        [4, 'validation_failed'],
        [5, 'duplicate_sku'],
        [6, 'product_archived'],
      ]),
    );
    const { statusCode } = await app.app.inject({ url: '/api/v1/products/S-1' });
    expect(statusCode).toBe(404);
  });

  test('what was exported comes back as it was', async () => {
    const text = `sku,name,description\nT-1,'=1+1,'-x\n`;
    await products(text);
    expect(await api('GET', '/products/T-1')).toMatchObject({ name: '=1+1', description: '-x' });
  });
});

describe('stock', () => {
  test('what came in is added once, however often the file is imported', async () => {
    const text = 'StockCode\tWarehouse\tQty\tCost\nMUG\tA\t10\t2.5\nCUP\tA\t0\t\nMUG\tB\t4\t\n';
    const first = await stock(text);
    expect(first).toMatchObject({ rows: 3, updated: 2, unchanged: 1, doneBefore: 0, refused: 0, units: 14 });
    expect(await stock(text)).toMatchObject({ updated: 2, doneBefore: 2, units: 14 });
    expect([await onHand('MUG', 'A'), await onHand('MUG', 'B')]).toEqual([10, 4]);
    const { items } = await api('GET', '/inventory/MUG/ledger?location=A');
    expect(items).toMatchObject([
      { type: 'receipt', unitCost: 2.5, reference: { type: 'import', id: first.digest }, actor: 'system:import' },
    ]);
    expect(await stock(text, { again: 'second delivery' })).toMatchObject({ updated: 2, doneBefore: 0 });
    expect(await onHand('MUG', 'A')).toBe(20);
  });

  test('rows that were refused are tried again, and the others are not', async () => {
    const text = 'sku,location,quantity\nPOT,A,3\nLATER,A,5\nPOT,NOWHERE,1\n';
    expect(await stock(text)).toMatchObject({ updated: 1, refused: 2 });
    expect(refused.map(({ line, code }) => [line, code])).toEqual([
      [3, 'product_not_found'],
      [4, 'location_not_found'],
    ]);
    await api('POST', '/products', { sku: 'LATER', name: 'x' });
    expect(await stock(text)).toMatchObject({ updated: 2, doneBefore: 1, refused: 1 });
    expect(await stock(text)).toMatchObject({ updated: 2, doneBefore: 2, refused: 1 });
    expect([await onHand('POT', 'A'), await onHand('LATER', 'A')]).toEqual([3, 5]);
  });

  test('what the database broke off is tried again', async () => {
    let isFirst = true;
    const engine: Engine = {
      submit: async (command, meta) => {
        if (isFirst) {
          isFirst = false;
          await breakOff();
        }
        return app.server.engine.submit(command, meta);
      },
      transact: (meta, work) => app.server.engine.transact(meta, work),
    };
    expect(await stock('sku,location,quantity\nMUG,B,3\n', { engine })).toMatchObject({ updated: 1, refused: 0 });
    expect(isFirst).toBe(false);
  });

  test('what the database goes on breaking off is tried for a minute', async () => {
    let asked = 0;
    const submit = (): never => {
      asked += 1;
      throw new Problem(problems.levelBusy, 'Another writer holds this stock.');
    };
    let minute = 0;
    const clock = { ...systemClock, monotonic: () => (minute += 1) * 60_001 };
    const engine: Engine = { submit, transact: (meta, work) => app.server.engine.transact(meta, work) };
    const again = stock('sku,location,quantity\nMUG,B,4\n', { engine, clock });
    await expect(again).rejects.toMatchObject({ code: 'level_busy' });
    expect(asked).toBe(1);
    // Nor is a row to blame for it.
    const changed = products('sku,name\nMUG,Mug\n', { updates: true, engine, clock });
    await expect(changed).rejects.toMatchObject({ code: 'level_busy' });
    expect(asked).toBe(2);
  });

  test('a count sets the level, and says where nothing was different', async () => {
    await stock('sku,location,quantity\nCUP,B,8\n', { again: 'before' });
    const text = 'sku,quantity\nCUP,5\n';
    expect(await stock(text, { mode: 'set', location: 'B', dryRun: true })).toMatchObject({ updated: 1, units: 5 });
    expect(await stock(text, { mode: 'set', location: 'B' })).toMatchObject({ updated: 1, unchanged: 0 });
    expect(await stock(text, { mode: 'set', location: 'B', again: '2' })).toMatchObject({ updated: 0, unchanged: 1 });
    expect(await onHand('CUP', 'B')).toBe(5);
    await api('POST', '/reservations', { lines: [{ sku: 'CUP', location: 'B', quantity: 4 }] });
    const low = 'sku,location,quantity\nCUP,B,3\n';
    expect(await stock(low, { mode: 'set', dryRun: true })).toMatchObject({ refused: 1 });
    expect(await stock(low, { mode: 'set' })).toMatchObject({ refused: 1 });
    expect(refused.map(({ code }) => code)).toEqual(['stock_below_promised', 'stock_below_promised']);
    expect(await stock(low, { mode: 'set', force: true, again: 'f' })).toMatchObject({ updated: 1, refused: 0 });
    expect(await onHand('CUP', 'B')).toBe(3);
    // It is below what is promised already, and no lower by this.
    expect(await stock(low, { mode: 'set', dryRun: true })).toMatchObject({ unchanged: 1, refused: 0 });
  });

  test('the same file in another way is refused, since it would be done twice', async () => {
    const text = 'sku,location,quantity\nPOT,B,6\n';
    await stock(text);
    await expect(stock(text, { mode: 'set' })).rejects.toThrow('imported in another way before');
    expect(await onHand('POT', 'B')).toBe(6);
  });

  test('an import whose keys are gone is not done again', async () => {
    const text = 'sku,location,quantity\nPOT,B,9\n';
    const { digest } = await stock(text);
    await app.database.pool.query('RESET ROLE');
    await app.database.pool.query(
      `UPDATE idempotency_key SET created_at = created_at - interval '25 hours' WHERE key LIKE '%${digest}%'`,
    );
    const owner = await app.database.openClient();
    await owner.query(`UPDATE ledger_entry SET at = at - interval '25 hours' WHERE reference_id = '${digest}'`);
    await owner.end();
    await expect(stock(text)).rejects.toThrow(/^This file was imported at .* --again <name>/);
  });

  test('a dry run says what would happen to each row, and writes nothing', async () => {
    const text = 'sku,location,quantity\nMUG,A,1\nNOPE,A,1\nMUG,NOPE,1\nMUG,A,-1\nMUG,A,1.5\nOLD,A,1\nMUG,SHUT,1\n';
    const before = await onHand('MUG', 'A');
    expect(await stock(text, { dryRun: true })).toMatchObject({ rows: 7, updated: 1, refused: 6, units: 1 });
    expect(refused.map(({ line, code }) => [line, code])).toEqual(
      expect.arrayContaining([
        [3, 'product_not_found'],
        [4, 'location_not_found'],
        [5, 'validation_failed'],
        [6, 'validation_failed'],
        [7, 'product_archived'],
        [8, 'location_archived'],
      ]),
    );
    expect(await onHand('MUG', 'A')).toBe(before);
  });

  test('many chunks, in order', async () => {
    const rows = Array.from({ length: 1_750 }, (_, index) => `MUG,B,${index + 1}`);
    const text = `sku,location,quantity\n${rows.join('\n')}\n`;
    const progress: number[] = [];
    const report = await stock(text, { mode: 'set', onProgress: ({ rows: done }) => void progress.push(done) });
    expect(report).toMatchObject({ rows: 1_750, refused: 0 });
    expect(progress).toEqual([500, 1_000, 1_500, 1_750]);
    expect(await onHand('MUG', 'B')).toBe(1_750);
  });
});

describe('a file that cannot be imported is refused before anything is done', () => {
  test.each([
    ['', 'is empty: its first line must name the columns'],
    ['a,b\n1,2\n', 'No column of a, b is called sku: say which it is, --map sku=<column> --map name=<column>.'],
    ['sku,name,SKU\n', '2 columns are called sku.'],
    [Buffer.from('sku,name\nA,caf\xe9\n', 'latin1'), 'is not UTF-8 (at about line 2)'],
    [Buffer.from('\ufeffsku,name\n', 'utf16le'), 'UTF-16'],
    [Buffer.from('\ufeff商品名称', 'utf16le'), 'UTF-16'],
    [Buffer.from('\ufeff商品名称', 'utf16le').swap16(), 'UTF-16'],
    [Buffer.from('sku,name\n', 'utf16le'), 'UTF-16'],
    ['sku,name\nU-1,ok\nU-2,"no end\n', 'a quoted field has no end'],
    [`sku,name\nU-1,ok\nU-2,${'x'.repeat(1_048_577)}\n`, 'near line 3: a row is longer than 1 MiB'],
  ])('%j', async (content, message) => {
    await expect(products(content)).rejects.toThrow(message);
    expect((await app.app.inject({ url: '/api/v1/products/U-1' })).statusCode).toBe(404);
  });

  test('a mapping of what is not there', async () => {
    const content = 'sku,name,Other\n';
    await expect(products(content, { map: new Map([['nme', 'Other']]) })).rejects.toThrow('There is no field nme');
    await expect(products(content, { map: new Map([['name', 'other']]) })).rejects.toThrow(
      'The file has no column other',
    );
    expect(await products(content, { map: new Map([['name', 'Other']]) })).toMatchObject({
      columns: { name: 'Other' },
    });
  });

  test('a column is of one field', async () => {
    expect((await products('sku,description\n')).columns).toEqual({ sku: 'sku', name: 'description' });
  });

  test('one that somebody still writes to', async () => {
    const path = await file(`sku,location,quantity\n${'MUG,A,1\n'.repeat(50_000)}`);
    let isOver = false;
    const importing = importStock({ ...deps(), path, mode: 'add' }).finally(() => (isOver = true));
    const writing = (async () => {
      while (!isOver) await appendFile(path, 'MUG,A,1\n');
    })();
    await expect(importing).rejects.toThrow(`${path} is being written to, and nothing was done`);
    await writing;
  });

  test('no file', async () => {
    await expect(importProducts({ ...deps(), path: join(directory, 'none.csv') })).rejects.toThrow('There is no file');
    await expect(importProducts({ ...deps(), path: directory })).rejects.toThrow(
      'is no file: an import reads its file',
    );
  });
});
