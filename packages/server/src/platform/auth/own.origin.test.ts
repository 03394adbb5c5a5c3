import { describe, expect, test } from 'vitest';
import { assertOwnOrigin, assertOwnPage, isInTheClear } from './index.ts';

const OWN = { host: 'stock.example' };
const JSON_BODY = { 'content-type': 'application/json' };

function refuses(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    expect(error).toMatchObject({ status: 403, code: 'cross_origin_request' });
    return true;
  }
}

describe('where a request comes from', () => {
  test.each<[Record<string, string>, boolean]>([
    [{ 'sec-fetch-site': 'same-origin' }, false],
    [{ 'sec-fetch-site': 'none' }, false],
    [{ 'sec-fetch-site': 'same-site' }, true],
    [{ 'sec-fetch-site': 'cross-site' }, true],
    [{ 'sec-fetch-site': 'Same-Origin' }, true],
    [{ 'sec-fetch-site': 'same-origin, cross-site' }, true],
    // The browser's word counts more than a Host that a proxy wrote.
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://shop.example' }, false],
    [{ 'sec-fetch-site': 'cross-site', origin: 'https://stock.example' }, true],
    [{ origin: 'https://stock.example' }, false],
    [{ origin: 'http://stock.example' }, false],
    [{ origin: 'https://STOCK.example' }, false],
    [{ origin: 'https://stock.example:443', host: 'stock.example' }, false],
    [{ origin: 'https://stock.example', host: 'stock.example:443' }, false],
    [{ origin: 'https://stock.example', host: 'stock.example:8443' }, true],
    [{ origin: 'http://localhost:3000', host: 'localhost:8080' }, true],
    [{ origin: 'https://evil.example' }, true],
    [{ origin: 'https://stock.example.evil.example' }, true],
    [{ origin: 'https://evil.example/stock.example' }, true],
    [{ origin: 'https://user@stock.example' }, false],
    [{ origin: 'null' }, true],
    [{ origin: '' }, true],
    [{ origin: 'file://stock.example' }, true],
    [{ origin: 'https://stock.example', host: '' }, true],
    // No browser: it has nothing to be tricked into.
    [{}, false],
  ])('%j', (headers, refused) => {
    expect(refuses(() => assertOwnOrigin({ headers: { ...OWN, ...headers }, method: 'POST' }))).toBe(refused);
    for (const method of ['GET', 'POST', 'DELETE']) {
      const request = { headers: { ...OWN, ...JSON_BODY, ...headers }, method };
      expect(refuses(() => assertOwnPage(request))).toBe(refused);
    }
  });
});

describe('what changes something', () => {
  const from = { ...OWN, 'sec-fetch-site': 'same-origin' };
  test.each<[string, Record<string, string>, boolean]>([
    ['POST', JSON_BODY, false],
    ['POST', { 'content-type': 'Application/JSON; charset=utf-8' }, false],
    ['POST', { 'x-requested-with': 'XMLHttpRequest' }, false],
    ['DELETE', { 'x-requested-with': 'dashboard' }, false],
    ['POST', {}, true],
    ['DELETE', {}, true],
    ['PUT', {}, true],
    ['PATCH', {}, true],
    ['POST', { 'content-type': 'text/plain' }, true],
    ['POST', { 'content-type': 'text/plain; application/json' }, true],
    ['POST', { 'content-type': 'application/x-www-form-urlencoded' }, true],
    ['POST', { 'content-type': 'multipart/form-data; boundary=application/json' }, true],
    ['GET', {}, false],
    ['HEAD', {}, false],
  ])('%s %j', (method, headers, refused) => {
    expect(refuses(() => assertOwnPage({ headers: { ...from, ...headers }, method }))).toBe(refused);
  });
});

test.each<[string | undefined, boolean]>([
  ['http://stock.example', true],
  ['http://10.0.0.7:8080', true],
  ['https://stock.example', false],
  ['http://localhost:8080', false],
  ['http://127.0.0.1', false],
  ['null', false],
  [undefined, false],
])('a page of %s came in the clear from another machine: %j', (origin, expected) => {
  expect(isInTheClear(origin)).toBe(expected);
});
