import { expect, test } from 'vitest';
import { actorWords, shortOf } from './actor.words.ts';

test('who did it, in words', () => {
  const actor = 'key:01a1f94c-428d-729c-8e4c-7fc18e9645b9';
  expect(actorWords({ actor, kind: 'key', name: 'web shop' })).toBe('key web shop');
  expect(actorWords({ actor, kind: 'key', name: null })).toBe('key …9645b9');
  expect(actorWords({ actor: 'user:x', kind: 'person', name: 'Ada Lovelace' })).toBe('Ada Lovelace');
  expect(actorWords({ actor: 'open', kind: 'open', name: null })).toBe('the open server');
  expect([shortOf(actor), shortOf('system:expiry'), shortOf('open')]).toEqual([
    'key …9645b9',
    'system:expiry',
    'the open server',
  ]);
});
