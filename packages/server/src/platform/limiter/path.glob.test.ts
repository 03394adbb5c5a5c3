import { describe, expect, test } from 'vitest';
import { compileGlob, globFault, normalisedPath, REST, segmentsOf } from './index.ts';

const fits = (pattern: string, path: string): boolean => compileGlob(pattern).matches(segmentsOf(path));

describe('patterns of paths', () => {
  test.each([
    ['/api/v1/products', '/api/v1/products', true],
    ['/api/v1/products', '/api/v1/products/1', false],
    ['/api/v1/products/*', '/api/v1/products/SKU-1', true],
    ['/api/v1/products/*', '/api/v1/products/SKU-1/x', false],
    ['/api/v1/products/{sku}', '/api/v1/products/1', true],
    ['/api/v1/products/:sku/x', '/api/v1/products/1/x', true],
    ['/api/**', '/api', true],
    ['/api/**', '/api/v1/a/b/c', true],
    ['/api/**', '/apis/v1', false],
    ['/**', '/', true],
    ['/**/reserve', '/api/v1/inventory/A/reserve', true],
    ['/**/reserve', '/reserve/x', false],
    ['/a/**/c/*/**/e', '/a/b/c/d/x/y/e', true],
    ['/a/**/c/*/**/e', '/a/b/c/e', false],
    ['/files/*.p*f', '/files/report.pdf', true],
    ['/files/*.p*f', '/files/report.png', false],
    ['/x*x', '/x', false],
    ['/x*x', '/xx', true],
    ['/a*b*c', '/a1b2b3c', true],
    ['/a*b*b', '/ab', false],
    ['/a/**/a', '/a', false],
    ['/a/**/a', '/a/a', true],
    ['/API/V1', '/api/v1', true],
    ['/api/v1', '/API/V1/', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(fits(pattern, path)).toBe(expected);
  });

  test.each([
    'products',
    '',
    '/a//b',
    `/${'a'.repeat(200)}`,
    '/*/*/*/*/*/*/*/*/*',
    `/${'*a'.repeat(9)}`,
    '/**/**',
    '/a**',
    '/(a+)+$',
    '/[a-z]*',
    '/a?b=c',
    '/a%20b',
    '/a\\b',
    '/a b',
    '/{1}',
  ])('%j is refused', (pattern) => {
    expect(globFault(pattern)).not.toBeNull();
  });

  test.each(['/', '/**', '/a/*/{b}/:c', '/größe', '/a/', '/*/*/*/*/*/*/*/*'])('%j is taken', (pattern) => {
    expect(globFault(pattern)).toBeNull();
  });

  test('what would explode a pattern that backtracks takes no time', () => {
    const glob = compileGlob('/*a*a*a*a*a*a*a*b');
    const path = segmentsOf(`/${'a'.repeat(4_000)}c`);
    const began = performance.now();
    for (let count = 0; count < 1_000; count += 1) expect(glob.matches(path)).toBe(false);
    expect(performance.now() - began).toBeLessThan(500);
  });

  test('of a route it is known beforehand whether it is always, never or sometimes meant', () => {
    const route = ['api', 'v1', 'products', null, 'x'];
    const covers = (pattern: string): string => compileGlob(pattern).covers(route);
    expect(covers('/api/v1/products/*/x')).toBe('always');
    expect(covers('/api/**')).toBe('always');
    expect(covers('/**/x')).toBe('always');
    expect(covers('/api/v1/products/SKU-1/x')).toBe('depends');
    expect(covers('/api/v1/products/SKU-*/x')).toBe('depends');
    expect(covers('/api/v1/locations/**')).toBe('never');
    expect(covers('/api/v1/products/*')).toBe('never');
    expect(compileGlob('/**').covers([REST])).toBe('always');
    expect(compileGlob('/assets/**').covers([REST])).toBe('depends');
    expect(compileGlob('/assets/*').covers(['assets', REST])).toBe('depends');
  });

  test('paths of other services are compared as a router sees them', () => {
    const same = ['login', 'now'];
    for (const path of [
      '/login/now',
      '/Login//now/',
      '/%6Cogin/./now?x=/y',
      '/%4Cogin/NO%57',
      '/a/../login/now#z',
      'login/now',
    ]) {
      expect(normalisedPath(path)).toEqual(same);
    }
    expect(normalisedPath('/%zz')).toBeNull();
    expect(normalisedPath('/a%2Fb')).toEqual(['a/b']);
  });
});
