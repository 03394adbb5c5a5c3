import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../test/holdfast.process.ts';
import { firstOrders, readDataset } from './demo.dataset.ts';
import { nearestWarehouse, placeOf } from './demo.places.ts';
import { planStock } from './demo.stock.ts';

const CLI = fileURLToPath(new URL('../cli.ts', import.meta.url));
const DATA = fileURLToPath(new URL('../../../../../demo/online-retail-2010-12.csv', import.meta.url));

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
  // Where the tests run as root, PostgreSQL's own account has to enter.
  await chmod(directory, 0o711);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function demo(args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, 'demo', ...args], { maxBuffer: 1 << 26 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

describe('the data', () => {
  test('is read: every line is goods, or counted as none', async () => {
    const data = await readDataset(DATA);
    const lines = data.events.reduce((sum, event) => sum + event.lines.length, 0);
    const left = Object.values(data.skipped).reduce((sum, count) => sum + count, 0);
    expect(data.linesRead).toBe(10_144);
    expect(lines + left).toBe(10_144);
    expect(data.skipped).toEqual({ POST: 18, D: 2, C2: 1, DOT: 6, M: 11, 'BANK CHARGES': 1 });
    const kinds = data.events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'order')).toHaveLength(439);
    expect(kinds.filter((kind) => kind === 'writeOff')).toHaveLength(30);
    expect(data.events.map(({ atMs }) => atMs)).toEqual(data.events.map(({ atMs }) => atMs).sort((a, b) => a - b));
    expect(data.products.every(({ sku, name }) => /^\d{5}[A-Z]{0,2}$/.test(sku) && name.length <= 200)).toBe(true);
    expect(new Set(data.products.map(({ sku }) => sku)).size).toBe(data.products.length);
    expect(data.products.find(({ sku }) => sku === '85123A')).toEqual({
      sku: '85123A',
      name: 'WHITE HANGING HEART T-LIGHT HOLDER',
      price: 2.95,
    });
    expect(data.events.every(({ country }) => placeOf(country) !== null)).toBe(true);
  });

  test('descriptions vary, codes are written in two cases, and a product may stand twice in an order', async () => {
    const path = join(directory, 'some.csv');
    const row = (code: string, name: string, quantity: number, price: number): string =>
      `1,${code},${name},${quantity},2010-12-01T08:00:00Z,${price},,United Kingdom`;
    await writeFile(
      path,
      [
        'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
        row('10000a', 'WRONG', 1, 3),
        row('10000A', 'RIGHT', 2, 1),
        row('10000A', 'RIGHT', 2, 2),
        row('10000A', 'damages', 1, 0),
        row('20000', '', 1, 0),
      ].join('\n'),
    );
    const { products, events } = await readDataset(path);
    expect(products).toEqual([
      { sku: '10000A', name: 'RIGHT', price: 2 },
      { sku: '20000', name: 'Item 20000', price: null },
    ]);
    expect(events).toHaveLength(1);
    expect(events[0]?.lines.map(({ sku, quantity }) => [sku, quantity])).toEqual([
      ['10000A', 1],
      ['10000A', 2],
      ['10000A', 2],
      ['10000A', 1],
      ['20000', 1],
    ]);
  });

  test('customers are served from the nearest warehouse', () => {
    expect(
      ['United Kingdom', 'EIRE', 'Germany', 'Norway', 'Italy', 'Spain', 'Atlantis'].map(
        (country) => nearestWarehouse(country).name,
      ),
    ).toEqual(['Luton', 'Luton', 'Rotterdam', 'Rotterdam', 'Milan', 'Milan', 'Luton']);
  });

  test('of most products there is enough, and of some too little', async () => {
    const data = firstOrders(await readDataset(DATA), 100);
    const { receipts, shortProducts } = planStock(data);
    const received = new Map<string, number>();
    for (const { sku, quantity } of receipts) received.set(sku, (received.get(sku) ?? 0) + quantity);
    const ordered = new Map<string, number>();
    for (const { kind, lines } of data.events) {
      if (kind === 'order') for (const { sku, quantity } of lines) ordered.set(sku, (ordered.get(sku) ?? 0) + quantity);
    }
    const short = [...ordered].filter(([sku, units]) => units > (received.get(sku) ?? 0));
    expect(short).toHaveLength(shortProducts);
    expect(shortProducts).toBe(8);
  });
});

test('the first days, end to end: a server, the orders through its API, and a clean verify', async () => {
  const data = join(directory, 'the data');
  const port = await freePort();
  const { code, out, err } = await demo(['--limit', '150', '--data', data, '--port', String(port), '--json']);
  expect(err).toContain(`A server of the demo's own is at http://127.0.0.1:${port},`);
  expect(err).toContain('Verify: Clean: ');
  expect(err).toContain(`Look at it: npm start -- --data '${data}' (`);
  expect(code).toBe(0);
  const figures = JSON.parse(out);
  const { orders, units } = figures;
  expect(orders.asked).toBe(150);
  expect(orders.whole + orders.partial + orders.refused).toBe(150);
  expect(orders.partial).toBeGreaterThan(0);
  expect(orders.whole).toBeGreaterThan(75);
  expect(units.shipped + units.short).toBe(units.ordered);
  expect(units.short).toBeGreaterThan(0);
  expect(Object.values<number>(units.byWarehouse).reduce((sum, shipped) => sum + shipped, 0)).toBe(units.shipped);
  expect(Object.keys(units.byWarehouse).sort()).toEqual(['IT-MILAN', 'NL-ROTTERDAM', 'UK-LUTON']);
  expect(figures.alertsOpened.out_of_stock).toBeGreaterThan(0);
  expect(figures.verifiedClean).toBe(true);

  // Another day's directory is another matter than somebody's data.
  await rm(join(data, 'demo.json'));
  const refused = await demo(['--data', data]);
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toContain('was not made by a demo');
});

test('a server that is not there', async () => {
  const { code, err } = await demo(['--url', 'http://127.0.0.1:1', '--limit', '1']);
  expect(code).toBe(2);
  expect(err).toContain('cannot be reached');
});
