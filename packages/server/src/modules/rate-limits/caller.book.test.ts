import { describe, expect, it } from 'vitest';
import { CallerBook, PEERS_MAX } from './caller.book.ts';

describe('an address', () => {
  it('is nobody’s once its connection is gone', () => {
    const peer = { subject: '-', isLoopback: false };
    expect(new CallerBook().peerOf(undefined)).toMatchObject(peer);
    expect(new CallerBook().peerOf('')).toMatchObject(peer);
  });

  it('is worked out once', () => {
    const book = new CallerBook();
    expect(book.peerOf('2001:db8::1')).toMatchObject({ subject: '2001:db8::/64', isLoopback: false });
    expect(book.peerOf('::ffff:127.0.0.1')).toMatchObject({ subject: '127.0.0.1', isLoopback: true });
    expect(book.peerOf('2001:db8::1')).toBe(book.peerOf('2001:db8::1'));
    // With the port of the connection, as some proxies write it in X-Forwarded-For.
    expect(book.peerOf('192.0.2.7:50123')).toMatchObject({ subject: '192.0.2.7' });
    expect(book.peerOf('[2001:db8::1]:50123')).toMatchObject({ subject: '2001:db8::/64' });
    expect(book.peerOf('::1')).toMatchObject({ subject: '::/64', isLoopback: true });
  });

  it('has a number while there are some left, and is forgotten when there were too many others', () => {
    const book = new CallerBook();
    const first = book.peerOf('10.0.0.0');
    expect([book.addressOf(first.number), book.addressOf(0)]).toEqual(['10.0.0.0', undefined]);
    const others = Array.from({ length: PEERS_MAX }, (_unused, index) => `10.1.${index >> 8}.${index & 255}`);
    const numbers = others.map((address) => book.peerOf(address).number);
    expect([Math.max(...numbers), numbers.at(-1)]).toEqual([PEERS_MAX - 1, 0]);
    expect(book.peerOf('10.0.0.0')).not.toBe(first);
    expect(book.peerOf('10.0.0.0')).toEqual(first);
  });
});

describe('a caller', () => {
  const callerOf = (actor: string) => ({ actor, owner: actor, scopes: new Set<never>() });

  it('is worked out once, and again when a key took the place of its own', () => {
    const book = new CallerBook();
    const [key, ada] = [callerOf('key:new'), callerOf('user:ada')];
    const first = book.identityOf(key);
    expect(first).toMatchObject({ apiKey: 'new', user: null });
    expect(book.identityOf(key)).toBe(first);
    expect(book.identityOf(ada)).toMatchObject({ apiKey: null, user: 'ada' });
    expect(book.identityOf(callerOf('open'))).toMatchObject({ apiKey: 'open', user: null });
    expect(book.identityOf(key)).toBe(first);
    book.setSuccessors(new Map([['new', 'old']]));
    expect(book.identityOf(key)).toMatchObject({ apiKey: 'old' });
  });
});
