import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { repeatedMembers } from './json.members.ts';

const pathsOf = (json: string) => repeatedMembers(json, JSON.parse(json)).map(({ path }) => path);

test.each([
  ['{"quantity":1,"quantity":5}', ['/quantity']],
  ['{"quantity" : 1 ,\n "quantity"\t:1}', ['/quantity']],
  ['{"a" :1,"b":1,"b":2}', ['/b']],
  ['{"a":1,"\\u0061":1}', ['/a']],
  ['{"lines":[{"sku":"A"},{"sku":"B","x":[],"sku":"C"}]}', ['/lines/1/sku']],
  ['[[],[0,{"a/b":{"~":1,"~":2}}]]', ['/1/1/a~1b/~0']],
  ['{"a":1,"a":2,"a":3}', ['/a', '/a']],
  ['{"a":"\\"","a":"{\\\\"}', ['/a']],
  ['{"":1,"":2}', ['/']],
])('%s', (json, paths) => {
  expect(pathsOf(json)).toEqual(paths);
});

test.each([
  '{"a":1,"A":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}',
  '{"a":"\\"a\\":1, \\"a\\":2","b":"a : b : c","at":"2026-11-20T10:00:00Z"}',
  '{"a":"\\\\","b":"\\\\\\"","c":":"}',
  '"a : b : c"',
  '12',
  'null',
  '[]',
])('%s names nothing twice', (json) => {
  expect(pathsOf(json)).toEqual([]);
});

test('nothing that JSON.stringify writes names anything twice, and one more member is seen', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.boolean(), (value, pretty) => {
      const json = JSON.stringify(value, null, pretty ? ' ' : '');
      const [name] = Object.keys(JSON.parse(json) as object);
      expect(pathsOf(json)).toEqual([]);
      const twice = `${json.slice(0, json.lastIndexOf('}'))},${JSON.stringify(name)}:0}`;
      expect(pathsOf(twice)).toHaveLength(1);
    }),
  );
});

test('a body is read however deeply it is nested', () => {
  const depth = 200_000;
  expect(pathsOf(`${'['.repeat(depth)}{"a":1,"a":1}${']'.repeat(depth)}`)).toEqual([
    expect.stringMatching(/^(\/0)+…$/),
  ]);
});
