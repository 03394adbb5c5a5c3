import { describe, expect, test } from 'vitest';
import { hashOfNobody, hashPassword, STRONGEST, verifyPassword } from './password.hash.ts';

const hasArgon2 = STRONGEST === 'argon2id';

describe('scrypt', () => {
  test('is kept with its parameters and a salt of its own', async () => {
    const [one, two] = await Promise.all([
      hashPassword('a password', { id: 'scrypt' }),
      hashPassword('a password', { id: 'scrypt' }),
    ]);
    expect(one).toMatch(/^\$scrypt\$ln=17,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(two).not.toBe(one);
  });

  test('is checked by the parameters that it was made with', async () => {
    // RFC 7914, section 12: "pleaseletmein", "SodiumChloride", N=16384, r=8, p=1; the first 32 of 64 bytes are what a
    // shorter key is, too.
    const stored = '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$';
    const known = Buffer.from('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2', 'hex');
    const text = `${stored}${known.toString('base64').replace(/=+$/, '')}`;
    expect(await verifyPassword('pleaseletmein', text)).toBe('outdated');
    expect(await verifyPassword('pleaseletmeout', text)).toBe('wrong');
  });

  test('is outdated where Argon2 can be had', async () => {
    const stored = await hashPassword('a password', { id: 'scrypt' });
    expect(await verifyPassword('a password', stored)).toBe(hasArgon2 ? 'outdated' : 'right');
    expect(await verifyPassword('a passwort', stored)).toBe('wrong');
  });
});

describe.runIf(hasArgon2)('Argon2id', () => {
  test('is what new passwords get', async () => {
    const stored = await hashPassword('a password');
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await verifyPassword('a password', stored)).toBe('right');
    expect(await verifyPassword('A password', stored)).toBe('wrong');
    expect(await verifyPassword('', stored)).toBe('wrong');
  });

  test('agrees with the reference implementation, and is outdated with lesser parameters', async () => {
    const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await verifyPassword('password', reference)).toBe('outdated');
    expect(await verifyPassword('passwort', reference)).toBe('wrong');
  });
});

test('the same password typed otherwise is the same: NFKC', async () => {
  const stored = await hashPassword('Käsekuchen Nr. ② für ﬁnn', { id: 'scrypt' });
  expect(await verifyPassword('Ka\u0308sekuchen Nr. 2 fu\u0308r finn', stored)).not.toBe('wrong');
});

test('nobody has a password', async () => {
  expect(hashOfNobody()).not.toBe(hashOfNobody());
  for (const guess of ['', 'a password']) expect(await verifyPassword(guess, hashOfNobody())).toBe('wrong');
});

test.each([
  ['no PHC string', 'secret'],
  ['an algorithm that we have not', '$md5$r=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMa'],
  ['all of the memory', '$scrypt$ln=30,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMa'],
])('a stored hash that is %s is a defect', async (_what, stored) => {
  await expect(verifyPassword('a password', stored)).rejects.toThrow(/hash/);
});
