import { expect, test } from 'vitest';
import { guessMapping, numberOf, planImport, refusedCsv } from './import.rules.ts';

test('columns of a shop’s order export are guessed', () => {
  const header = ['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'UnitPrice'];
  expect(guessMapping(header)).toEqual({ sku: 1, name: 2, unitCost: 5 });
  expect(guessMapping(['SKU', 'Name', 'Description', 'On hand'])).toEqual({ sku: 0, name: 1, opening: 3 });
});

test.each([
  ['12', 12],
  ['1,234.50', 1234.5],
  ['1.234,50', 1234.5],
  ["1'234", 1234],
  ['', null],
  ['twelve', Number.NaN],
  ['1e9', Number.NaN],
])('%s is %s', (text, number) => {
  expect(numberOf(text)).toEqual(number);
});

test('the first row that can be read counts; later ones repeat it', () => {
  const mapping = { sku: 0, name: 1, unitCost: 2 };
  const plan = planImport(
    [
      ['A', '', '1'],
      ['A', 'Mug', '2.5'],
      ['A', 'Mug again', '3'],
      ['BANK CHARGES', 'x', ''],
      ['B', 'Bowl', 'free'],
      ['', 'nothing', ''],
    ],
    mapping,
  );
  expect(plan.rows.map(({ line, product }) => [line, product.sku, product.name, product.unitCost])).toEqual([
    [3, 'A', 'Mug', 2.5],
  ]);
  expect(plan.repeated).toBe(1);
  expect(plan.refused.map(({ line, sku }) => [line, sku])).toEqual([
    [5, 'BANK CHARGES'],
    [6, 'B'],
    [7, ''],
  ]);
});

test('a report is harmless to a spreadsheet', () => {
  expect(refusedCsv([{ line: 2, sku: '=cmd()', reason: 'says "no"' }])).toBe(
    'line,sku,reason\n2,"\'=cmd()","says ""no"""',
  );
});
