import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import {
  booleanArray,
  joinedJson,
  jsonArray,
  numberArray,
  recordArray,
  secondsOf,
  textArray,
  timeArray,
} from './arrays.ts';
import { columnTypes } from './types.ts';

let client: pg.Client;
beforeAll(async () => {
  client = new pg.Client({ ...inject('postgres'), types: columnTypes });
  await client.connect();
  await client.query(
    'CREATE TYPE pg_temp.sample AS (number bigint, text text, flag boolean, list bigint[], json jsonb)',
  );
});
afterAll(() => client.end());

/** Whatever the API lets in: well-formed, without NUL. */
const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.replaceAll('\0', '"').toWellFormed());
const nullable = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });

async function readBack(expression: string, values: unknown[]): Promise<unknown[][]> {
  const { rows } = await client.query<unknown[]>({ text: `SELECT * FROM ${expression}`, values, rowMode: 'array' });
  return rows;
}

test('arrays come back as they went in', async () => {
  const row = fc.tuple(
    nullable(fc.maxSafeInteger()),
    nullable(text),
    fc.boolean(),
    nullable(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (rows) => {
      const values = [
        numberArray(rows.map(([number]) => number)),
        textArray(rows.map(([, value]) => value)),
        booleanArray(rows.map(([, , flag]) => flag)),
        timeArray(rows.map(([, , , time]) => time?.getTime() ?? null)),
        jsonArray(rows.map(([, value]) => (value === null ? null : { value }))),
      ];
      const found = await readBack(
        'unnest($1::bigint[], $2::text[], $3::boolean[], $4::timestamptz[], $5::json[])',
        values,
      );
      const sent = rows.map(([number, value, flag, time]) => [
        number,
        value,
        flag,
        time?.getTime() ?? null,
        value === null ? null : { value },
      ]);
      expect(found).toEqual(sent);
    }),
    { numRuns: 60 },
  );
});

test('composite values come back as they went in, quotes, commas, braces and all', async () => {
  const row = fc.tuple(
    nullable(fc.maxSafeInteger()),
    nullable(text),
    fc.boolean(),
    fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 3 }),
    nullable(text),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (rows) => {
      const record = recordArray(rows, ([number, value, flag, list, json]) => [
        number,
        value,
        flag,
        numberArray(list),
        json === null ? null : JSON.stringify({ json }),
      ]);
      const found = await readBack('unnest($1::pg_temp.sample[])', [record]);
      expect(found).toEqual(
        rows.map(([number, value, flag, list, json]) => [number, value, flag, list, json === null ? null : { json }]),
      );
    }),
    { numRuns: 100 },
  );
});

test('JSON texts are told apart by a character that JSON never holds unescaped', async () => {
  const texts = fc.array(nullable(text.map((value) => JSON.stringify({ value }))), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(texts, async (values) => {
      // The number of rows comes from the records beside it: a lone null would be no row at all.
      const rows = await readBack(`unnest($1::integer[], string_to_array($2::text, E'\\x1e', ''))`, [
        numberArray(values.map((_, index) => index)),
        joinedJson(values),
      ]);
      expect(rows.map(([, value]) => value)).toEqual(values);
    }),
    { numRuns: 60 },
  );
});

test('seconds are exact to the millisecond', async () => {
  const instant = fc
    .date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true })
    .map((date) => date.getTime());
  await fc.assert(
    fc.asyncProperty(instant, async (epochMs) => {
      const { rows } = await client.query<[number]>({
        text: 'SELECT to_timestamp($1::double precision)::timestamptz(3)',
        values: [secondsOf(epochMs)],
        rowMode: 'array',
      });
      expect(rows[0]?.[0]).toBe(epochMs);
    }),
    { numRuns: 100 },
  );
});
