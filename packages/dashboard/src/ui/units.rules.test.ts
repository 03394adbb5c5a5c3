import { expect, test } from 'vitest';
import { readUnits, writingOf } from './units.rules.ts';

test.each([
  ['en-GB', { '1250': 1250, '1,250': 1250, '1,250,000': 1250000, '1 250': 1250, ' 12 ': 12, '1e12': null }],
  ['en-GB', { '1.250': null, '1.5': null, '1,5': null, '1,25': null, '12 pcs': null, '-5': null, '': null }],
  ['en-IN', { '12,50,000': 1250000, '1,250': 1250, '1,2,500': null }],
  ['de-DE', { '1.250': 1250, '1,250': null, '1,5': null, '1.5': null, '1250': 1250 }],
  ['fr-FR', { '1 250': 1250, '1\u202F250': 1250, '1\u00A0250': 1250, '1.250': null }],
  ['de-CH', { '1’250': 1250, "1'250": 1250 }],
  ['ar-EG', { '١٢٥٠': 1250, '١٬٢٥٠': 1250, '1250': 1250 }],
  ['hi-IN', { '१२५०': 1250, '12,50,000': 1250000 }],
  ['ja-JP', { '１２５０': 1250, '1000000000000': 1e12 }],
])('units as they are typed in %s', (locale, said) => {
  const writing = writingOf(locale);
  const read = Object.fromEntries(Object.keys(said).map((text) => [text, readUnits(text, writing)]));
  expect(read).toEqual(said);
});

test.each(['en-GB', 'de-DE', 'fr-FR', 'de-CH', 'ar-EG', 'hi-IN', 'es-ES', 'pt-PT', 'fa-IR', 'bn-BD', 'pl-PL', 'my-MM'])(
  'what is shown in %s can be read again',
  (locale) => {
    const writing = writingOf(locale);
    for (const value of [0, 7, 1250, 12_345, 1_250_000, 1e12]) {
      expect(readUnits(writing.format(value), writing)).toBe(value);
    }
  },
);
