import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { endedSessionCookies, generateSessionToken, readSessionToken, sessionCookie } from './index.ts';

const HERE = { host: 'localhost:8080' };
const ELSEWHERE = { host: 'stock.example' };
const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15';
const CHROMIUM =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0';

function requestWith(headers: Record<string, string>, remoteAddress = '127.0.0.1') {
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage;
}

const token = generateSessionToken();

describe('the cookie that is set', () => {
  test('is the same for every browser, on HTTPS and on its own machine', () => {
    const cookie = `__Host-holdfast=${token}; Secure; Path=/; HttpOnly; SameSite=Strict; Max-Age=1209600`;
    for (const agent of [CHROMIUM, FIREFOX, 'curl/8.0', '']) {
      expect(sessionCookie(requestWith({ ...HERE, 'user-agent': agent }), token)).toBe(cookie);
    }
    expect(sessionCookie(requestWith({ ...ELSEWHERE, 'user-agent': SAFARI }), token)).toBe(cookie);
    expect(sessionCookie(requestWith({ ...HERE, 'user-agent': SAFARI, 'x-forwarded-for': '1.2.3.4' }), token)).toBe(
      cookie,
    );
    expect(sessionCookie(requestWith({ ...HERE, 'user-agent': SAFARI }, '10.0.0.1'), token)).toBe(cookie);
  });

  test('is a lesser one for Safari on its own machine, which keeps no other there', () => {
    expect(sessionCookie(requestWith({ ...HERE, 'user-agent': SAFARI }), token)).toBe(
      `holdfast-local=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=1209600`,
    );
  });

  test('ends as it was set', () => {
    expect(endedSessionCookies(requestWith(ELSEWHERE))).toEqual([
      '__Host-holdfast=; Secure; Path=/; HttpOnly; SameSite=Strict; Max-Age=0',
    ]);
    expect(endedSessionCookies(requestWith(HERE))).toHaveLength(2);
  });

  test('holds 256 random bits', () => {
    const tokens = new Set(Array.from({ length: 100 }, generateSessionToken));
    expect(tokens.size).toBe(100);
    for (const one of tokens) expect(Buffer.from(one, 'base64url')).toHaveLength(32);
  });
});

describe('the cookie that is sent', () => {
  const other = generateSessionToken();
  test.each([
    ['alone', `__Host-holdfast=${token}`, token],
    ['among others', `a=1; __Host-holdfast=${token};b=2`, token],
    ['with blanks around it', `  __Host-holdfast = ${token} `, token],
    ['beside the lesser one', `holdfast-local=${other}; __Host-holdfast=${token}`, token],
    ['as the lesser one', `holdfast-local=${token}`, token],
    ['not at all', 'a=1', null],
    ['twice', `__Host-holdfast=${token}; __Host-holdfast=${other}`, null],
    ['twice the same', `__Host-holdfast=${token}; __Host-holdfast=${token}`, null],
    ['in capitals', `__host-holdfast=${token}`, null],
    ['as part of a name', `x__Host-holdfast=${token}`, null],
    ['as the beginning of a name', `__Host-holdfast-x=${token}`, null],
    ['in quotes', `__Host-holdfast="${token}"`, null],
    ['cut short', `__Host-holdfast=${token.slice(1)}`, null],
    ['empty', '__Host-holdfast=', null],
    ['without a value', '__Host-holdfast', null],
    ['with what is no base64url', `__Host-holdfast=${'%'.repeat(43)}`, null],
  ])('%s', (_how, cookie, expected) => {
    expect(readSessionToken(requestWith({ ...HERE, cookie }))).toBe(expected);
  });

  test('as the lesser one counts on its own machine only: on HTTPS anybody on the way could have set it', () => {
    const cookie = `holdfast-local=${token}`;
    expect(readSessionToken(requestWith({ ...ELSEWHERE, cookie }))).toBeNull();
    expect(readSessionToken(requestWith({ ...HERE, cookie, 'x-forwarded-proto': 'https' }))).toBeNull();
    expect(readSessionToken(requestWith({ ...HERE, cookie }, '10.0.0.1'))).toBeNull();
  });
});
