import { describe, expect, it } from 'vitest';
import { CallerBook } from './caller.book.ts';

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
  });
});
