import { expect, test } from 'vitest';
import { changedMembers, configOf, defaultsOf, draftOf, fieldsOf, labelOf, type Schema } from './schema.rules.ts';

const schema: Schema = {
  type: 'object',
  required: ['source', 'dryRun', 'maxMiB'],
  properties: {
    dryRun: { type: 'boolean', default: false },
    maxMiB: { type: 'integer', minimum: 1, maximum: 64, default: 16 },
    source: {
      type: 'object',
      additionalProperties: false,
      properties: { url: { type: 'string', maxLength: 2048 }, ratio: { type: ['number', 'null'] } },
    },
    secret: { type: 'string', writeOnly: true },
    mode: { type: 'string', enum: ['add', 'set'], default: 'add' },
    exists: { type: 'boolean' },
    locations: { type: 'array', items: { type: 'string' } },
    days: { type: 'array', items: { type: 'integer' } },
    weekdays: { type: 'array', items: { type: 'string', enum: ['monday', 'friday'] }, default: ['monday'] },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    body: {},
    either: { type: ['string', 'integer'] },
    rows: { type: 'array', items: { type: 'object' } },
  },
};
const fields = fieldsOf(schema);
const empty = draftOf(fields, {});

test('every member has the field that its schema asks for, and what must be said comes first', () => {
  expect(fields.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'source group',
    'dryRun yes',
    'maxMiB number',
    'secret secret',
    'mode choice',
    'exists yes',
    'locations lines',
    'days lines',
    'weekdays choices',
    'headers lines',
    'body json',
    'either json',
    'rows json',
  ]);
  expect(fields[0]).toMatchObject({ members: [{ pointer: '/config/source/url', kind: 'text' }, { kind: 'number' }] });
});

test('a config is shown and read back as it was', () => {
  const config = {
    source: { url: 'https://example.com/a.csv', ratio: 0.5 },
    dryRun: true,
    maxMiB: 4,
    mode: 'set',
    exists: false,
    locations: ['WH001', 'WH002'],
    days: [1, 2],
    weekdays: ['friday'],
    headers: { 'x-shop': 'berlin: east' },
    body: { report: 'nightly' },
    either: 5,
    rows: [{ a: 1 }],
  };
  expect(configOf(fields, draftOf(fields, config))).toEqual({ config, faults: new Map() });
});

test('what is not said is left out, but what must be there', () => {
  expect(configOf(fields, empty).config).toEqual({ source: {}, dryRun: false });
});

test('a member that no field stands for stays', () => {
  expect(configOf(fields, empty, { later: 7, mode: 'set' }).config).toEqual({ later: 7, source: {}, dryRun: false });
});

test('what cannot be read is told at its field', () => {
  const draft = { ...empty, body: '{oops', days: '1\ntwo', headers: 'x-shop' };
  expect([...configOf(fields, draft).faults.keys()]).toEqual(['/config/days', '/config/headers', '/config/body']);
});

test('a new config begins with the defaults of its type', () => {
  expect(defaultsOf(schema)).toEqual({ dryRun: false, maxMiB: 16, mode: 'add', weekdays: ['monday'] });
});

test.each([
  ['decimalComma', 'Decimal comma'],
  ['maxMiB', 'Max MiB'],
  ['sourceUrl', 'Source URL'],
  ['sku', 'SKU'],
  ['a_percent', 'A percent'],
])('%s is labelled %s', (name, label) => expect(labelOf(name)).toBe(label));

test('of a run only what differs from its job is sent', () => {
  expect(changedMembers({ a: 1, b: [2], c: 3 }, { a: 1, b: [1] })).toEqual({ b: [2], c: 3 });
});
