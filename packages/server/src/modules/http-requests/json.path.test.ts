import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonPath, valueAt } from './json.path.ts';

const ANSWER = { a: { b: [10, { 'c d': null }] }, '': 1, état: 'ok', list: [[1, 2], [3]], length: 7 };

describe('a JSON path', () => {
  it.each([
    ['$', ANSWER],
    ['$.a.b[0]', 10],
    ['$.a.b[-1]["c d"]', null],
    ["$['a']['b'][1]['c d']", null],
    ['$[""]', 1],
    ['$.état', 'ok'],
    ['$.list[0][1]', 2],
    ['$.length', 7],
    ['$.a.b[2]', undefined],
    ['$.a.b[-3]', undefined],
    ['$.a.b.length', undefined],
    ['$.a[0]', undefined],
    ['$.a.b[0].x', undefined],
    ['$.toString', undefined],
    ['$.__proto__', undefined],
    ['$.constructor.prototype', undefined],
  ])('%s', (text, value) => {
    const path = parseJsonPath(text);
    expect(path).not.toBeNull();
    expect(valueAt(ANSWER, path ?? [])).toEqual(value);
  });

  it.each([
    '',
    'a',
    '$a',
    '$.',
    '$..a',
    '$.*',
    '$[*]',
    '$[0:2]',
    '$[?@.a]',
    '$[01]',
    '$[1',
    '$["a',
    '$.a b',
    '$ ',
    '$[1e3]',
  ])('%s is refused', (text) => {
    expect(parseJsonPath(text)).toBeNull();
  });

  it('of more than 32 steps is refused', () => {
    expect(parseJsonPath(`$${'[0]'.repeat(32)}`)).toHaveLength(32);
    expect(parseJsonPath(`$${'[0]'.repeat(33)}`)).toBeNull();
  });

  it('finds what JSON holds by each of its own members, whatever their names', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const json = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
        for (const name of Object.keys(json)) expect(valueAt(json, [name])).toBe(json[name]);
      }),
    );
  });

  it('is read in a moment, however it was made to be slow', () => {
    const startedMs = performance.now();
    for (const part of ['.a', '[', "['", '[0', '.é', '["a"]']) parseJsonPath(`$${part.repeat(100_000)}`);
    expect(performance.now() - startedMs).toBeLessThan(500);
  });
});
