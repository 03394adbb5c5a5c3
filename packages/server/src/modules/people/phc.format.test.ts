import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPhc, parsePhc } from './phc.format.ts';

const bytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array));
const word = fc.stringMatching(/^[a-z0-9-]{1,10}$/);
const phc = fc.record({
  id: word,
  version: fc.option(fc.integer({ min: 0, max: 999_999_999 })),
  parameters: fc.dictionary(
    word.filter((name) => name !== 'v'),
    fc.integer({ min: 0, max: 999_999_999 }),
    { minKeys: 1, maxKeys: 5 },
  ),
  salt: bytes(64),
  hash: bytes(64),
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(phc, (value) => {
      const read = parsePhc(formatPhc(value));
      expect(read).toEqual({ ...value, parameters: expect.anything() as unknown });
      expect({ ...read?.parameters }).toEqual({ ...value.parameters });
    }),
  );
});

test('a text that was changed anywhere is none, or is what it says', () => {
  const place = fc.tuple(phc, fc.nat(), fc.string({ minLength: 0, maxLength: 2 }));
  fc.assert(
    fc.property(place, ([value, at, other]) => {
      const text = formatPhc(value);
      const changed = `${text.slice(0, at % text.length)}${other}${text.slice((at % text.length) + 1)}`;
      const read = parsePhc(changed);
      if (read !== null) expect(formatPhc(read)).toBe(changed);
    }),
    { numRuns: 1_000 },
  );
});

test('any text is read without harm', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
      const read = parsePhc(text);
      if (read !== null) expect(formatPhc(read)).toBe(text);
    }),
  );
});

const WHOLE = '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

test.each([
  ['nothing', ''],
  ['no salt', '$argon2id$v=19$m=65536,t=3,p=4$$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
  ['no hash', '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ'],
  ['no parameters', '$argon2id$v=19$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
  ['a parameter twice', WHOLE.replace('t=3', 'm=3')],
  ['a number with a leading zero', WHOLE.replace('t=3', 't=03')],
  ['a negative number', WHOLE.replace('t=3', 't=-3')],
  ['a number that is too large', WHOLE.replace('t=3', 't=9999999999')],
  ['padding', `${WHOLE}=`],
  ['bits beyond the last byte', WHOLE.replace('c29tZXNhbHQ', 'c29tZXNhbHR')],
  ['base64url', WHOLE.replace('CTFh', '-_Fh')],
  ['a line after it', `${WHOLE}\n`],
  ['more after it', `${WHOLE}$more`],
])('refuses %s', (_what, text) => {
  expect(parsePhc(WHOLE)).not.toBeNull();
  expect(parsePhc(text)).toBeNull();
});

test('a parameter may be called as a member of every object is', () => {
  const text = WHOLE.replace('m=65536', 'constructor=1');
  expect(parsePhc(text)?.parameters['constructor']).toBe(1);
  expect(parsePhc(WHOLE)?.parameters['constructor']).toBeUndefined();
});
